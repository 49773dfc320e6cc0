"""Resource-based policies: who else may use a function."""

from __future__ import annotations

import json
import re

from casemate.model.errors import AwsError
from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.access import document_of, statement_of
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function
from casemate.services.lambda_.state import Permissions

_ACTION = re.compile(r"lambda:[*]|lambda:[a-zA-Z]+|[*]")
_POLICY_BYTES = 20_480
"""Lambda quotas: "Function resource-based policy, 20 KB"."""


@OPERATIONS.operation("AddPermission", checks=on_function("AddPermission"))
def add_permission(ctx: Ctx, params: Params) -> Output:
    """Add a statement."""
    name = named(ctx, params)
    ctx.state.version(name)
    if not _ACTION.fullmatch(params["Action"]):
        raise errors.constraint(
            params["Action"], "action", f"satisfy regular expression pattern: {_ACTION.pattern}"
        )
    key = (*name.key, name.qualifier or "")
    current = ctx.state.permissions.get(*key)
    _check_revision(params, current)
    statements = () if current is None else current.statements
    if any(statement["Sid"] == params["StatementId"] for statement in statements):
        raise errors.conflict(
            f"The statement id ({params['StatementId']}) provided already exists. Please provide a new statement "
            "id, or remove the existing statement."
        )
    statement = statement_of(params, name.qualified_arn)
    statements = (*statements, statement)
    if len(document_of(statements)) > _POLICY_BYTES:
        raise AwsError(
            "PolicyLengthExceededException",
            f"The final policy size ({len(document_of(statements))}) is bigger than the limit ({_POLICY_BYTES}).",
            fields={"Type": "User"},
        )
    ctx.state.permissions.put(key, Permissions(statements=statements, revision=ctx.new_uuid()))
    return {"Statement": json.dumps(statement, separators=(",", ":"))}


@OPERATIONS.operation("RemovePermission", checks=on_function("RemovePermission"))
def remove_permission(ctx: Ctx, params: Params) -> Output:
    """Remove a statement."""
    name = named(ctx, params)
    ctx.state.version(name)
    key = (*name.key, name.qualifier or "")
    current = ctx.state.permissions.get(*key)
    if current is None or not current.statements:
        raise errors.not_found_here("No policy is associated with the given resource.")
    _check_revision(params, current)
    kept = tuple(one for one in current.statements if one["Sid"] != params["StatementId"])
    if len(kept) == len(current.statements):
        raise errors.not_found_here(f"Statement {params['StatementId']} is not found in resource policy.")
    ctx.state.permissions.put(key, Permissions(statements=kept, revision=ctx.new_uuid()))
    return {}


@OPERATIONS.operation("GetPolicy", checks=on_function("GetPolicy"))
def get_policy(ctx: Ctx, params: Params) -> Output:
    """The policy."""
    name = named(ctx, params)
    ctx.state.version(name)
    current = ctx.state.permissions.get(*name.key, name.qualifier or "")
    if current is None or not current.statements:
        raise errors.not_found_here("The resource you requested does not exist.")
    return {"Policy": document_of(current.statements), "RevisionId": current.revision}


def _check_revision(params: Params, current: Permissions | None) -> None:
    wanted = params.get("RevisionId")
    if wanted is not None and (current is None or wanted != current.revision):
        raise errors.precondition_failed()
