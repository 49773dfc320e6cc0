"""ReplicaUpdates of UpdateTable: replicas come, change and go.

The texts that are AWS's are quoted from answers in public issue threads (aws-cli 4906, terraform-provider-aws 13097); the
permissions are those of the Developer Guide, "DynamoDB global tables security".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from casemate.model.regions import REGIONS
from casemate.servicekit.service import Check, Context, Params
from casemate.services.dynamodb.errors import (
    being_created,
    being_deleted,
    being_replicated,
    is_archived,
    not_modelled,
    validation,
)
from casemate.services.dynamodb.names import TableRef, table_ref
from casemate.services.dynamodb.operations.tables import encryption_of
from casemate.services.dynamodb.records import Replica, TableRecord, Throughput
from casemate.services.dynamodb.removal import check_removable, remove_table
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.switching import with_stream
from casemate.tables.errors import INVALID

SERVICE = "replication.dynamodb.amazonaws.com"
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
_ACTIONS = {
    "Create": (
        "CreateTable", "CreateTableReplica", "Scan", "Query", "UpdateItem", "PutItem", "GetItem", "DeleteItem",
        "BatchWriteItem",
    ),
    "Update": ("UpdateTable",),
    "Delete": ("DeleteTable", "DeleteTableReplica"),
}  # fmt: skip
"""What the caller must be allowed in the Region of the replica."""
Updates = Sequence[Mapping[str, Mapping[str, Any]]]


def replica_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    """UpdateTable where it is called, and what each replica needs in its own Region."""
    ref = table_ref(ctx, params["TableName"])
    yield Check(action="dynamodb:UpdateTable", resource=ref.arn)
    for update in params.get("ReplicaUpdates") or ():
        for kind, given in update.items():
            region = given.get("RegionName")
            if region is None or kind not in _ACTIONS:
                continue
            arn = dataclasses.replace(ref, region=region).arn
            for action in _ACTIONS[kind]:
                yield Check(
                    action=f"dynamodb:{action}", resource=arn, context={"aws:RequestedRegion": region}
                )


def check_not_busy(state: DynamoState, record: TableRecord) -> None:
    """A table that is being created, or to which a replica is being added, takes no other change."""
    if record.is_being_created:
        raise being_created(record.name)
    if record.deleting:
        raise being_deleted(record.name)
    if record.archived is not None:
        raise is_archived(record.name)
    if any(other.is_being_created for other in state.others(record)):
        raise being_replicated()


def check_stream(record: TableRecord, given: Mapping[str, Any] | None) -> None:
    """Replicas live off their streams; its words: terraform-aws-dynamodb-table, pull request 30."""
    if record.replica is not None and given is not None and not given.get("StreamEnabled"):
        raise validation(f"{INVALID}Disabling Stream is not allowed for a Global Table replica.")


async def change_replicas(ctx: Context[DynamoState], record: TableRecord, updates: Updates) -> TableRecord:
    """The table after its replicas were changed. A new one is filled after this has answered (`building`)."""
    _check_actions(updates)
    for update in updates:
        _check_form(ctx, record, update)
    for update in updates:
        ((kind, given),) = update.items()
        target = dataclasses.replace(record.ref, region=given["RegionName"])
        match kind:
            case "Create":
                # Looked at again: the deletion of another replica takes its time.
                _check_creation(ctx.state, record, target)
                with ctx.store.transaction():
                    record = _create(ctx, record, target, given)
            case "Update":
                with ctx.store.transaction():
                    _change(ctx, _member(ctx.state, record, target), given)
            case _:
                member = _member(ctx.state, record, target)
                if member.deletion_protection:
                    raise validation(
                        f"Cannot delete table {member.name} in region {member.region} because it has deletion protection "
                        "enabled. Disable deletion protection first."
                    )
                check_removable(ctx, member)
                await remove_table(ctx, member)
                record = ctx.state.described(record.ref)
    return record


def _check_actions(updates: Updates) -> None:
    """One replica comes or goes at a time; several may be changed (ack-api-quirks, DDB-TABLE-224, 265 and 442)."""
    if any("Disassociate" in update for update in updates):
        raise not_modelled("Disassociate: delete the replica, or the table")
    kinds = [kind for update in updates for kind in update]
    if not all(updates) or any(
        kind == "Update" and set(given) == {"RegionName"}
        for update in updates
        for kind, given in update.items()
    ):
        raise validation("There are no actions specified in the Replica Update Action of the request.")
    if len(set(kinds)) > 1:
        raise validation("Update table operation with more than one type of replica actions not allowed.")
    if len(kinds) > 1 and kinds[0] != "Update":
        raise validation(
            "Update table operation with more than one create or delete replica actions not allowed"
        )


def _check_form(ctx: Context[DynamoState], record: TableRecord, update: Mapping[str, Any]) -> None:
    ((kind, given),) = update.items()
    region = given["RegionName"]
    if region == record.region:
        raise validation(
            "Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or "
            "UpdateTable as required."
        )
    if region not in REGIONS:
        raise validation(
            f"Region {region} is not supported. The latest version of global tables are only supported in the following "
            f"regions: [{', '.join(sorted(REGIONS))}]"
        )
    if given.get("OnDemandThroughputOverride"):
        raise not_modelled("OnDemandThroughputOverride of a replica")
    if kind == "Create":
        _check_creation(ctx.state, record, dataclasses.replace(record.ref, region=region))


def _check_creation(state: DynamoState, record: TableRecord, target: TableRef) -> None:
    if target.key in state.tables:
        raise validation(
            f"Failed to create a the new replica of table with name: \u2018{record.name}\u2019 because one or more replicas "
            "already existed as tables."
        )
    if record.billing_mode != "PAY_PER_REQUEST":
        raise validation("Table write capacity should either be Pay-Per-Request or AutoScaled.")
    if any(index.status == "CREATING" for index in record.indexes):
        raise being_replicated()


def _member(state: DynamoState, record: TableRecord, target: TableRef) -> TableRecord:
    for other in state.others(record):
        if other.ref == target:
            return other
    raise validation(
        "Update global table operation failed because one or more replicas were not part of the global table. Please "
        f"retry the request without these replicas: [{target.region}]."
    )


def _create(
    ctx: Context[DynamoState], record: TableRecord, target: TableRef, given: Mapping[str, Any]
) -> TableRecord:
    """Put the replica on record, empty, and have what is written from now on told to it. In a transaction."""
    state = ctx.state
    if state.linked_roles is not None:
        state.linked_roles.ensure(ctx, SERVICE)
    if record.stream is None or not record.stream.enabled:
        # One of another view stays as it is (DDB-TABLE-221 and 305).
        record = with_stream(ctx, record, _STREAM)
    now = ctx.now.timestamp()
    membership = record.replica or Replica(group=ctx.new_uuid())
    record = replace(record, replica=replace(membership, sourced=now))
    there = dataclasses.replace(ctx, region=target.region)
    made = replace(
        record,
        region=target.region,
        table_id=ctx.new_uuid(),
        created=now,
        deletion_protection=False,
        tags={},
        policy=None,
        policy_revision="",
        stream=None,
        recovery_since=None,
        restored=None,
        insights={},
        kinesis=(),
        encryption=_encryption(there, record, given, target),
        key_changes=(),
        key_lost=None,
        replica=Replica(group=membership.group, copied_from=record.region, expires_items=False),
    )
    made = with_stream(there, _overridden(made, given), _STREAM)
    state.tables.put(record.ref.key, record)
    state.tables.put(made.ref.key, made)
    state.engine.create(made.schema())
    return record


def _encryption(
    there: Context[DynamoState], record: TableRecord, given: Mapping[str, Any], target: TableRef
) -> Any:
    """The kind of key is shared; which one is the replica's own: by default the AWS managed key of its Region."""
    key = given.get("KMSMasterKeyId")
    if key is None and record.encryption is None:
        return None
    return encryption_of(there, {"Enabled": True, **({"KMSMasterKeyId": key} if key else {})}, target)


