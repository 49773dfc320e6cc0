"""Resource-based policies of layer versions: which accounts may use them."""

from __future__ import annotations

import json
import re
from typing import Any

from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.access import document_of
from casemate.services.lambda_.layer_versions import LayerName, LayerPermissions
from casemate.services.lambda_.operations.layers import layer_named, on_layer
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx


@OPERATIONS.operation("AddLayerVersionPermission", checks=on_layer("AddLayerVersionPermission"))
def add_layer_version_permission(ctx: Ctx, params: Params) -> Output:
    """Add a statement."""
    name, current = _current(ctx, params)
    statements = () if current is None else current.statements
    if any(statement["Sid"] == params["StatementId"] for statement in statements):
        raise errors.conflict(
            f"The statement id ({params['StatementId']}) provided already exists. Please provide a new statement "
            "id, or remove the existing statement."
        )
    statement = _statement(params, name.arn)
    permissions = LayerPermissions(statements=(*statements, statement), revision=ctx.new_uuid())
    ctx.state.layers.permissions.put((*name.key, str(name.version)), permissions)
    text = json.dumps(statement, separators=(",", ":"))
    return {"Statement": text, "RevisionId": permissions.revision}


@OPERATIONS.operation("RemoveLayerVersionPermission", checks=on_layer("RemoveLayerVersionPermission"))
def remove_layer_version_permission(ctx: Ctx, params: Params) -> Output:
    """Remove a statement."""
    name, current = _current(ctx, params)
    kept = tuple(one for one in _statements(current) if one["Sid"] != params["StatementId"])
    if len(kept) == len(_statements(current)):
        raise errors.not_found_here(f"Statement {params['StatementId']} is not found in resource policy.")
    permissions = LayerPermissions(statements=kept, revision=ctx.new_uuid())
    ctx.state.layers.permissions.put((*name.key, str(name.version)), permissions)
    return {}


@OPERATIONS.operation("GetLayerVersionPolicy", checks=on_layer("GetLayerVersionPolicy"))
def get_layer_version_policy(ctx: Ctx, params: Params) -> Output:
    """The policy."""
    _, current = _current(ctx, params)
    if not _statements(current):
        raise errors.not_found_here("No policy is associated with the given resource.")
    assert current is not None
    return {"Policy": document_of(current.statements), "RevisionId": current.revision}


def _current(ctx: Ctx, params: Params) -> tuple[LayerName, LayerPermissions | None]:
    """The named version, which exists, and its policy, whose revision is the caller's if the caller gave one."""
    name = layer_named(ctx, params)
    if ctx.state.layers.version(name) is None:
        raise errors.not_found_here(f"Layer version {name.arn} does not exist.")
    current = ctx.state.layers.permissions_of(name)
    wanted = params.get("RevisionId")
    if wanted is not None and (current is None or current.revision != wanted):
        raise errors.precondition_failed()
    return name, current


def _statements(current: LayerPermissions | None) -> tuple[dict[str, Any], ...]:
    return () if current is None else current.statements


def _statement(params: Params, resource: str) -> dict[str, Any]:
    principal: str = params["Principal"]
    if re.fullmatch(r"\d{12}", principal):
        principal = f"arn:aws:iam::{principal}:root"
    statement: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": principal},
        "Action": params["Action"],
        "Resource": resource,
    }
    if params.get("OrganizationId"):
        if principal != "*":
            raise errors.invalid("OrganizationId is only allowed when the principal is '*'.")
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": params["OrganizationId"]}}
    return statement
