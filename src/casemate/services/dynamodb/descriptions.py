"""Records in the API's form: TableDescription and its parts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from casemate.services.dynamodb.capacity_settings import warm_throughput
from casemate.services.dynamodb.records import (
    BillingMode,
    Encryption,
    IndexRecord,
    Restored,
    TableRecord,
    Throughput,
)
from casemate.services.dynamodb.state import DynamoState

_SETTINGS = {"GlobalTableSettingsReplicationMode": "ENABLED_WITH_OVERRIDES"}
"""Of a global table within an account. Neither ARNs of replicas nor MultiRegionConsistency EVENTUAL are shown
(ack-api-quirks, DDB-TABLE-229 and 320).
"""


def table_description(state: DynamoState, record: TableRecord, status: str | None = None) -> dict[str, Any]:
    """A table as DescribeTable shows it.

    Tables are ready at once: only CreateTable's own answer says CREATING. Indexes and replicas take their time.
    """
    status = status or _status(state, record)
    held = state.engine.holding(record.id_bytes)
    described: dict[str, Any] = {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in record.attributes.items()
        ],
        "TableName": record.name,
        "KeySchema": key_schema((record.hash_key,), () if record.range_key is None else (record.range_key,)),
        "TableStatus": status,
        "CreationDateTime": datetime.fromtimestamp(record.created, UTC),
        "ProvisionedThroughput": _throughput(record.throughput),
        "TableSizeBytes": held.size,
        "ItemCount": held.items,
        "TableArn": record.ref.arn,
        "TableId": record.table_id,
        "DeletionProtectionEnabled": record.deletion_protection,
    }
    described |= _billing(record)
    described |= _limits(record.billing_mode, record)
    described |= replicas(state, record)
    if record.table_class != "STANDARD":
        described["TableClassSummary"] = {"TableClass": record.table_class}
    if record.encryption is not None:
        described["SSEDescription"] = encryption = _encryption(state, record, record.encryption)
        if "InaccessibleEncryptionDateTime" in encryption and status == "ACTIVE":
            described["TableStatus"] = "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    if record.archived is not None:
        described["ArchivalSummary"] = {
            "ArchivalDateTime": datetime.fromtimestamp(record.archived.moment, UTC),
            "ArchivalReason": "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
            "ArchivalBackupArn": record.archived.backup,
        }
    if record.stream is not None:
        # A stream that was switched off stays the latest one (observed: ack-api-quirks, DDB-TABLE-050).
        described["LatestStreamArn"] = record.ref.stream_arn(record.stream.label)
        described["LatestStreamLabel"] = record.stream.label
        if record.stream.enabled:
            described["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": record.stream.view}
    if record.restored is not None and status == "CREATING":
        # Of a table that is active AWS does not tell it any more (ack-api-quirks, DDB-TABLE-216).
        described["RestoreSummary"] = _restore(record.restored)
    for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
        indexes = [
            _index(state, record, index, status) for index in record.indexes if index.is_global is is_global
        ]
        if indexes:
            described[member] = indexes
    return described


def _status(state: DynamoState, record: TableRecord) -> str:
    if record.is_being_created:
        return "CREATING"
    if record.deleting:
        return "DELETING"
    if record.archived is not None:
        return "ARCHIVED"
    return "UPDATING" if any(other.is_being_created for other in state.others(record)) else "ACTIVE"


def replicas(state: DynamoState, record: TableRecord) -> dict[str, Any]:
    """GlobalTableVersion and Replicas: those in the other Regions."""
    others = state.others(record)
    if not others:
        return {}
    described = [_replica(record, other) for other in others]
    return {"GlobalTableVersion": "2019.11.21", "Replicas": described, **_SETTINGS}


def _replica(record: TableRecord, other: TableRecord) -> dict[str, Any]:
    described: dict[str, Any] = {
        "RegionName": other.region,
        "ReplicaStatus": "CREATING" if other.is_being_created else "ACTIVE",
        "ReplicaTableClassSummary": {"TableClass": other.table_class},
        **_SETTINGS,
    }
    if other.encryption is not None:
        described["KMSMasterKeyId"] = other.encryption.key_arn
    if other.throughput.read != record.throughput.read:
        described["ProvisionedThroughputOverride"] = {"ReadCapacityUnits": other.throughput.read}
    indexes: list[dict[str, Any]] = []
    for index in other.indexes:
        here = record.index(index.name)
        if index.is_global:
            one: dict[str, Any] = {"IndexName": index.name}
            if here is not None and here.throughput.read != index.throughput.read:
                one["ProvisionedThroughputOverride"] = {"ReadCapacityUnits": index.throughput.read}
            indexes.append(one)
    if indexes:
        described["GlobalSecondaryIndexes"] = indexes
    return described


def _billing(record: TableRecord) -> dict[str, Any]:
    """BillingModeSummary: of a table that has always been provisioned there is none."""
    if record.billing_mode == "PAY_PER_REQUEST":
        changed = record.created if record.billing_changed is None else record.billing_changed
        moment = datetime.fromtimestamp(changed, UTC)
        summary = {"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": moment}
        return {"BillingModeSummary": summary}
    if record.billing_changed is not None:
        return {"BillingModeSummary": {"BillingMode": "PROVISIONED"}}
    return {}


def _encryption(state: DynamoState, record: TableRecord, encryption: Encryption) -> dict[str, Any]:
    described: dict[str, Any] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": encryption.key_arn}
    inaccessible = state.table_keys.inaccessible_since(record)
    if inaccessible is not None:
        # AWS notices within the hour (API Reference, SSEDescription); here it is told at once.
        described["InaccessibleEncryptionDateTime"] = inaccessible
    return described


def _restore(restored: Restored) -> dict[str, Any]:
    described: dict[str, Any] = {
        "SourceTableArn": restored.source_table,
        "RestoreDateTime": datetime.fromtimestamp(restored.moment, UTC),
        "RestoreInProgress": False,
    }
    if restored.source_backup is not None:
        described["SourceBackupArn"] = restored.source_backup
    return described


def key_schema(hashes: tuple[str, ...], ranges: tuple[str, ...]) -> list[dict[str, str]]:
    """KeySchema."""
    elements = [(name, "HASH") for name in hashes] + [(name, "RANGE") for name in ranges]
    return [{"AttributeName": name, "KeyType": kind} for name, kind in elements]


def _throughput(throughput: Throughput) -> dict[str, Any]:
    described: dict[str, Any] = {
        "NumberOfDecreasesToday": len(throughput.decreased),
        "ReadCapacityUnits": throughput.read,
        "WriteCapacityUnits": throughput.write,
    }
    if throughput.decreased:
        described["LastDecreaseDateTime"] = datetime.fromtimestamp(throughput.decreased[-1], UTC)
    if throughput.increased is not None:
        described["LastIncreaseDateTime"] = datetime.fromtimestamp(throughput.increased, UTC)
    return described


def _limits(mode: BillingMode, holder: TableRecord | IndexRecord) -> dict[str, Any]:
    """OnDemandThroughput and WarmThroughput."""
    warm = warm_throughput(mode, holder.throughput, holder.warm)
    units = {"ReadUnitsPerSecond": warm.read, "WriteUnitsPerSecond": warm.write}
    described: dict[str, Any] = {"WarmThroughput": {**units, "Status": "ACTIVE"}}
    if holder.on_demand is not None:
        limits = {
            "MaxReadRequestUnits": holder.on_demand.read,
            "MaxWriteRequestUnits": holder.on_demand.write,
        }
        # What was taken away with -1 is not shown (seen on AWS: ack-api-quirks, DDB-TABLE-178).
        described["OnDemandThroughput"] = {
            member: limit for member, limit in limits.items() if limit is not None
        }
    return described


def projection(index: IndexRecord) -> dict[str, Any]:
    """Projection."""
    described: dict[str, Any] = {"ProjectionType": index.projection}
    if index.included:
        described["NonKeyAttributes"] = list(index.included)
    return described


def _index(state: DynamoState, record: TableRecord, index: IndexRecord, status: str) -> dict[str, Any]:
    held = state.engine.holding(record.id_bytes, index.number)
    described: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": key_schema(index.hash_keys, index.range_keys),
        "Projection": projection(index),
        "IndexSizeBytes": held.size,
        "ItemCount": held.items,
        "IndexArn": record.ref.index_arn(index.name),
    }
    if index.is_global:
        described["IndexStatus"] = index.status if status != "CREATING" else status
        if index.status == "CREATING":
            described["Backfilling"] = status != "UPDATING"
        described["ProvisionedThroughput"] = _throughput(index.throughput)
        described |= _limits(record.billing_mode, index)
    return described
