"""A valid request for each operation, over tables that have every kind of key, index and setting."""

from __future__ import annotations

import json
from typing import Any

KEY = {"p": {"S": "a"}, "s": {"N": "1"}}
RICH = {
    **KEY,
    "l": {"S": "left"},
    "g": {"S": "red"},
    "h": {"N": "-1.5"},
    "text": {"S": "é\u2028𝒳"},
    "bytes": {"B": "AAEC/w=="},
    "flag": {"BOOL": True},
    "none": {"NULL": True},
    "list": {"L": [{"S": "x"}, {"N": "1E2"}, {"M": {"deep": {"L": [{"N": "1"}]}}}]},
    "map": {"M": {"one": {"N": "1"}, "two": {"M": {"three": {"SS": ["a", "b"]}}}}},
    "ns": {"NS": ["1", "2.5", "-3e10"]},
    "bs": {"BS": ["AA==", "AQ=="]},
    "n": {"N": "5"},
    "expires": {"N": "1700000000"},
}
VALUES = {
    ":s": {"S": "x"},
    ":n": {"N": "1"},
    ":m": {"N": "2"},
    ":b": {"B": "AA=="},
    ":l": {"L": [{"S": "y"}]},
    ":ss": {"SS": ["a"]},
    ":ns": {"NS": ["1"]},
    ":t": {"S": "S"},
    ":o": {"M": {"one": {"N": "1"}}},
}
NAMES = {"#a": "text", "#b": "list", "#c": "map"}
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def _key(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys if sort is None else [*keys, {"AttributeName": sort, "KeyType": "RANGE"}]


def _types(**types: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": code} for name, code in types.items()]


TABLES: list[dict[str, Any]] = [
    {
        "TableName": "things",
        "KeySchema": _key("p", "s"),
        "AttributeDefinitions": _types(p="S", s="N", l="S", g="S", h="N"),
        "LocalSecondaryIndexes": [
            {
                "IndexName": "local",
                "KeySchema": _key("p", "l"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "global",
                "KeySchema": _key("g", "h"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["text"]},
            }
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": _STREAM,
        "Tags": [{"Key": "team", "Value": "blue"}],
    },
    {
        "TableName": "plain",
        "KeySchema": _key("k"),
        "AttributeDefinitions": _types(k="B"),
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    },
]
_EXPRESSIONS = {"ExpressionAttributeNames": {"#a": "text"}, "ExpressionAttributeValues": {":n": {"N": "1"}}}
_LEGACY = {"AttributeValueList": [{"N": "1"}, {"N": "5"}], "ComparisonOperator": "BETWEEN"}
_TABLE = {"TableName": "things"}
_KINESIS = "arn:aws:kinesis:us-east-2:000000000000:stream/changes"
_INDEX = {
    "IndexName": "late",
    "KeySchema": _key("text"),
    "Projection": {"ProjectionType": "ALL"},
}
_STATEMENTS = (
    "SELECT * FROM things WHERE p = ? AND s = 1",
    'SELECT text, "list"[0], map.two FROM things WHERE p = ? AND s BETWEEN 1 AND 5 ORDER BY s DESC',
    "SELECT * FROM \"things\".\"global\" WHERE g IN ['red', 'blue'] AND begins_with(text, 'x')",
    "INSERT INTO things VALUE {'p': 'z', 's': 9, 'ss': <<'a', 'b'>>, 'm': {'k': [1, true, NULL]}}",
    'UPDATE things SET n = n + 1 SET "list" = list_append("list", [1]) REMOVE text WHERE p=\'a\' AND s=1 RETURNING ALL NEW *',
    "DELETE FROM things WHERE p='a' AND s=1 AND flag = true RETURNING ALL OLD *",
    "EXISTS(SELECT * FROM things WHERE p='a' AND s=1 AND text IS NOT MISSING)",
)


def _items() -> list[tuple[str, dict[str, Any]]]:
    put = {
        "Put": {
            **_TABLE,
            "Item": RICH,
            "ConditionExpression": "attribute_exists(p) OR #a = :n",
            **_EXPRESSIONS,
        }
    }
    change = {"UpdateExpression": "SET #a = :n", **_EXPRESSIONS}
    check = {"ConditionExpression": "#a <> :n", **_EXPRESSIONS}
    return [
        ("PutItem", {**_TABLE, "Item": RICH, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "INDEXES"}),
        ("PutItem", {"TableName": "plain", "Item": {"k": {"B": "AA=="}}, **check}),
        ("PutItem", {**_TABLE, "Item": RICH, "Expected": {"n": {"Value": {"N": "5"}}, "x": {"Exists": False}}}),
        ("GetItem", {**_TABLE, "Key": KEY, "ProjectionExpression": "#a, s", "ExpressionAttributeNames": {"#a": "l"}}),
        ("GetItem", {**_TABLE, "Key": KEY, "AttributesToGet": ["text", "list"], "ConsistentRead": True}),
        ("UpdateItem", {**_TABLE, "Key": KEY, **change, "ReturnValues": "UPDATED_NEW"}),
        ("UpdateItem", {**_TABLE, "Key": KEY, "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "1"}}}}),
        ("DeleteItem", {**_TABLE, "Key": KEY, **check, "ReturnItemCollectionMetrics": "SIZE"}),
        ("Query", {**_TABLE, "KeyConditionExpression": "p = :p AND s > :n", "Limit": 2,
                   "ExpressionAttributeValues": {":p": {"S": "a"}, ":n": {"N": "0"}}}),
        ("Query", {**_TABLE, "IndexName": "global", "KeyConditions": {"g": {**_LEGACY, "AttributeValueList": [{"S": "red"}],
                   "ComparisonOperator": "EQ"}, "h": _LEGACY}, "QueryFilter": {"text": {"ComparisonOperator": "NOT_NULL"}}}),
        ("Query", {**_TABLE, "IndexName": "local", "KeyConditionExpression": "p = :p AND begins_with(l, :l)",
                   "ExpressionAttributeValues": {":p": {"S": "a"}, ":l": {"S": "le"}}, "Select": "ALL_ATTRIBUTES",
                   "ExclusiveStartKey": {**KEY, "l": {"S": "left"}}, "ScanIndexForward": False}),
        ("Scan", {**_TABLE, "FilterExpression": "#a = :n OR size(p) > :n", **_EXPRESSIONS, "Segment": 0, "TotalSegments": 2}),
        ("Scan", {**_TABLE, "IndexName": "global", "ScanFilter": {"text": _LEGACY, "a": _LEGACY}, "ConditionalOperator": "AND", "Limit": 5}),
        ("BatchGetItem", {"RequestItems": {"things": {"Keys": [KEY], "ProjectionExpression": "p"}}}),
        ("BatchWriteItem", {"RequestItems": {"things": [{"PutRequest": {"Item": RICH}}],
                                             "plain": [{"DeleteRequest": {"Key": {"k": {"B": "AA=="}}}}]}}),
        ("TransactWriteItems", {"TransactItems": [put, {"Delete": {"TableName": "plain", "Key": {"k": {"B": "AQ=="}}}}],
                                "ClientRequestToken": "token"}),
        ("TransactWriteItems", {"TransactItems": [{"Update": {**_TABLE, "Key": KEY, **change}},
                                                  {"ConditionCheck": {"TableName": "plain", "Key": {"k": {"B": "AA=="}}, **check}}]}),
        ("TransactGetItems", {"TransactItems": [{"Get": {**_TABLE, "Key": KEY, "ProjectionExpression": "p"}}]}),
        *(("ExecuteStatement", {"Statement": one, "Parameters": [{"S": "a"}], "Limit": 3}) for one in _STATEMENTS[:2]),
        *(("ExecuteStatement", {"Statement": one, "ReturnConsumedCapacity": "TOTAL"}) for one in _STATEMENTS[2:6]),
        ("BatchExecuteStatement", {"Statements": [{"Statement": one, "Parameters": [{"S": "a"}]} for one in _STATEMENTS[:1]]}),
        ("ExecuteTransaction", {"TransactStatements": [{"Statement": _STATEMENTS[3]}, {"Statement": _STATEMENTS[6]}]}),
    ]  # fmt: skip


_OLD_GLOBAL = {"GlobalTableName": "things"}


def _tables() -> list[tuple[str, dict[str, Any]]]:
    arn = {"ResourceArn": "arn:aws:dynamodb:us-east-2:000000000000:table/things"}
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "dynamodb:GetItem",
                                                      "Resource": arn["ResourceArn"]}]}  # fmt: skip
    return [
        ("CreateTable", {**TABLES[0], "TableName": "more"}),
        ("CreateTable", {**TABLES[1], "TableName": "other"}),
        ("UpdateTable", {**_TABLE, "AttributeDefinitions": _types(text="S"), "GlobalSecondaryIndexUpdates": [{"Create": _INDEX}]}),
        ("UpdateTable", {**_TABLE, "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "global"}}]}),
        ("UpdateTable", {**_TABLE, "StreamSpecification": {"StreamEnabled": False}}),
        ("UpdateTable", {**_TABLE, "DeletionProtectionEnabled": True}),
        ("UpdateTable", {"TableName": "plain", "BillingMode": "PAY_PER_REQUEST"}),
        ("UpdateTable", {"TableName": "plain", "TableClass": "STANDARD"}),
        ("DeleteTable", {"TableName": "plain"}),
        ("DescribeTable", _TABLE),
        ("ListTables", {"Limit": 1, "ExclusiveStartTableName": "plain"}),
        ("UpdateTimeToLive", {**_TABLE, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires"}}),
        ("DescribeTimeToLive", _TABLE),
        ("TagResource", {**arn, "Tags": [{"Key": "k", "Value": "v"}]}),
        ("UntagResource", {**arn, "TagKeys": ["k"]}),
        ("ListTagsOfResource", arn),
        ("PutResourcePolicy", {**arn, "Policy": json.dumps(policy)}),
        ("GetResourcePolicy", arn),
        ("DeleteResourcePolicy", arn),
        ("CreateBackup", {**_TABLE, "BackupName": "saved"}),
        ("ListBackups", {**_TABLE, "BackupType": "ALL", "Limit": 3}),
        ("DescribeBackup", {"BackupArn": "@backup"}),
        ("DeleteBackup", {"BackupArn": "@backup"}),
        ("RestoreTableFromBackup", {"TargetTableName": "back", "BackupArn": "@backup"}),
        ("UpdateContinuousBackups", {**_TABLE, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}),
        ("DescribeContinuousBackups", _TABLE),
        ("RestoreTableToPointInTime", {"SourceTableName": "things", "TargetTableName": "past", "UseLatestRestorableTime": True}),
        ("UpdateContributorInsights", {**_TABLE, "ContributorInsightsAction": "ENABLE"}),
        ("DescribeContributorInsights", {**_TABLE, "IndexName": "global"}),
        ("ListContributorInsights", {**_TABLE, "MaxResults": 5}),
        ("EnableKinesisStreamingDestination", {**_TABLE, "StreamArn": _KINESIS}),
        ("UpdateKinesisStreamingDestination", {**_TABLE, "StreamArn": _KINESIS}),
        ("DisableKinesisStreamingDestination", {**_TABLE, "StreamArn": _KINESIS}),
        ("DescribeKinesisStreamingDestination", _TABLE),
        ("CreateGlobalTable", {**_OLD_GLOBAL, "ReplicationGroup": [{"RegionName": "us-east-2"}]}),
        ("UpdateGlobalTable", {**_OLD_GLOBAL, "ReplicaUpdates": [{"Create": {"RegionName": "us-east-1"}}]}),
        ("UpdateGlobalTableSettings", {**_OLD_GLOBAL, "GlobalTableBillingMode": "PAY_PER_REQUEST"}),
        ("DescribeGlobalTable", _OLD_GLOBAL),
        ("DescribeGlobalTableSettings", _OLD_GLOBAL),
        ("ListGlobalTables", {"Limit": 3}),
        ("DescribeLimits", {}),
        ("DescribeEndpoints", {}),
    ]  # fmt: skip


def _streams() -> list[tuple[str, dict[str, Any]]]:
    shard = {"StreamArn": "@stream", "ShardId": "@shard", "ShardIteratorType": "TRIM_HORIZON"}
    after = {**shard, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "@sequence"}
    return [
        ("ListStreams", {**_TABLE, "Limit": 2}),
        ("DescribeStream", {"StreamArn": "@stream", "Limit": 1}),
        ("GetShardIterator", shard),
        ("GetShardIterator", after),
        ("GetRecords", {"ShardIterator": "@iterator", "Limit": 10}),
    ]


def seeds() -> list[tuple[str, str, bytes]]:
    """(service, operation, JSON); `@stream`, `@shard`, `@iterator`, `@sequence` and `@backup` are filled in where there are any.

    Operations on items come several times: they are what most requests are, and have the most to read.
    """
    tables = [("dynamodb", *one) for one in _items() * 4 + _tables()]
    streams = [("dynamodbstreams", *one) for one in _streams()]
    return [(service, name, json.dumps(params).encode()) for service, name, params in tables + streams]
