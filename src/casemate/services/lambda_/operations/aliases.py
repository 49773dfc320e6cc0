"""Aliases: names for versions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.names import FunctionName
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
        raise errors.conflict(f"Alias already exists: {name.arn}:{params['Name']}")
    alias = Alias(
        account=name.account,
        region=name.region,
        function=name.name,
        name=params["Name"],
        version=_version(ctx, name, params["FunctionVersion"]),
        description=params.get("Description", ""),
        revision=ctx.new_uuid(),
    )
    _refuse_routing(params)
    ctx.state.aliases.put((*name.key, alias.name), alias)
    return _describe(name, alias)


@OPERATIONS.operation("UpdateAlias", checks=on_function("UpdateAlias", qualified=False))
def update_alias(ctx: Ctx, params: Params) -> Output:
    """Point it elsewhere."""
    name = named(ctx, params)
    alias = _alias(ctx, name, params["Name"])
    if params.get("RevisionId") not in (None, alias.revision):
        raise errors.precondition_failed()
    _refuse_routing(params)
    version = params.get("FunctionVersion")
    alias = replace(
        alias,
        version=alias.version if version is None else _version(ctx, name, version),
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
    ctx.state.aliases.delete(*name.key, params["Name"])
    ctx.state.permissions.delete(*name.key, params["Name"])
    return {}


@OPERATIONS.operation("ListAliases", checks=on_function("ListAliases", qualified=False))
def list_aliases(ctx: Ctx, params: Params) -> Output:
    """All aliases of a function, or those of one version."""
    name = named(ctx, params)
    ctx.state.latest(name)
    version = params.get("FunctionVersion")
    found = [one for one in ctx.state.aliases.values(*name.key) if version in (None, one.version)]
    shown, marker = page(sorted(found, key=lambda one: one.name), params)
    return {"Aliases": [_describe(name, one) for one in shown], "NextMarker": marker}


def _alias(ctx: Ctx, name: FunctionName, alias: str) -> Alias:
    ctx.state.latest(name)
    found = ctx.state.aliases.get(*name.key, alias)
    if found is None:
        raise errors.not_found_here(f"Cannot find alias arn: {name.arn}:{alias}")
    return found


def _version(ctx: Ctx, name: FunctionName, version: str) -> str:
    if (*name.key, version) not in ctx.state.functions:
        raise errors.not_found("Function", f"{name.arn}:{version}")
    return version


def _refuse_routing(params: Params) -> None:
    routing: Params = params.get("RoutingConfig") or {}
    if routing.get("AdditionalVersionWeights"):
        raise errors.invalid("Casemate does not support weighted aliases (RoutingConfig) yet.")


def _describe(name: FunctionName, alias: Alias) -> dict[str, Any]:
    return {
        "AliasArn": f"{name.arn}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    }
