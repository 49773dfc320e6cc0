"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: who else may use a table or a stream.

The words are AWS's answers as recorded by ack-api-quirks, DDB-TABLE-205, 209, 210, 442 and 446. AWS keeps a policy from being
changed again for fifteen seconds; here it may be at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.model.principals import PrincipalKind
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.errors import not_the_owner, table_not_found, validation
from casemate.services.dynamodb.names import resource_ref
from casemate.services.dynamodb.permissions import TableChecks, on_resource
from casemate.services.dynamodb.policy_documents import checked_policy, read_back
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.records import StreamRecord, parse_stream_arn

_NO_POLICY = "NO_POLICY"


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
    """Of the caller's account: policies are not for other accounts to see or change, whatever they allow them."""
    stream = parse_stream_arn(arn)
    ref = resource_ref(ctx, arn) if stream is None else stream.table
    if ref.account != ctx.account:
        raise not_the_owner()
    if ref.region != ctx.region:
        # In the words of tables: the Region that was asked is the one that policies were asked about.
        raise validation(f"Invalid TableArn: Region mismatch: expected {ctx.region}, given {ref.region}")
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
    """Its words as far as DDB-TABLE-205 and 209 have them: they are cut off after "but the policy associated to target ta"."""
    present = _NO_POLICY if record.policy is None else record.policy_revision
    if expected in (None, present):
        return
    what = "table" if isinstance(record, TableRecord) else "stream"
    name = record.name if isinstance(record, TableRecord) else record.label
    reason = (
        f"but {what} {name} has no associated policy"
        if record.policy is None
        else f"but the policy associated to target {what} {name} did not match"
    )
    raise AwsError(
        "PolicyNotFoundException",
        "Resource-based policy not found for the provided ResourceArn: Requested update for policy with revision id "
        f"{expected}, {reason}",
    )


def _require_no_lockout(ctx: Context[DynamoState], arn: str) -> None:
    """The caller must be able to change the policy that was just put; the refusal undoes the transaction that put it.

    Its words, and that DeleteResourcePolicy is not asked for: DDB-TABLE-210.
    """
    try:
        ctx.authorize(Check(action="dynamodb:PutResourcePolicy", resource=arn))
    except AwsError as error:
        raise AwsError(
            "AccessDeniedException",
            "The new resource policy will not allow you to update the resource policy in the future.",
        ) from error


@operations.operation("PutResourcePolicy", checks=_on_holder("PutResourcePolicy"))
def put_resource_policy(ctx: Context[DynamoState], params: Params) -> Output:
    """The same document again, however it is written, keeps its revision id (API reference, PutResourcePolicy)."""
    record = _holder(ctx, params["ResourceArn"])
    document = checked_policy(params["Policy"], record.ref.arn)
    _check_revision(record, params.get("ExpectedRevisionId"))
    if document == record.policy:
        return {"RevisionId": record.policy_revision}
    revision = new_revision(ctx, record.policy_revision)
    _keep(ctx, record, document, revision)
    if not params.get("ConfirmRemoveSelfResourceAccess"):
        _require_no_lockout(ctx, record.ref.arn)
    return {"RevisionId": revision}


@operations.operation("GetResourcePolicy", checks=_on_holder("GetResourcePolicy"))
def get_resource_policy(ctx: Context[DynamoState], params: Params) -> Output:
    record = _holder(ctx, params["ResourceArn"])
    if record.policy is None:
        raise AwsError(
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {record.ref.arn}",
        )
    return {"Policy": read_back(record.policy), "RevisionId": record.policy_revision}


def _delete_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    """The root user may, "even if your resource-based policy explicitly denies the root principal's access" (API reference).

    Only the table's own policy is left out: SCPs, RCPs and endpoint policies, which may name the table, are not.
    """
    own = f":{ctx.account}:" in params["ResourceArn"]
    spares = ctx.principal.kind is PrincipalKind.ROOT and own
    for check in _on_holder("DeleteResourcePolicy")(ctx, params):
        yield dataclasses.replace(check, spares_resource_policy=spares)


@operations.operation("DeleteResourcePolicy", checks=_delete_checks)
def delete_resource_policy(ctx: Context[DynamoState], params: Params) -> Output:
    """Deleting what is not there is no error; then no revision id is returned."""
    record = _holder(ctx, params["ResourceArn"])
    _check_revision(record, params.get("ExpectedRevisionId"))
    if record.policy is None:
        return {}
    _keep(ctx, record, None, record.policy_revision)
    return {"RevisionId": record.policy_revision}
