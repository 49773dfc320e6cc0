"""DynamoDB Streams through boto3, on a clock that the test moves.

Sources: API reference, DynamoDB Streams; Developer Guide, "Change data capture for DynamoDB Streams"; messages of
UpdateTable as recorded by ack-api-quirks, DDB-TABLE-050.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud

SIMPLE = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
BOTH = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def refused(code: str, words: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"(?s)\({code}\).*{re.escape(words)}")


def make(client: Any, name: str = "orders", view: str = "NEW_AND_OLD_IMAGES") -> str:
    made = client.create_table(
        TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": view}, **SIMPLE
    )
    return made["TableDescription"]["LatestStreamArn"]


def shards(streams: Any, arn: str) -> list[dict[str, Any]]:
    return streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]


def iterator(streams: Any, arn: str, kind: str = "TRIM_HORIZON", *, shard: int = -1, **more: Any) -> str:
    shard_id = shards(streams, arn)[shard]["ShardId"]
    made = streams.get_shard_iterator(StreamArn=arn, ShardId=shard_id, ShardIteratorType=kind, **more)
    return made["ShardIterator"]


def read(streams: Any, arn: str, kind: str = "TRIM_HORIZON", *, shard: int = -1, **more: Any) -> list[Any]:
    return streams.get_records(ShardIterator=iterator(streams, arn, kind, shard=shard, **more))["Records"]


def put(client: Any, key: str, table: str = "orders", **attributes: str) -> None:
    item = {name: {"S": value} for name, value in attributes.items()}
    client.put_item(TableName=table, Item={"id": {"S": key}, **item})


def test_a_table_with_a_stream_is_described_with_it(client: Any, streams: Any) -> None:
    arn = make(client)
    table = client.describe_table(TableName="orders")["Table"]
    assert table["StreamSpecification"] == BOTH
    assert arn == f"{table['TableArn']}/stream/{table['LatestStreamLabel']}"
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "ENABLED"
    assert described["KeySchema"] == SIMPLE["KeySchema"]
    (shard,) = described["Shards"]
    assert re.fullmatch(r"shardId-\d{20}-[0-9a-f]{8}", shard["ShardId"])
    assert "ParentShardId" not in shard
    assert shard["SequenceNumberRange"].keys() == {"StartingSequenceNumber"}


def test_the_life_of_an_item_is_three_records_with_their_images(client: Any, streams: Any) -> None:
    arn = make(client)
    put(client, "1", what="a")
    client.update_item(
        TableName="orders",
        Key={"id": {"S": "1"}},
        UpdateExpression="SET what = :b",
        ExpressionAttributeValues={":b": {"S": "b"}},
    )
    client.delete_item(TableName="orders", Key={"id": {"S": "1"}})
    inserted, modified, removed = read(streams, arn)
    assert [one["eventName"] for one in (inserted, modified, removed)] == ["INSERT", "MODIFY", "REMOVE"]
    first, second = {"id": {"S": "1"}, "what": {"S": "a"}}, {"id": {"S": "1"}, "what": {"S": "b"}}
    assert inserted["dynamodb"]["NewImage"] == first
    assert "OldImage" not in inserted["dynamodb"]
    assert (modified["dynamodb"]["OldImage"], modified["dynamodb"]["NewImage"]) == (first, second)
    assert removed["dynamodb"]["OldImage"] == second
    assert "NewImage" not in removed["dynamodb"]
    assert inserted["eventSource"] == "aws:dynamodb"
    assert inserted["eventVersion"] == "1.1"
    assert inserted["awsRegion"] == "us-east-2"
    assert "userIdentity" not in removed
    # Key 3 bytes, image 3 + 5 (Developer Guide, "DynamoDB item sizes and formats").
    assert [one["dynamodb"]["SizeBytes"] for one in (inserted, modified, removed)] == [11, 19, 11]
    numbers = [int(one["dynamodb"]["SequenceNumber"]) for one in (inserted, modified, removed)]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", [set(), set(), set()]),
        ("NEW_IMAGE", [{"NewImage"}, {"NewImage"}, set()]),
        ("OLD_IMAGE", [set(), {"OldImage"}, {"OldImage"}]),
        ("NEW_AND_OLD_IMAGES", [{"NewImage"}, {"NewImage", "OldImage"}, {"OldImage"}]),
    ],
)
def test_a_view_decides_which_images_a_record_has(
    client: Any, streams: Any, view: str, images: list[set[str]]
) -> None:
    arn = make(client, view=view)
    put(client, "1", what="a")
    put(client, "1", what="b")
    client.delete_item(TableName="orders", Key={"id": {"S": "1"}})
    records = [one["dynamodb"] for one in read(streams, arn)]
    assert [one.keys() & {"NewImage", "OldImage"} for one in records] == images
    assert {one["StreamViewType"] for one in records} == {view}
    assert all(one["Keys"] == {"id": {"S": "1"}} for one in records)


def test_writes_that_change_nothing_leave_no_record(client: Any, streams: Any) -> None:
    arn = make(client)
    put(client, "1", what="a")
    put(client, "1", what="a")
    client.delete_item(TableName="orders", Key={"id": {"S": "absent"}})
    with refused("ConditionalCheckFailedException"):
        client.put_item(
            TableName="orders", Item={"id": {"S": "1"}}, ConditionExpression="attribute_not_exists(id)"
        )
    assert len(read(streams, arn)) == 1


def test_batches_and_transactions_leave_a_record_for_each_item(client: Any, streams: Any) -> None:
    arn, other = make(client), make(client, "other")
    client.batch_write_item(
        RequestItems={"orders": [{"PutRequest": {"Item": {"id": {"S": key}}}} for key in "abc"]}
    )
    client.transact_write_items(
        TransactItems=[
            {"Delete": {"TableName": "orders", "Key": {"id": {"S": "a"}}}},
            {"Put": {"TableName": "other", "Item": {"id": {"S": "z"}}}},
        ]
    )
    assert [one["eventName"] for one in read(streams, arn)] == ["INSERT", "INSERT", "INSERT", "REMOVE"]
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in read(streams, other)] == ["z"]


def test_statements_of_partiql_leave_records(client: Any, streams: Any) -> None:
    arn = make(client)
    client.execute_statement(Statement="INSERT INTO orders VALUE {'id': '1'}")
    client.execute_statement(Statement="UPDATE orders SET what = 'b' WHERE id = '1'")
    client.execute_transaction(TransactStatements=[{"Statement": "DELETE FROM orders WHERE id = '1'"}])
    assert [one["eventName"] for one in read(streams, arn)] == ["INSERT", "MODIFY", "REMOVE"]


def test_iterators_of_each_kind_begin_where_they_say(cloud: DirectCloud, client: Any, streams: Any) -> None:
    arn = make(client)
    put(client, "1")
    cloud.now += timedelta(seconds=10)
    put(client, "2")
    numbers = [one["dynamodb"]["SequenceNumber"] for one in read(streams, arn)]
    keys = [
        [one["dynamodb"]["Keys"]["id"]["S"] for one in read(streams, arn, kind, **more)]
        for kind, more in (
            ("AT_SEQUENCE_NUMBER", {"SequenceNumber": numbers[1]}),
            ("AFTER_SEQUENCE_NUMBER", {"SequenceNumber": numbers[0]}),
            ("AFTER_SEQUENCE_NUMBER", {"SequenceNumber": numbers[1]}),
            ("AT_TIMESTAMP", {"Timestamp": cloud.now - timedelta(seconds=5)}),
            ("LATEST", {}),
        )
    ]
    assert keys == [["2"], ["2"], [], ["2"], []]
    after_two = iterator(streams, arn, "LATEST")
    put(client, "3")
    answer = streams.get_records(ShardIterator=after_two)
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in answer["Records"]] == ["3"]
    assert streams.get_records(ShardIterator=answer["NextShardIterator"])["Records"] == []


def test_a_limit_and_a_megabyte_end_an_answer(client: Any, streams: Any) -> None:
    arn = make(client)
    for number in range(5):
        put(client, str(number), what="x" * 300_000)
    place, pages = iterator(streams, arn), list[int]()
    for limit in (1, 1000, 1000):
        answer = streams.get_records(ShardIterator=place, Limit=limit)
        pages.append(len(answer["Records"]))
        place = answer["NextShardIterator"]
    assert pages == [1, 3, 1]
    with refused("ValidationException", "less than or equal to 1000"):
        streams.get_records(ShardIterator=place, Limit=1001)


def test_an_iterator_expires_after_fifteen_minutes(cloud: DirectCloud, client: Any, streams: Any) -> None:
    place = iterator(streams, make(client))
    cloud.now += timedelta(minutes=15)
    assert streams.get_records(ShardIterator=place)["Records"] == []
    cloud.now += timedelta(seconds=1)
    with refused("ExpiredIteratorException"):
        streams.get_records(ShardIterator=place)


def test_a_shard_is_followed_by_its_child_after_four_hours(
    cloud: DirectCloud, client: Any, streams: Any
) -> None:
    arn = make(client)
    put(client, "1")
    place = iterator(streams, arn)
    cloud.now += timedelta(hours=4)
    put(client, "2")
    parent, child = shards(streams, arn)
    assert child["ParentShardId"] == parent["ShardId"]
    ending = int(parent["SequenceNumberRange"]["EndingSequenceNumber"])
    assert ending < int(child["SequenceNumberRange"]["StartingSequenceNumber"])
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in read(streams, arn, shard=0)] == ["1"]
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in read(streams, arn, shard=1)] == ["2"]
    closed = streams.get_records(ShardIterator=iterator(streams, arn, shard=0))
    assert "NextShardIterator" not in closed, "the end of a closed shard"
    with refused("ExpiredIteratorException"):
        streams.get_records(ShardIterator=place)
    page = streams.describe_stream(StreamArn=arn, Limit=1)["StreamDescription"]
    assert page["LastEvaluatedShardId"] == parent["ShardId"]
    rest = streams.describe_stream(StreamArn=arn, ExclusiveStartShardId=parent["ShardId"])
    assert rest["StreamDescription"]["Shards"] == [child]
    children = streams.describe_stream(
        StreamArn=arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": parent["ShardId"]}
    )
    assert children["StreamDescription"]["Shards"] == [child]


def test_records_and_shards_are_gone_after_a_day(cloud: DirectCloud, client: Any, streams: Any) -> None:
    arn = make(client)
    put(client, "1")
    (old,) = read(streams, arn)
    (first,) = shards(streams, arn)
    cloud.now += timedelta(hours=23, minutes=50)
    put(client, "2")
    place = iterator(streams, arn, shard=0)
    assert len(streams.get_records(ShardIterator=place)["Records"]) == 1
    cloud.now += timedelta(minutes=11)
    with refused("TrimmedDataAccessException", "past the oldest stream record"):
        streams.get_records(ShardIterator=place)
    with refused("TrimmedDataAccessException"):
        iterator(
            streams, arn, "AT_SEQUENCE_NUMBER", shard=0, SequenceNumber=old["dynamodb"]["SequenceNumber"]
        )
    assert read(streams, arn, shard=0) == []
    assert len(read(streams, arn, shard=-1)) == 1
    cloud.now += timedelta(hours=24)
    assert first["ShardId"] not in [shard["ShardId"] for shard in shards(streams, arn)]


def test_a_stream_is_switched_off_and_on_as_another_one(
    cloud: DirectCloud, client: Any, streams: Any
) -> None:
    arn = make(client)
    put(client, "1")
    with refused("ValidationException", "Table already has an enabled stream: TableName: orders"):
        client.update_table(TableName="orders", StreamSpecification=BOTH)
    with refused("ValidationException", "If stream is being disabled, then UpdateViewType must not be spec"):
        client.update_table(TableName="orders", StreamSpecification={**BOTH, "StreamEnabled": False})
    client.update_table(TableName="orders", StreamSpecification={"StreamEnabled": False})
    with refused("ValidationException", "Table has no stream to disable: TableName: orders"):
        client.update_table(TableName="orders", StreamSpecification={"StreamEnabled": False})
    with refused("ValidationException", "If stream is being enabled then UpdateViewType is required"):
        client.update_table(TableName="orders", StreamSpecification={"StreamEnabled": True})
    table = client.describe_table(TableName="orders")["Table"]
    assert "StreamSpecification" not in table
    assert table["LatestStreamArn"] == arn
    put(client, "2")
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in described["Shards"][0]["SequenceNumberRange"]
    assert len(read(streams, arn)) == 1
    client.update_table(TableName="orders", StreamSpecification=BOTH)
    renewed = client.describe_table(TableName="orders")["Table"]["LatestStreamArn"]
    assert renewed != arn
    put(client, "3")
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in read(streams, renewed)] == ["3"]
    cloud.now += timedelta(hours=24)
    with refused("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found"):
        streams.describe_stream(StreamArn=arn)


def test_the_stream_of_a_deleted_table_stays_readable(client: Any, streams: Any) -> None:
    arn = make(client)
    put(client, "1")
    client.delete_table(TableName="orders")
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"
    assert len(read(streams, arn)) == 1
    assert make(client) != arn


def test_streams_are_listed_in_pages(client: Any, streams: Any) -> None:
    arns = [make(client, name) for name in ("a-table", "b-table", "c-table")]
    first = streams.list_streams(Limit=2)
    assert [one["StreamArn"] for one in first["Streams"]] == arns[:2]
    rest = streams.list_streams(ExclusiveStartStreamArn=first["LastEvaluatedStreamArn"])
    assert [one["TableName"] for one in rest["Streams"]] == ["c-table"]
    assert "LastEvaluatedStreamArn" not in rest
    assert [one["StreamArn"] for one in streams.list_streams(TableName="b-table")["Streams"]] == [arns[1]]
    with refused("ValidationException", "less than or equal to 100"):
        streams.list_streams(Limit=101)


def test_what_is_not_there_is_refused(client: Any, streams: Any) -> None:
    arn = make(client)
    absent = f"{arn[:-3]}999"
    with refused("ResourceNotFoundException", f"Stream: {absent} not found"):
        streams.describe_stream(StreamArn=absent)
    with refused("ValidationException", "Invalid StreamArn"):
        streams.describe_stream(StreamArn="arn:aws:dynamodb:us-east-2:000000000000:table/orders")
    with refused("ResourceNotFoundException", "Shard"):
        streams.get_shard_iterator(StreamArn=arn, ShardId="shardId-" + "0" * 29, ShardIteratorType="LATEST")
    with refused("ValidationException", "Invalid SequenceNumber"):
        iterator(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber="1" * 30)
    with refused("ValidationException", "SequenceNumber must be specified"):
        iterator(streams, arn, "AFTER_SEQUENCE_NUMBER")
    for forged in ("nonsense", f"{arn}|1|@@", f"{arn}|1|AAAA", f"{arn}|2|{iterator(streams, arn)[-8:]}"):
        with refused("ValidationException", "Invalid ShardIterator"):
            streams.get_records(ShardIterator=forged)


def test_each_call_is_authorized_on_the_stream(cloud: DirectCloud, client: Any, streams: Any) -> None:
    arn = make(client)
    cloud.checks.clear()
    read(streams, arn)
    streams.list_streams()
    assert [(check.action, check.resource) for check in cloud.checks] == [
        ("dynamodb:DescribeStream", arn),
        ("dynamodb:GetShardIterator", arn),
        ("dynamodb:GetRecords", arn),
        ("dynamodb:ListStreams", "*"),
    ]


def test_a_stream_has_a_resource_policy_of_its_own(cloud: DirectCloud, client: Any) -> None:
    arn = make(client)
    reader = {"AWS": "arn:aws:iam::222222222222:root"}
    statement = {"Effect": "Allow", "Principal": reader, "Action": "dynamodb:GetRecords", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    revision = client.put_resource_policy(ResourceArn=arn, Policy=document)["RevisionId"]
    assert client.get_resource_policy(ResourceArn=arn) == {
        "Policy": document,
        "RevisionId": revision,
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }
    for name in ("dynamodb", "dynamodbstreams"):
        policies = cloud.services[name].resource_policies
        assert policies is not None
        found = policies(arn)
        assert found is not None
        assert found.document == document
        assert policies(arn.partition("/stream/")[0]) is None, "the table's is another one"
    client.delete_resource_policy(ResourceArn=arn)
    with refused("PolicyNotFoundException"):
        client.get_resource_policy(ResourceArn=arn)


def test_the_same_item_in_another_order_is_no_change(client: Any, streams: Any) -> None:
    arn = make(client)
    item = {"id": {"S": "a"}, "one": {"S": "1"}, "two": {"S": "2"}}
    client.put_item(TableName="orders", Item=item)
    client.put_item(TableName="orders", Item=dict(reversed(item.items())))
    assert len(read(streams, arn)) == 1
