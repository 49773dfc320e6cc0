"""UpdateTable changes one thing at a time, and says what is wrong with more.

Sources: AWS's answers as recorded by ack-api-quirks, DDB-TABLE-015, 152, 160, 162, 174, 359, 382, 433, 442, 443 and 446.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.dynamodb.conftest import TablesCloud

UNITS = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 2}
KINDS = [{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "size")]
CHANGES: dict[str, dict[str, Any]] = {
    "units": {"ProvisionedThroughput": UNITS},
    "mode": {"BillingMode": "PAY_PER_REQUEST"},
    "provisioned": {"BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS},
    "limits": {"OnDemandThroughput": {"MaxReadRequestUnits": 5}},
    "warm": {"WarmThroughput": {"ReadUnitsPerSecond": 20_000}},
    "stream": {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}},
    "protection": {"DeletionProtectionEnabled": True},
    "key": {"SSESpecification": {"Enabled": True}},
    "class": {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
    "replica": {"ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]},
    "nothing of indexes": {"GlobalSecondaryIndexUpdates": []},
}
INVALID = "One or more parameter values were invalid: "
ALONE = {
    "replica": "Replica modification must be the only operation in the request",
    "key": "Server-Side Encryption modification must be the only operation in the request",
    "class": "TableClass modification must be the only operation in the request",
    "protection": "DeletionProtection modification must be the only operation in the request",
}
"""The first of two is the one that is named."""


def index(name: str, attribute: str = "kind", **more: Any) -> dict[str, Any]:
    schema = [{"AttributeName": attribute, "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}, **more}


CHANGES["create"] = {
    "AttributeDefinitions": KINDS,
    "GlobalSecondaryIndexUpdates": [{"Create": index("another", "size")}],
}
CHANGES["delete"] = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-kind"}}]}


@pytest.fixture
def table(client: Any) -> Any:
    """An on-demand table with an index."""
    client.create_table(
        TableName="one",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
            *KINDS[:1],
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [
                    {"AttributeName": "id", "KeyType": "HASH"},
                    {"AttributeName": "kind", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        GlobalSecondaryIndexes=[index("by-kind")],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def refusal(client: Any, **given: Any) -> tuple[str, str]:
    before = client.describe_table(TableName="one")
    with pytest.raises(ClientError) as caught:
        client.update_table(TableName="one", **given)
    del before["ResponseMetadata"]
    assert client.describe_table(TableName="one").items() >= before.items()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def together(*names: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name in names:
        given |= CHANGES[name]
    return given


PAIRS: list[tuple[str, str, str]] = [
    *((one, two, text) for one, text in ALONE.items() for two in CHANGES
      if two not in (one, "nothing of indexes") and (two not in ALONE or list(ALONE).index(one) < list(ALONE).index(two))),
    *(("limits", two, "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request")
      for two in ("stream", "warm", "create")),
    *(("warm", two, "WarmThroughput must be the only operation in the request") for two in ("mode", "units", "stream")),
    ("warm", "create", "Create global secondary index cannot be specified when updating WarmThroughput"),
    *(("stream", two, "You cannot modify stream status while updating table IOPS") for two in ("units", "provisioned")),
    *((one, "units", "You cannot create or delete index while updating table IOPS") for one in ("create", "delete")),
    *((one, "stream", "You cannot create or delete index while changing stream status") for one in ("create", "delete")),
    *(("nothing of indexes", two, "List of GlobalSecondaryIndexUpdates is empty")
      for two in ("protection", "mode", "limits")),
]  # fmt: skip


def test_two_changes_do_not_go_together(table: Any) -> None:
    assert len(PAIRS) > 50
    for one, two, text in PAIRS:
        assert refusal(table, **together(one, two)) == ("ValidationException", INVALID + text), (one, two)


@pytest.mark.parametrize("other", ["stream", "limits", "create", "delete"])
def test_the_billing_mode_goes_with_another_change(table: Any, other: str) -> None:
    table.update_table(TableName="one", **together("mode", other))


@pytest.mark.parametrize("given", [{}, CHANGES["nothing of indexes"], {"AttributeDefinitions": KINDS}])
def test_a_request_that_changes_nothing(table: Any, given: dict[str, Any]) -> None:
    code, message = refusal(table, **given)
    assert code == "ValidationException"
    assert message == (
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
        "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
        "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
    )


DELETE = {"Delete": {"IndexName": "by-kind"}}
RAISE = {"Update": {"IndexName": "by-kind", "ProvisionedThroughput": UNITS}}


@pytest.mark.parametrize(
    ("updates", "code", "message"),
    [
        ([DELETE, RAISE], "ValidationException",
         f"{INVALID}Only one global secondary index update per index is allowed simultaneously. Index: by-kind"),
        ([{**DELETE, **RAISE}], "ValidationException",
         f"{INVALID}Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"),
        ([DELETE, {"Create": index("another")}], "LimitExceededException",
         "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"),
        ([{"Create": index("by-kind")}], "ValidationException", "Attempting to create an index which already exists"),
        ([{"Create": index("another")}], "ValidationException",
         f"{INVALID}AttributeDefinitions is not specified for index: another"),
        ([{"Delete": {"IndexName": "local"}}], "ValidationException",
         "Cannot delete an index that is not a GlobalSecondaryIndex: local"),
        ([{"Delete": {"IndexName": "ghost"}}], "ResourceNotFoundException",
         "Requested resource not found: Index ghost for table one"),
        ([RAISE], "ValidationException",
         f"{INVALID}The only Updates for index: by-kind when TableThroughputMode is PAY_PER_REQUEST can be to "
         "OnDemandThroughput, WarmThroughput"),
    ],
)  # fmt: skip
def test_what_updates_of_indexes_may_not(table: Any, updates: list[Any], code: str, message: str) -> None:
    assert refusal(table, GlobalSecondaryIndexUpdates=updates) == (code, message)


def test_definitions_are_looked_at_for_a_new_index_alone(table: Any) -> None:
    wrong = [{"AttributeName": "id", "AttributeType": "N"}, {"AttributeName": "stale", "AttributeType": "B"}]
    created = CHANGES["create"]["GlobalSecondaryIndexUpdates"]
    table.update_table(
        TableName="one", AttributeDefinitions=[*wrong, KINDS[1]], GlobalSecondaryIndexUpdates=created
    )
    shown = table.describe_table(TableName="one")["Table"]["AttributeDefinitions"]
    assert {one["AttributeName"]: one["AttributeType"] for one in shown} == {
        "id": "S", "n": "N", "kind": "S", "size": "S",
    }  # fmt: skip


def test_a_new_index_does_not_give_an_attribute_another_type(table: Any) -> None:
    created = [{"Create": index("by-n", "n")}]
    told = refusal(
        table,
        AttributeDefinitions=[{"AttributeName": "n", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=created,
    )
    assert told[0] == "ValidationException"
    assert "redefines attribute n of the table with another type" in told[1]


def test_a_table_becomes_provisioned_with_units_for_each_of_its_indexes(table: Any) -> None:
    told = "ValidationException"
    without = refusal(table, BillingMode="PROVISIONED")
    assert without == (
        told,
        f"{INVALID}ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
    )
    unsaid = refusal(table, **CHANGES["provisioned"])
    assert unsaid == (told, f"{INVALID}ProvisionedThroughput must be specified for index: by-kind")
    table.update_table(TableName="one", **CHANGES["provisioned"], GlobalSecondaryIndexUpdates=[RAISE])
    code, message = refusal(table, GlobalSecondaryIndexUpdates=[RAISE])
    assert code == told
    assert message.startswith("The provisioned throughput for the index by-kind will not change.")
    code, message = refusal(
        table,
        AttributeDefinitions=KINDS,
        GlobalSecondaryIndexUpdates=CHANGES["create"]["GlobalSecondaryIndexUpdates"],
    )
    assert (
        message
        == f"{INVALID}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: another"
    )


def test_warm_throughput_stays_when_the_mode_changes(table: Any) -> None:
    table.update_table(TableName="one", **CHANGES["provisioned"], GlobalSecondaryIndexUpdates=[RAISE])
    warm = table.describe_table(TableName="one")["Table"]["WarmThroughput"]
    assert warm == {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000, "Status": "ACTIVE"}


def test_the_class_of_a_table_changes_twice_in_thirty_days(cloud: TablesCloud, table: Any) -> None:
    for name in ("STANDARD_INFREQUENT_ACCESS", "STANDARD"):
        table.update_table(TableName="one", TableClass=name)
    told = refusal(table, TableClass="STANDARD")
    assert told == (
        "LimitExceededException",
        "Subscriber limit exceeded: Updates to TableClass are limited to 2 times in 30 day(s).",
    )
    cloud.now += timedelta(days=30)
    table.update_table(TableName="one", **CHANGES["class"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"OnDemandThroughput": {"MaxReadRequestUnits": -1}},
         "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range"),
        ({"WarmThroughput": {"WriteUnitsPerSecond": 1}},
         "Requested WriteUnitsPerSecond for WarmThroughput for table is lower than initial throughput for OnDemand. See: "
         "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
         "#on-demand-capacity-mode-initial"),
        ({**CHANGES["provisioned"], "WarmThroughput": {"ReadUnitsPerSecond": 1}},
         "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than ReadCapacityUnits of ProvisionedThroughput"),
        ({**CHANGES["provisioned"], **CHANGES["limits"]},
         "MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED."),
        ({"StreamSpecification": {"StreamEnabled": True}},
         "Table is being created with a stream enabled, UpdateViewType is required"),
        ({"SSESpecification": {"Enabled": False, "SSEType": "KMS"}}, "SSEType can not be specified if Enabled is false"),
    ],
)  # fmt: skip
def test_what_a_new_table_may_not_have(client: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        client.create_table(
            TableName="one",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            **{"BillingMode": "PAY_PER_REQUEST", **given},
        )
    assert caught.value.response["Error"]["Message"] == INVALID + message


def test_a_projection_names_an_attribute_once(table: Any) -> None:
    twice = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y", "x"]}
    created = [{"Create": index("another", Projection=twice)}]
    told = refusal(table, AttributeDefinitions=KINDS[:1], GlobalSecondaryIndexUpdates=created)
    assert told == ("ValidationException", f"{INVALID}Duplicate element in NonKeyAttributes: x")
