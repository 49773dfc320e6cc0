"""Aliases: names for versions, or for two versions with a share each."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.names import LATEST, FunctionName
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function, page
from casemate.services.lambda_.state import Alias

_NAME = re.compile(r"(?!^[0-9]+$)([a-zA-Z0-9\-_]+)")


@OPERATIONS.operation("CreateAlias", checks=on_function("CreateAlias", qualified=False))
def create_alias(ctx: Ctx, params: Params) -> Output:
    """Name a version."""
    name = named(ctx, params)
    ctx.state.latest(name)
    if not _NAME.fullmatch(params["Name"]):
        raise errors.constraint(
            params["Name"], "name", f"satisfy regular expression pattern: {_NAME.pattern}"
        )
    if (*name.key, params["Name"]) in ctx.state.aliases:
        # Observed: HumanCellAtlas/data-store#929 on GitHub.
        raise errors.conflict(f"Alias already exists: {name.arn}:{params['Name']}")
    alias = Alias(
        account=name.account,
        region=name.region,
        function=name.name,
        name=params["Name"],
        version=_version(ctx, name, params["FunctionVersion"]),
        description=params.get("Description", ""),
        weights=_weights(ctx, name, params, version=params["FunctionVersion"]),
        revision=ctx.new_uuid(),
    )
    ctx.state.aliases.put((*name.key, alias.name), alias)
    return _describe(name, alias)


@OPERATIONS.operation("UpdateAlias", checks=on_function("UpdateAlias", qualified=False))
def update_alias(ctx: Ctx, params: Params) -> Output:
    """Point it elsewhere."""
    name = named(ctx, params)
    alias = _alias(ctx, name, params["Name"])
    if params.get("RevisionId") not in (None, alias.revision):
        raise errors.precondition_failed()
    version = params.get("FunctionVersion")
    version = alias.version if version is None else _version(ctx, name, version)
    weights = alias.weights
    if "RoutingConfig" in params:
        weights = _weights(ctx, name, params, version=version)
    elif weights:
        _check_pair(ctx, name, version, next(iter(weights)))
    alias = replace(
        alias,
        version=version,
        weights=weights,
        description=params.get("Description", alias.description),
        revision=ctx.new_uuid(),
    )
    ctx.state.aliases.put((*name.key, alias.name), alias)
    return _describe(name, alias)


@OPERATIONS.operation("GetAlias", checks=on_function("GetAlias", qualified=False))
def get_alias(ctx: Ctx, params: Params) -> Output:
    """The alias."""
    name = named(ctx, params)
    return _describe(name, _alias(ctx, name, params["Name"]))


@OPERATIONS.operation("DeleteAlias", checks=on_function("DeleteAlias", qualified=False))
def delete_alias(ctx: Ctx, params: Params) -> Output:
    """Delete it; deleting what is not there succeeds."""
    name = named(ctx, params)
    ctx.state.latest(name)
    state = ctx.state
    for owned in (
        state.aliases,
        state.permissions,
        state.urls,
        state.event_invoke_configs,
        state.provisioned,
    ):
        owned.delete(*name.key, params["Name"])
    return {}


@OPERATIONS.operation("ListAliases", checks=on_function("ListAliases", qualified=False))
def list_aliases(ctx: Ctx, params: Params) -> Output:
    """All aliases of a function, or those of one version."""
    name = named(ctx, params)
    ctx.state.latest(name)
    version = params.get("FunctionVersion")
    found = [
        one for one in ctx.state.aliases.values(*name.key) if version in (None, one.version, *one.weights)
    ]
    shown, marker = page(sorted(found, key=lambda one: one.name), params)
    return {"Aliases": [_describe(name, one) for one in shown], "NextMarker": marker}


def _alias(ctx: Ctx, name: FunctionName, alias: str) -> Alias:
    ctx.state.latest(name)
    found = ctx.state.aliases.get(*name.key, alias)
    if found is None:
        # Observed: fujiwara/lambroll#386 on GitHub.
        raise errors.not_found_here(f"Cannot find alias arn: {name.arn}:{alias}")
    return found


def _version(ctx: Ctx, name: FunctionName, version: str) -> str:
    if (*name.key, version) not in ctx.state.functions:
        raise errors.not_found("Function", f"{name.arn}:{version}")
    return version


def _weights(ctx: Ctx, name: FunctionName, params: Params, *, version: str) -> dict[str, float]:
    """The weights an input asks for. Rules: Lambda Developer Guide, "Implement Lambda canary deployments"."""
    routing: Params = params.get("RoutingConfig") or {}
    weights: dict[str, float] = dict(routing.get("AdditionalVersionWeights") or {})
    if not weights:
        return {}
    if len(weights) > 1:
        raise errors.invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    ((other, weight),) = weights.items()
    if not 0.0 <= weight <= 1.0:
        raise errors.constraint(
            f"{{{other}={weight}}}", "routingConfig.additionalVersionWeights",
            "satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater "
            "than or equal to 0.0]",
        )  # fmt: skip
    _check_pair(ctx, name, version, other)
    return weights


def _check_pair(ctx: Ctx, name: FunctionName, version: str, other: str) -> None:
    """Two published versions with the same execution role: that is all an alias can be split over."""
    if other == version:
        # Observed: serverless/serverless#7250 on GitHub.
        raise errors.invalid(
            f"Invalid function version {version}. Function version {version} is already included in routing configuration."
        )
    if LATEST in (version, other):
        raise errors.invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    _version(ctx, name, other)
    functions = [ctx.state.functions.get(*name.key, one) for one in (version, other)]
    if len({one.role for one in functions if one is not None}) > 1:
        raise errors.invalid("Both versions of an alias must have the same execution role.")


def _describe(name: FunctionName, alias: Alias) -> dict[str, Any]:
    described: dict[str, Any] = {
        "AliasArn": f"{name.arn}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    }
    if alias.weights:
        described["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return described
