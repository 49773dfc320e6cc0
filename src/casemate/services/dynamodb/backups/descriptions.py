"""Backups in the API's form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from casemate.services.dynamodb.backups.records import BackupRecord
from casemate.services.dynamodb.descriptions import key_schema, projection
from casemate.services.dynamodb.records import IndexRecord, TableRecord, Throughput


def backup_details(backup: BackupRecord, status: str = "AVAILABLE") -> dict[str, Any]:
    """BackupDetails."""
    details: dict[str, Any] = {
        "BackupArn": backup.ref.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.size,
        "BackupStatus": status,
        "BackupType": backup.kind,
        "BackupCreationDateTime": datetime.fromtimestamp(backup.created, UTC),
    }
    if backup.expires is not None:
        details["BackupExpiryDateTime"] = datetime.fromtimestamp(backup.expires, UTC)
    return details


def backup_summary(backup: BackupRecord) -> dict[str, Any]:
    """BackupSummary: an entry of ListBackups."""
    table = backup.table
    source = {"TableName": table.name, "TableId": table.table_id, "TableArn": table.ref.arn}
    return {**source, **backup_details(backup)}


def backup_description(backup: BackupRecord, status: str = "AVAILABLE") -> dict[str, Any]:
    """BackupDescription."""
    table = backup.table
    return {
        "BackupDetails": backup_details(backup, status),
        "SourceTableDetails": {
            "TableName": table.name,
            "TableId": table.table_id,
            "TableArn": table.ref.arn,
            "TableSizeBytes": backup.size,
            "KeySchema": key_schema((table.hash_key,), () if table.range_key is None else (table.range_key,)),
            "TableCreationDateTime": datetime.fromtimestamp(table.created, UTC),
            "ProvisionedThroughput": _units(table.throughput),
            "ItemCount": backup.items,
            "BillingMode": table.billing_mode,
        },
        "SourceTableFeatureDetails": _features(table),
    }


def _features(table: TableRecord) -> dict[str, Any]:
    features: dict[str, Any] = {}
    for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
        indexes = [_index(index) for index in table.indexes if index.is_global is is_global]
        if indexes:
            features[member] = indexes
    if table.stream is not None and table.stream.enabled:
        features["StreamDescription"] = {"StreamEnabled": True, "StreamViewType": table.stream.view}
    if table.ttl_attribute is not None:
        features["TimeToLiveDescription"] = {
            "TimeToLiveStatus": "ENABLED",
            "AttributeName": table.ttl_attribute,
        }
    if table.encryption is not None:
        features["SSEDescription"] = {
            "Status": "ENABLED",
            "SSEType": "KMS",
            "KMSMasterKeyArn": table.encryption.key_arn,
        }
    return features


def _index(index: IndexRecord) -> dict[str, Any]:
    described: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": key_schema(index.hash_keys, index.range_keys),
        "Projection": projection(index),
    }
    if index.is_global:
        described["ProvisionedThroughput"] = _units(index.throughput)
    return described


def _units(throughput: Throughput) -> dict[str, int]:
    return {"ReadCapacityUnits": throughput.read, "WriteCapacityUnits": throughput.write}
