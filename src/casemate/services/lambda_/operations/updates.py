"""Changing a function's code and configuration. Environments of the old revision finish their invocation and end."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import configuration, errors, function_layers, placement, snap_start
from casemate.services.lambda_.names import LATEST
from casemate.services.lambda_.operations.functions import (
    code_members,
    require_tracing,
    role_principal,
    timestamp,
    unpacked,
)
from casemate.services.lambda_.operations.registry import (
    OPERATIONS,
    Ctx,
    named,
    on_configuration,
    on_function,
    shown,
)
from casemate.services.lambda_.operations.versions import publish
from casemate.services.lambda_.state import Function

CONFIGURATION_BYTES = 5120
"""Of a request for new configuration."""
_IN_PROGRESS = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}


@OPERATIONS.operation(
    "UpdateFunctionCode",
    checks=on_function("UpdateFunctionCode", qualified=False),
    lasting=snap_start.until_settled,
)
def update_function_code(ctx: Ctx, params: Params) -> Output:
    """New code."""
    latest = _current(ctx, params)
    package = unpacked(ctx, params, "UpdateFunctionCode", replaced=latest.code_size)
    function_layers.require_size(package.unzipped, latest.layers)
    architectures = params.get("Architectures") or [latest.architecture]
    changed = replace(latest, **code_members(package), architecture=architectures[0])
    if params.get("DryRun", False):
        return shown(ctx, changed)
    changed = _commit(ctx, changed)
    if params.get("Publish", False):
        return shown(ctx, publish(ctx, changed, description=None))
    return {**shown(ctx, changed), **_IN_PROGRESS}


@OPERATIONS.operation("UpdateFunctionConfiguration", checks=on_configuration("UpdateFunctionConfiguration"))
def update_function_configuration(ctx: Ctx, params: Params) -> Output:
    """New configuration; members that are not given stay."""
    _require_short(params)
    latest = _current(ctx, params)
    settings: dict[str, Any] = configuration.settings(params)
    snap_start.require_eligible({
        "runtime": latest.runtime, "ephemeral": latest.ephemeral, "snap_start": latest.snap_start, **settings,
    })  # fmt: skip
    role = settings.get("role", latest.role)
    if "VpcConfig" in params:
        principal = role_principal(ctx, role)
        network = placement.place(ctx, params["VpcConfig"], function_arn=latest.arn, role=principal)
        placement.release(ctx.state, latest.network, function_arn=latest.arn, keep=network)
        settings |= {"network": network, "network_given": True, "idle": False}
        require_tracing(ctx, settings, principal)
    elif "role" in settings or settings.get("tracing") == "Active":
        principal = role_principal(ctx, role)
        require_tracing(ctx, settings, principal)
    if "Layers" in params:
        layers = function_layers.chosen(ctx, params["Layers"], already=latest.layers)
        function_layers.require_size(latest.unzipped_size, layers)
        settings["layers"] = layers
    versions = ctx.state.functions.values(latest.account, latest.region, latest.name)
    changed = ctx.state.variable_keys.readopt(ctx, latest, replace(latest, **settings), versions)
    changed = _commit(ctx, changed)
    return {**shown(ctx, changed), **_IN_PROGRESS}


def _require_short(params: Params) -> None:
    """AwsError for a body of 5,120 bytes and more, counted in the shortest JSON that says the same."""
    body = {name: value for name, value in params.items() if name != "FunctionName"}
    if len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) >= CONFIGURATION_BYTES:
        raise errors.request_too_long(CONFIGURATION_BYTES, "UpdateFunctionConfiguration")


def _current(ctx: Ctx, params: Params) -> Function:
    """`$LATEST` of the named function, if the caller's revision is the current one."""
    name = named(ctx, params)
    if name.qualifier not in (None, LATEST):
        # Observed: appleboy/lambda-action#6 on GitHub.
        raise errors.invalid("Current operation does not support versions other than $LATEST.")
    latest = ctx.state.latest(name)
    if params.get("RevisionId") not in (None, latest.revision):
        raise errors.precondition_failed()
    return latest


def _commit(ctx: Ctx, changed: Function) -> Function:
    stored = replace(changed, revision=ctx.new_uuid(), modified=timestamp(ctx.now))
    ctx.state.functions.put(stored.key, stored)
    ctx.state.runner.retire(stored.arn, LATEST)
    return stored