def _change(ctx: Context[DynamoState], member: TableRecord, given: Mapping[str, Any]) -> None:
    if given.get("KMSMasterKeyId"):
        there = dataclasses.replace(ctx, region=member.region)
        ctx.state.table_keys.release(member)
        encryption = _encryption(there, member, given, member.ref)
        member = replace(member, encryption=encryption, key_lost=None)
    ctx.state.tables.put(member.ref.key, _overridden(member, given))


def _overridden(member: TableRecord, given: Mapping[str, Any]) -> TableRecord:
    """The replica with settings of its own: read units and the table class."""
    member = replace(member, table_class=given.get("TableClassOverride") or member.table_class)
    units = given.get("ProvisionedThroughputOverride")
    if units is not None:
        member = replace(member, throughput=_read(member, member.throughput, units))
    for index in given.get("GlobalSecondaryIndexes") or ():
        present = member.index(index["IndexName"])
        if present is None:
            raise validation(f"{INVALID}The table does not have the specified index: {index['IndexName']}")
        if index.get("OnDemandThroughputOverride"):
            raise not_modelled("OnDemandThroughputOverride of a replica's index")
        units = index.get("ProvisionedThroughputOverride")
        if units is not None:
            changed = replace(present, throughput=_read(member, present.throughput, units))
            indexes = tuple(changed if one is present else one for one in member.indexes)
            member = replace(member, indexes=indexes)
    return member


def _read(member: TableRecord, present: Throughput, units: Mapping[str, int]) -> Throughput:
    if member.billing_mode == "PAY_PER_REQUEST":
        raise validation(
            f"{INVALID}ProvisionedThroughputOverride cannot be specified when BillingMode is PAY_PER_REQUEST"
        )
    return replace(present, read=units["ReadCapacityUnits"])
