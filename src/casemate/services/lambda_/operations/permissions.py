"""Resource-based policies: who else may use a function."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.access import document_of, statement_of
from casemate.services.lambda_.names import LATEST, FunctionName
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function
from casemate.services.lambda_.state import Permissions

_ACTION = re.compile(r"lambda:[*]|lambda:[a-zA-Z]+|[*]")
_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com|amazon\.com|aws\.internal)(\.cn)?")
_ACCOUNT = re.compile(r"\d{12}")
_IAM = re.compile(r"arn:aws[a-zA-Z-]*:(iam|sts):")
_IDENTITY = re.compile(
    r"arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/\S+)"
)
_POLICY_BYTES = 20_480
"""Lambda quotas: "Function resource-based policy, 20 KB"."""


def _on_statement(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    """On the function, with what the statement says: `lambda:Principal` and `lambda:FunctionUrlAuthType`."""

    def checks(ctx: Ctx, params: Params) -> Iterable[Check]:
        said = {
            "lambda:Principal": params.get("Principal"),
            "lambda:FunctionUrlAuthType": params.get("FunctionUrlAuthType"),
        }
        context = {key: value for key, value in said.items() if value}
        yield Check(action=f"lambda:{action}", resource=named(ctx, params).qualified_arn, context=context)

    return checks


@OPERATIONS.operation("AddPermission", checks=_on_statement("AddPermission"))
def add_permission(ctx: Ctx, params: Params) -> Output:
    """Add a statement."""
    name = named(ctx, params)
    ctx.state.version(name)
    if not _ACTION.fullmatch(params["Action"]):
        raise errors.constraint(
            params["Action"], "action", f"satisfy regular expression pattern: {_ACTION.pattern}"
        )
    _check_statement(params, name)
    key = (*name.key, name.qualifier or "")
    current = ctx.state.permissions.get(*key)
    _check_revision(params, current)
    statements = () if current is None else current.statements
    if any(statement["Sid"] == params["StatementId"] for statement in statements):
        # Observed: cargo-lambda/cargo-lambda#261 on GitHub.
        raise errors.conflict(
            f"The statement id ({params['StatementId']}) provided already exists. Please provide a new statement "
            "id, or remove the existing statement."
        )
    _check_known(params["Principal"])
    statement = statement_of(params, name.qualified_arn)
    statements = (*statements, statement)
    if len(document_of(statements)) > _POLICY_BYTES:
        # Observed: adobe/helix-deploy#24 on GitHub.
        raise AwsError(
            "PolicyLengthExceededException",
            f"The final policy size ({len(document_of(statements))}) is bigger than the limit ({_POLICY_BYTES}).",
            fields={"Type": "User"},
        )
    ctx.state.permissions.put(key, Permissions(statements=statements, revision=ctx.new_uuid()))
    return {"Statement": json.dumps(statement, separators=(",", ":"))}


def _check_statement(params: Params, name: FunctionName) -> None:
    if name.qualifier == LATEST:
        # Observed: terraform-aws-modules/terraform-aws-lambda on GitHub quotes it beside its unqualified triggers.
        raise errors.invalid("We currently do not support adding policies for $LATEST.")
    if params.get("FunctionUrlAuthType") and params["Action"] != "lambda:InvokeFunctionUrl":
        raise errors.invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    if params.get("InvokedViaFunctionUrl") is not None and params["Action"] != "lambda:InvokeFunction":
        raise errors.invalid("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")


def _check_known(principal: str) -> None:
    """A principal is everybody, a service, an account, or an identity of IAM."""
    if _IAM.match(principal) and not _IDENTITY.fullmatch(principal):
        # Observed: aws/aws-sdk#388 on GitHub.
        raise errors.invalid(
            f"The provided input'{principal}'was invalid. Member must satisfy expression: [\\w+=,.@-]* Please check your "
            "input and try again."
        )
    known = principal == "*" or _SERVICE.fullmatch(principal) or _ACCOUNT.fullmatch(principal)
    if not known and not _IDENTITY.fullmatch(principal):
        # Observed: Pocket/terraform-modules#1037 on GitHub.
        raise errors.invalid("The provided principal was invalid. Please check the principal and try again.")


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
        # Observed: aws/serverless-application-model#307 on GitHub.
        raise errors.not_found_here("The resource you requested does not exist.")
    return {"Policy": document_of(current.statements), "RevisionId": current.revision}


def _check_revision(params: Params, current: Permissions | None) -> None:
    wanted = params.get("RevisionId")
    if wanted is not None and (current is None or wanted != current.revision):
        raise errors.precondition_failed()
