"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: who else may use a table or a stream.

The words are AWS's answers as recorded by ack-api-quirks, DDB-TABLE-442 and 446.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from casemate.model.errors import AwsError
from casemate.model.principals import PrincipalKind
from casemate.policy.decision import PolicyType
from casemate.policy.errors import MalformedPolicy
from casemate.policy.parser import parse_policy
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.errors import table_not_found, validation
from casemate.services.dynamodb.names import resource_ref
from casemate.services.dynamodb.permissions import TableChecks, on_resource
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.records import StreamRecord, parse_stream_arn
from casemate.tables.errors import INVALID

MAX_POLICY_BYTES = 20 * 1024
"""Developer Guide, "Resource-based policy considerations"."""
_NO_POLICY = "NO_POLICY"


def checked_policy(document: str) -> str:
    """The document, once it is known to be a resource policy."""
    if len(document.encode()) > MAX_POLICY_BYTES:
        raise validation(f"{INVALID}Maximum policy size of {MAX_POLICY_BYTES} bytes exceeded")
    try:
        parse_policy(document, kind=PolicyType.RESOURCE, label="resource-based policy")
    except MalformedPolicy as error:
        raise validation(f"{INVALID}Invalid policy document: {error.message}") from None
    return document


def new_revision(ctx: Context[DynamoState], last: str) -> str:
    """A revision id: milliseconds, and always later than the last one."""
    now = int(ctx.now.timestamp() * 1000)
    return str(max(now, int(last) + 1 if last else now))


def _on_holder(action: str) -> TableChecks:
    """One check on the table or the stream that ResourceArn names."""

    def checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
        if parse_stream_arn(params["ResourceArn"]) is None:
            return on_resource(action)(ctx, params)
        return (Check(action=f"dynamodb:{action}", resource=params["ResourceArn"]),)

    return checks


def _holder(ctx: Context[DynamoState], arn: str) -> TableRecord | StreamRecord:
    stream = parse_stream_arn(arn)
    if stream is not None:
        record = ctx.state.streams.get(*stream.key)
    else:
        record = ctx.state.tables.get(*resource_ref(ctx, arn).key)
    if record is None and stream is not None:
        raise AwsError(
            "ResourceNotFoundException",
            f"Requested resource not found: Stream: {stream.label} not found for Table: {stream.table.name}",
        )
    if record is None:
        raise table_not_found(resource_ref(ctx, arn).name)
    return record


def _keep(
    ctx: Context[DynamoState], record: TableRecord | StreamRecord, policy: str | None, revision: str
) -> None:
    if isinstance(record, TableRecord):
        kept = replace(record, policy=policy, policy_revision=revision)
        ctx.state.tables.put(record.ref.key, kept)
    else:
        ctx.state.streams.put(record.ref.key, replace(record, policy=policy, policy_revision=revision))


def _check_revision(record: TableRecord | StreamRecord, expected: str | None) -> None:
    if expected is None:
        return
    present = _NO_POLICY if record.policy is None else record.policy_revision
    if expected != present:
        raise AwsError(
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {record.ref.arn} and revision id: {expected}",
        )


@operations.operation("PutResourcePolicy", checks=_on_holder("PutResourcePolicy"))
def put_resource_policy(ctx: Context[DynamoState], params: Params) -> Output:
    """The same document again keeps its revision id (API reference, PutResourcePolicy)."""
    record = _holder(ctx, params["ResourceArn"])
    document = checked_policy(params["Policy"])
    _check_revision(record, params.get("ExpectedRevisionId"))
    if document == record.policy:
        return {"RevisionId": record.policy_revision}
    revision = new_revision(ctx, record.policy_revision)
    _keep(ctx, record, document, revision)
    if not params.get("ConfirmRemoveSelfResourceAccess"):
        _require_own_access(ctx, record)
    return {"RevisionId": revision}


def _require_own_access(ctx: Context[DynamoState], record: TableRecord | StreamRecord) -> None:
    """ValidationException when the policy that was just put keeps its author from changing it; that undoes it.

    API reference, PutResourcePolicy, ConfirmRemoveSelfResourceAccess; the words are ours.
    """
    try:
        ctx.authorize(Check(action="dynamodb:PutResourcePolicy", resource=record.ref.arn))
    except AwsError as error:
        raise validation(
            f"{INVALID}The policy removes your permissions to change the policy of this resource in the future. Set "
            "ConfirmRemoveSelfResourceAccess to confirm that"
        ) from error


@operations.operation("GetResourcePolicy", checks=_on_holder("GetResourcePolicy"))
def get_resource_policy(ctx: Context[DynamoState], params: Params) -> Output:
    record = _holder(ctx, params["ResourceArn"])
    if record.policy is None:
        raise AwsError(
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {record.ref.arn}",
        )
    return {"Policy": record.policy, "RevisionId": record.policy_revision}


def _delete_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    """The root user may, "even if your resource-based policy explicitly denies the root principal's access" (API reference).

    It is asked without naming the table, so that the policy of the table is left out and those above it are not.
    """
    checks = _on_holder("DeleteResourcePolicy")(ctx, params)
    own = f":{ctx.account}:" in params["ResourceArn"]
    if ctx.principal.kind is PrincipalKind.ROOT and own:
        return (Check(action="dynamodb:DeleteResourcePolicy"),)
    return checks


@operations.operation("DeleteResourcePolicy", checks=_delete_checks)
def delete_resource_policy(ctx: Context[DynamoState], params: Params) -> Output:
    """Deleting what is not there is no error; then no revision id is returned."""
    record = _holder(ctx, params["ResourceArn"])
    _check_revision(record, params.get("ExpectedRevisionId"))
    if record.policy is None:
        return {}
    _keep(ctx, record, None, record.policy_revision)
    return {"RevisionId": record.policy_revision}
