"""How asynchronous invocations are retried, how old they may get, and who hears of their end."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.asynchronous import EventInvokeConfig
from casemate.services.lambda_.names import LATEST, FunctionName, parse_arn
from casemate.services.lambda_.operations.functions import role_principal
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function, page
from casemate.services.lambda_.state import Function

_SERVICES = ("lambda", "sqs", "sns", "events", "s3")
"""What a destination may be: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations"."""


@OPERATIONS.operation("PutFunctionEventInvokeConfig", checks=on_function("PutFunctionEventInvokeConfig"))
def put_function_event_invoke_config(ctx: Ctx, params: Params) -> Output:
    """Set all of it: what is left out becomes the default again."""
    name = named(ctx, params)
    return _commit(ctx, name, params, EventInvokeConfig(modified=ctx.now))


@OPERATIONS.operation(
    "UpdateFunctionEventInvokeConfig", checks=on_function("UpdateFunctionEventInvokeConfig")
)
def update_function_event_invoke_config(ctx: Ctx, params: Params) -> Output:
    """Set some of it."""
    name = named(ctx, params)
    return _commit(ctx, name, params, _existing(ctx, name))


@OPERATIONS.operation("GetFunctionEventInvokeConfig", checks=on_function("GetFunctionEventInvokeConfig"))
def get_function_event_invoke_config(ctx: Ctx, params: Params) -> Output:
    """What was set."""
    name = named(ctx, params)
    return _describe(name, _existing(ctx, name))


@OPERATIONS.operation(
    "DeleteFunctionEventInvokeConfig", checks=on_function("DeleteFunctionEventInvokeConfig")
)
def delete_function_event_invoke_config(ctx: Ctx, params: Params) -> Output:
    """Everything is the default again."""
    name = named(ctx, params)
    _existing(ctx, name)
    ctx.state.event_invoke_configs.delete(*_key(name))
    return {}


@OPERATIONS.operation(
    "ListFunctionEventInvokeConfigs", checks=on_function("ListFunctionEventInvokeConfigs", qualified=False)
)
def list_function_event_invoke_configs(ctx: Ctx, params: Params) -> Output:
    """Of the function, its versions and its aliases."""
    name = named(ctx, params)
    ctx.state.latest(name)
    found = [
        _describe(replace(name, qualifier=key[3]), config)
        for key, config in ctx.state.event_invoke_configs.items(*name.key)
    ]
    shown, marker = page(found, params)
    return {"FunctionEventInvokeConfigs": shown, "NextMarker": marker}


def _key(name: FunctionName) -> tuple[str, str, str, str]:
    return (*name.key, name.qualifier or LATEST)


def _existing(ctx: Ctx, name: FunctionName) -> EventInvokeConfig:
    ctx.state.version(name)
    found = ctx.state.event_invoke_configs.get(*_key(name))
    if found is None:
        arn = f"{name.arn}:{name.qualifier or LATEST}"
        raise errors.not_found_here(f"The function {arn} doesn't have an EventInvokeConfig")
    return found


def _commit(ctx: Ctx, name: FunctionName, params: Params, config: EventInvokeConfig) -> Output:
    function = ctx.state.version(name)
    if not any(
        member in params
        for member in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    ):
        raise errors.invalid("You must specify at least one of error handling or destination setting.")
    config = replace(
        config,
        retries=params.get("MaximumRetryAttempts", config.retries),
        age_seconds=params.get("MaximumEventAgeInSeconds", config.age_seconds),
        modified=ctx.now,
    )
    if "DestinationConfig" in params:
        on_success, on_failure = _destinations(ctx, function, params["DestinationConfig"])
        config = replace(config, on_success=on_success, on_failure=on_failure)
    ctx.state.event_invoke_configs.put(_key(name), config)
    return _describe(name, config)


def _destinations(ctx: Ctx, function: Function, config: Params) -> tuple[str, str]:
    on_success, on_failure = _arn_of(config, "OnSuccess"), _arn_of(config, "OnFailure")
    for arn in (on_success, on_failure):
        if not arn:
            continue
        service = arn.split(":")[2] if arn.count(":") > 4 else ""
        if service not in _SERVICES or (service == "s3" and arn == on_success):
            raise errors.invalid(
                f"The provided destination config DestinationConfig(onSuccess={_shown('OnSuccess', on_success)}, "
                f"onFailure={_shown('OnFailure', on_failure)}) is invalid."
            )
        _check_destination(ctx, function, service, arn)
    return on_success, on_failure


def _arn_of(config: Params, member: str) -> str:
    destination: Params = config.get(member) or {}
    return destination.get("Destination") or ""


def _shown(kind: str, arn: str) -> str:
    return f"{kind}(destination={arn})" if arn else "null"


def _check_destination(ctx: Ctx, function: Function, service: str, arn: str) -> None:
    if service != "lambda":
        raise errors.invalid(
            f"Casemate has no {service}, so {arn} cannot be a destination here. A Lambda function can be one."
        )
    name = parse_arn(arn)
    if name is None:
        raise errors.invalid(f"The destination ARN {arn} is invalid.")
    if name.region != function.region:
        raise errors.invalid(f"The destination ARN {arn} is not in the Region of the function.")
    if name.key == (function.account, function.region, function.name):
        raise errors.invalid("You can't specify the function as a destination for itself.")
    ctx.state.version(name)
    try:
        role = role_principal(ctx, function.role)
        ctx.authorize(Check(action="lambda:InvokeFunction", resource=arn), principal=role)
    except AwsError as error:
        raise errors.invalid(
            f"The function's execution role does not have permissions to call InvokeFunction on {arn}"
        ) from error


def _describe(name: FunctionName, config: EventInvokeConfig) -> dict[str, Any]:
    destinations: dict[str, Any] = {"OnSuccess": {}, "OnFailure": {}}
    if config.on_success:
        destinations["OnSuccess"] = {"Destination": config.on_success}
    if config.on_failure:
        destinations["OnFailure"] = {"Destination": config.on_failure}
    described: dict[str, Any] = {
        "LastModified": config.modified,
        "FunctionArn": f"{name.arn}:{name.qualifier or LATEST}",
        "MaximumRetryAttempts": config.retries,
        "MaximumEventAgeInSeconds": config.age_seconds,
        "DestinationConfig": destinations,
    }
    return {member: value for member, value in described.items() if value is not None}
