"""Function URLs: their configuration. `gateway.function_urls` answers on them."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.names import LATEST, FunctionName
from casemate.services.lambda_.operations.functions import timestamp
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function, page
from casemate.services.lambda_.records import Cors, FunctionUrl

_ID_BYTES = 20
"""32 characters of a-z and 2-7."""


def _on_url(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    """On the function, with the URL's auth type: the one asked for, else the present one."""

    def checks(ctx: Ctx, params: Params) -> Iterable[Check]:
        name = named(ctx, params)
        known = ctx.state.urls.get(*_key(name))
        auth_type = params.get("AuthType") or (known.auth_type if known else None)
        context = {"lambda:FunctionUrlAuthType": auth_type} if auth_type else {}
        context["lambda:FunctionArn"] = name.qualified_arn
        yield Check(action=f"lambda:{action}", resource=name.qualified_arn, context=context)

    return checks


@OPERATIONS.operation("CreateFunctionUrlConfig", checks=_on_url("CreateFunctionUrlConfig"))
def create_function_url_config(ctx: Ctx, params: Params) -> Output:
    """Give the function, or an alias, a URL."""
    name = _addressable(ctx, params)
    if _key(name) in ctx.state.urls:
        raise errors.conflict(
            f"Failed to create function url config for [functionArn = {name.qualified_arn}]. Error message:  "
            f"FunctionUrlConfig exists for this Lambda function"
        )
    stamp = timestamp(ctx.now)
    url = FunctionUrl(
        url_id=b32encode(ctx.random_bytes(_ID_BYTES)).decode().lower(),
        account=name.account,
        region=name.region,
        function=name.name,
        qualifier=name.qualifier or "",
        auth_type=params["AuthType"],
        invoke_mode=params.get("InvokeMode", "BUFFERED"),
        cors=_cors(params.get("Cors")),
        created=stamp,
        modified=stamp,
    )
    ctx.state.urls.put(_key(name), url)
    described = _describe(url)
    del described["LastModifiedTime"]  # API reference: not in this answer
    return described


@OPERATIONS.operation("UpdateFunctionUrlConfig", checks=_on_url("UpdateFunctionUrlConfig"))
def update_function_url_config(ctx: Ctx, params: Params) -> Output:
    """Change it; members that are not given stay."""
    name = _addressable(ctx, params)
    url = _existing(ctx, name)
    url = replace(
        url,
        auth_type=params.get("AuthType", url.auth_type),
        invoke_mode=params.get("InvokeMode", url.invoke_mode),
        cors=_cors(params["Cors"]) if "Cors" in params else url.cors,
        modified=timestamp(ctx.now),
    )
    ctx.state.urls.put(_key(name), url)
    return _describe(url)


@OPERATIONS.operation("GetFunctionUrlConfig", checks=_on_url("GetFunctionUrlConfig"))
def get_function_url_config(ctx: Ctx, params: Params) -> Output:
    """The configuration."""
    return _describe(_existing(ctx, _addressable(ctx, params)))


@OPERATIONS.operation("DeleteFunctionUrlConfig", checks=_on_url("DeleteFunctionUrlConfig"))
def delete_function_url_config(ctx: Ctx, params: Params) -> Output:
    """The URL is gone for good: another one gets another name."""
    name = _addressable(ctx, params)
    _existing(ctx, name)
    ctx.state.urls.delete(*_key(name))
    return {}


@OPERATIONS.operation("ListFunctionUrlConfigs", checks=on_function("ListFunctionUrlConfigs", qualified=False))
def list_function_url_configs(ctx: Ctx, params: Params) -> Output:
    """Of the function and its aliases."""
    name = named(ctx, params)
    ctx.state.latest(name)
    shown, marker = page(ctx.state.urls.values(*name.key), params)
    return {"FunctionUrlConfigs": [_describe(one) for one in shown], "NextMarker": marker}


def _key(name: FunctionName) -> tuple[str, str, str, str]:
    return (*name.key, name.qualifier or "")


def _addressable(ctx: Ctx, params: Params) -> FunctionName:
    """The function or alias: a URL cannot be of a version ("Creating and managing Lambda function URLs")."""
    name = named(ctx, params)
    if name.qualifier is not None and (name.qualifier == LATEST or name.qualifier.isdigit()):
        raise errors.constraint(
            name.qualifier, "qualifier", r"satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"
        )
    ctx.state.version(name)
    return name


def _existing(ctx: Ctx, name: FunctionName) -> FunctionUrl:
    found = ctx.state.urls.get(*_key(name))
    if found is None:
        raise errors.not_found_here("The resource you requested does not exist.")
    return found


def _cors(given: Params | None) -> Cors | None:
    if not given:
        return None
    methods: list[str] = given.get("AllowMethods") or []
    return Cors(
        allow_credentials=given.get("AllowCredentials"),
        allow_headers=tuple(given.get("AllowHeaders") or ()),
        allow_methods=tuple(method.upper() for method in methods),
        allow_origins=tuple(given.get("AllowOrigins") or ()),
        expose_headers=tuple(given.get("ExposeHeaders") or ()),
        max_age=given.get("MaxAge"),
    )


def _describe(url: FunctionUrl) -> dict[str, Any]:
    described: dict[str, Any] = {
        "FunctionUrl": f"https://{url.host}/",
        "FunctionArn": url.function_arn,
        "AuthType": url.auth_type,
        "CreationTime": url.created,
        "LastModifiedTime": url.modified,
        "InvokeMode": url.invoke_mode,
    }
    if url.cors is not None:
        described["Cors"] = _describe_cors(url.cors)
    return described


def _describe_cors(cors: Cors) -> dict[str, Any]:
    described: dict[str, Any] = {
        "AllowCredentials": cors.allow_credentials,
        "AllowHeaders": list(cors.allow_headers) or None,
        "AllowMethods": list(cors.allow_methods) or None,
        "AllowOrigins": list(cors.allow_origins) or None,
        "ExposeHeaders": list(cors.expose_headers) or None,
        "MaxAge": cors.max_age,
    }
    return {member: value for member, value in described.items() if value is not None}
