"""Throttling, as `casemate up --throttle` has it. Sources: what `services.dynamodb.throttling` names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.dynamodb.conftest import TablesCloud, tables_cloud

from casemate.services.dynamodb.throttling.operations import throttled

ARN = "arn:aws:dynamodb:us-east-2:000000000000:table/slow"
KEYS: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
BURST = 300


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slow(clock: Clock) -> Iterator[TablesCloud]:
    with tables_cloud() as made:
        made.services["dynamodb"] = throttled(made.services["dynamodb"], now=clock)
        yield made


@pytest.fixture
def client(slow: TablesCloud) -> Any:
    return slow.client("dynamodb")


def make(client: Any, name: str = "slow", *, read: int = 1, write: int = 1, **more: Any) -> None:
    units = {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
    client.create_table(TableName=name, ProvisionedThroughput=units, **{**KEYS, **more})


def put(client: Any, key: str, size: int = 0, table: str = "slow") -> None:
    client.put_item(TableName=table, Item={"id": {"S": key}, "body": {"S": "x" * size}})


def exhaust(client: Any, table: str = "slow") -> None:
    """300 units of writes: six items of 50 KB."""
    for number in range(6):
        put(client, str(number), 50 * 1024 - 10, table)


def refused(client: Any, call: str, **params: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        getattr(client, call)(**params)
    return caught.value.response


def test_five_minutes_of_unused_capacity_are_kept_and_then_one_second_gives_one_second(
    client: Any, clock: Clock
) -> None:
    make(client, write=2)
    exhaust(client)
    exhaust(client)
    item = {"id": {"S": "one too many"}}
    told = refused(client, "put_item", TableName="slow", Item=item)
    assert told["Error"] == {
        "Code": "ProvisionedThroughputExceededException",
        "Message": "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
        "provisioning level with the UpdateTable API.",
    }
    assert told["ThrottlingReasons"] == [
        {"reason": "TableWriteProvisionedThroughputExceeded", "resource": ARN}
    ]
    client.get_item(TableName="slow", Key={"id": {"S": "0"}})
    clock.now += 1
    put(client, "a")
    put(client, "b")
    assert refused(client, "put_item", TableName="slow", Item=item)
    clock.now += 100_000
    exhaust(client)
    exhaust(client)
    assert refused(client, "put_item", TableName="slow", Item=item)


def test_reads_draw_on_their_own_bucket_and_may_leave_a_debt(client: Any, clock: Clock) -> None:
    make(client, write=1000)
    for number in range(30):
        put(client, str(number), 200 * 1024)
    # A page of a megabyte costs some 250 units when it is read consistently: the second one is let in with what is left.
    client.scan(TableName="slow", ConsistentRead=True)
    client.scan(TableName="slow", ConsistentRead=True)
    told = refused(client, "scan", TableName="slow")
    assert told["ThrottlingReasons"][0]["reason"] == "TableReadProvisionedThroughputExceeded"
    clock.now += 1
    assert refused(client, "get_item", TableName="slow", Key={"id": {"S": "0"}})


def test_an_index_without_units_holds_up_the_writes_of_its_table(client: Any) -> None:
    index = {
        "IndexName": "by-kind",
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    }
    attributes = [*KEYS["AttributeDefinitions"], {"AttributeName": "kind", "AttributeType": "S"}]
    make(client, write=1000, AttributeDefinitions=attributes, GlobalSecondaryIndexes=[index])
    for number in range(6):
        item = {"id": {"S": str(number)}, "kind": {"S": "a"}, "body": {"S": "x" * 50 * 1024}}
        client.put_item(TableName="slow", Item=item)
    told = refused(client, "put_item", TableName="slow", Item={"id": {"S": "x"}})
    assert "one or more global secondary indexes of the table was exceeded" in told["Error"]["Message"]
    assert told["ThrottlingReasons"] == [
        {"reason": "IndexWriteProvisionedThroughputExceeded", "resource": f"{ARN}/index/by-kind"}
    ]


def test_batches_leave_what_finds_no_room(client: Any, clock: Clock) -> None:
    make(client)
    make(client, "quick", write=100)
    exhaust(client)
    clock.now += 2
    writes = [{"PutRequest": {"Item": {"id": {"S": f"new {number}"}}}} for number in range(5)]
    answer = client.batch_write_item(RequestItems={"slow": writes, "quick": writes})
    assert answer["UnprocessedItems"] == {"slow": writes[2:]}
    assert "ConsumedCapacity" not in answer
    assert client.scan(TableName="quick")["Count"] == 5
    told = refused(client, "batch_write_item", RequestItems={"slow": writes})
    assert told["Error"]["Code"] == "ProvisionedThroughputExceededException"
    for _ in range(BURST):
        client.get_item(TableName="slow", Key={"id": {"S": "absent"}}, ConsistentRead=True)
    clock.now += 1
    keys = [{"id": {"S": f"new {number}"}} for number in range(4)]
    answer = client.batch_get_item(RequestItems={"slow": {"Keys": keys}})
    assert len(answer["Responses"]["slow"]) == 2
    assert answer["UnprocessedKeys"] == {"slow": {"Keys": keys[2:]}}


def test_transactions_are_cancelled_with_a_reason_per_item(client: Any) -> None:
    make(client)
    make(client, "quick", write=100)
    exhaust(client)
    puts = [{"Put": {"TableName": name, "Item": {"id": {"S": "t"}}}} for name in ("quick", "slow")]
    told = refused(client, "transact_write_items", TransactItems=puts)
    assert told["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in told["CancellationReasons"]] == [
        "None",
        "ProvisionedThroughputExceeded",
    ]
    assert "Item" not in client.get_item(TableName="quick", Key={"id": {"S": "t"}})


def test_statements_are_throttled_too(client: Any) -> None:
    make(client)
    make(client, "quick", write=100)
    exhaust(client)
    texts = [f"INSERT INTO \"{name}\" VALUE {{'id': 's'}}" for name in ("slow", "quick")]
    told = refused(client, "execute_statement", Statement=texts[0])
    assert told["Error"]["Code"] == "ProvisionedThroughputExceededException"
    answers = client.batch_execute_statement(Statements=[{"Statement": text} for text in texts])["Responses"]
    assert answers[0]["Error"]["Code"] == "ProvisionedThroughputExceeded"
    assert answers[1] == {"TableName": "quick"}
    told = refused(client, "execute_transaction", TransactStatements=[{"Statement": text} for text in texts])
    assert [one["Code"] for one in told["CancellationReasons"]] == ["ProvisionedThroughputExceeded", "None"]


def test_an_on_demand_limit_is_kept_and_a_table_without_one_is_not_held_up(client: Any, clock: Clock) -> None:
    client.create_table(
        TableName="slow",
        BillingMode="PAY_PER_REQUEST",
        OnDemandThroughput={"MaxWriteRequestUnits": 2},
        **KEYS,
    )
    put(client, "a")
    put(client, "b")
    told = refused(client, "put_item", TableName="slow", Item={"id": {"S": "c"}})
    assert told["Error"]["Code"] == "ThrottlingException"
    assert told["throttlingReasons"][0]["reason"] == "TableWriteMaxOnDemandThroughputExceeded"
    clock.now += 1
    put(client, "c")
    client.update_table(TableName="slow", OnDemandThroughput={"MaxWriteRequestUnits": -1})
    exhaust(client)
    exhaust(client)


def test_answers_say_as_much_of_the_capacity_as_was_asked_for(client: Any) -> None:
    make(client)
    put(client, "a")
    get: dict[str, Any] = {"TableName": "slow", "Key": {"id": {"S": "a"}}}
    assert "ConsumedCapacity" not in client.get_item(**get)
    total = client.get_item(**get, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert total == {"TableName": "slow", "CapacityUnits": 0.5}
    whole = client.get_item(**get, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert whole["Table"] == {"CapacityUnits": 0.5}


def test_a_failed_condition_is_paid_for(client: Any) -> None:
    make(client)
    guarded: dict[str, Any] = {
        "TableName": "slow",
        "Item": {"id": {"S": "a"}},
        "ConditionExpression": "attribute_exists(id)",
    }
    codes = [refused(client, "put_item", **guarded)["Error"]["Code"] for _ in range(BURST + 1)]
    assert codes == ["ConditionalCheckFailedException"] * BURST + ["ProvisionedThroughputExceededException"]


def test_tables_of_one_name_in_two_accounts_are_two_in_a_batch(slow: TablesCloud, client: Any) -> None:
    theirs = ARN.replace("000000000000", "222222222222")
    make(slow.client("dynamodb", account="222222222222"), write=100, read=100)
    make(client)
    large = {"PutRequest": {"Item": {"id": {"S": "a"}, "body": {"S": "x" * 300 * 1024}}}}
    small = {"PutRequest": {"Item": {"id": {"S": "b"}}}}
    # 300 units and more of ours; one of theirs, which must not be the one that pays for both.
    client.batch_write_item(RequestItems={"slow": [large], theirs: [small]})
    assert refused(client, "put_item", TableName="slow", Item={"id": {"S": "c"}})
    client.put_item(TableName=theirs, Item={"id": {"S": "c"}})
    for _ in range(BURST):
        client.get_item(TableName="slow", Key={"id": {"S": "b"}}, ConsistentRead=True)
    keys = {"Keys": [{"id": {"S": "b"}}]}
    answer = client.batch_get_item(RequestItems={"slow": keys, theirs: keys})
    assert answer["UnprocessedKeys"] == {"slow": keys}
    assert answer["Responses"] == {theirs: [{"id": {"S": "b"}}]}


def test_tables_of_one_name_in_two_accounts_are_two_in_a_transaction(slow: TablesCloud, client: Any) -> None:
    theirs = ARN.replace("000000000000", "222222222222")
    make(slow.client("dynamodb", account="222222222222"), write=100)
    make(client)
    item = {"id": {"S": "a"}, "body": {"S": "x" * 149 * 1024}}
    puts: list[Any] = [
        {"Put": {"TableName": "slow", "Item": item}},
        {"Put": {"TableName": theirs, "Item": {"id": {"S": "a"}}}},
    ]
    answer = client.transact_write_items(TransactItems=puts, ReturnConsumedCapacity="TOTAL")
    used = {one["TableName"]: one["CapacityUnits"] for one in answer["ConsumedCapacity"]}
    assert used == {"slow": 300.0, theirs: 2.0}
    assert refused(client, "put_item", TableName="slow", Item={"id": {"S": "c"}})
    client.put_item(TableName=theirs, Item={"id": {"S": "c"}})


@pytest.mark.parametrize("way", ["single", "batch", "transaction", "statement", "statements"])
def test_a_table_named_by_its_arn_is_charged(client: Any, way: str) -> None:
    make(client)
    item = {"id": {"S": "a"}, "body": {"S": "x" * 350 * 1024}}
    match way:
        case "single":
            client.put_item(TableName=ARN, Item=item)
        case "batch":
            client.batch_write_item(RequestItems={ARN: [{"PutRequest": {"Item": item}}]})
        case "transaction":
            client.transact_write_items(TransactItems=[{"Put": {"TableName": ARN, "Item": item}}])
        case _:
            inserted = f"INSERT INTO \"{ARN}\" VALUE {{'id': 'a', 'body': ?}}"
            text: dict[str, Any] = {"Statement": inserted, "Parameters": [item["body"]]}
            if way == "statement":
                client.execute_statement(**text)
            else:
                client.batch_execute_statement(Statements=[text])
    assert refused(client, "put_item", TableName="slow", Item={"id": {"S": "c"}})


def test_one_table_under_its_name_and_its_arn_has_its_units_once(client: Any, clock: Clock) -> None:
    make(client)
    exhaust(client)
    clock.now += 3
    writes = [{"PutRequest": {"Item": {"id": {"S": f"{number}"}}}} for number in range(4)]
    answer = client.batch_write_item(RequestItems={"slow": writes[:2], ARN: writes[2:]})
    assert answer["UnprocessedItems"] == {ARN: writes[3:]}
