from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud

ARN = "arn:aws:dynamodb:us-east-2:000000000000:table/orders"


def order(number: int, customer: str = "ann", **more: Any) -> dict[str, Any]:
    return {"customer": {"S": customer}, "number": {"N": str(number)}, **more}


def put(client: Any, *items: dict[str, Any]) -> None:
    for item in items:
        client.put_item(TableName="orders", Item=item)


def test_put_and_get(orders: Any) -> None:
    item = order(
        1, data={"B": b"\x00\x01"}, many={"SS": ["b", "a"]}, nested={"L": [{"M": {"n": {"N": "1.50"}}}]}
    )
    put(orders, item)
    got = orders.get_item(
        TableName="orders", Key=order(1), ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
    )
    assert got["Item"]["nested"] == {"L": [{"M": {"n": {"N": "1.5"}}}]}
    assert got["Item"]["data"] == {"B": b"\x00\x01"}
    assert got["ConsumedCapacity"] == {"TableName": "orders", "CapacityUnits": 1.0}
    assert "Item" not in orders.get_item(TableName="orders", Key=order(2))


def test_conditions_and_what_they_return(orders: Any) -> None:
    put(orders, order(1, status={"S": "new"}))
    with pytest.raises(ClientError) as caught:
        orders.put_item(
            TableName="orders",
            Item=order(1),
            ConditionExpression="attribute_not_exists(customer)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    answer: Any = caught.value.response
    assert answer["Error"] == {
        "Code": "ConditionalCheckFailedException",
        "Message": "The conditional request failed",
    }
    assert answer["Item"] == order(1, status={"S": "new"})
    gone = orders.delete_item(
        TableName="orders",
        Key=order(1),
        ConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "new"}},
        ReturnValues="ALL_OLD",
    )
    assert gone["Attributes"] == order(1, status={"S": "new"})


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("NONE", None),
        ("ALL_OLD", order(1, a={"N": "1"}, m={"M": {"x": {"N": "1"}}})),
        ("UPDATED_OLD", {"a": {"N": "1"}, "m": {"M": {"x": {"N": "1"}}}}),
        ("ALL_NEW", order(1, a={"N": "3"}, m={"M": {"x": {"N": "9"}, "y": {"N": "9"}}})),
        ("UPDATED_NEW", {"a": {"N": "3"}, "m": {"M": {"x": {"N": "9"}, "y": {"N": "9"}}}}),
    ],
)
def test_update_returns_what_is_asked(orders: Any, returned: str, expected: Any) -> None:
    put(orders, order(1, a={"N": "1"}, m={"M": {"x": {"N": "1"}}}))
    answer = orders.update_item(
        TableName="orders",
        Key=order(1),
        UpdateExpression="SET m.x = :v, m.y = :v ADD a :two",
        ExpressionAttributeValues={":v": {"N": "9"}, ":two": {"N": "2"}},
        ReturnValues=returned,
    )
    assert answer.get("Attributes") == expected


def test_an_update_makes_an_item_but_a_delete_from_a_set_does_not(orders: Any) -> None:
    orders.update_item(
        TableName="orders",
        Key=order(1),
        UpdateExpression="DELETE tags :t",
        ExpressionAttributeValues={":t": {"SS": ["a"]}},
    )
    assert "Item" not in orders.get_item(TableName="orders", Key=order(1))
    orders.update_item(TableName="orders", Key=order(1))
    assert orders.get_item(TableName="orders", Key=order(1))["Item"] == order(1)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"customer": {"S": "a"}}, "Missing the key number in the item"),
        (
            {"customer": {"N": "1"}, "number": {"N": "1"}},
            "Type mismatch for key customer expected: S actual: N",
        ),
        (order(1, ""), "cannot contain an empty string value. Key: customer"),
        (order(1, status={"N": "1"}), "Type mismatch for Index Key status Expected: S Actual: N IndexName: "),
        (order(1, status={"S": ""}), "empty string value. IndexName: by-status, IndexKey: status"),
        (order(1, "x" * 2049), "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        (order(1, big={"S": "x" * 409_600}), "Item size has exceeded the maximum allowed size"),
    ],
)
def test_items_that_are_refused(orders: Any, item: Any, message: str) -> None:
    with pytest.raises(ClientError, match="ValidationException") as caught:
        put(orders, item)
    assert message in str(caught.value)


LONG_NAME = "\u00e9" * 32_767 + "x"
"""65,535 bytes: the longest there is."""


def test_an_attribute_name_has_a_length(orders: Any) -> None:
    """Developer Guide, "Naming rules"; ScyllaDB's test/alternator/test_limits.py, which is run against AWS too."""
    put(orders, order(1, **{LONG_NAME: {"S": "a"}, "m": {"M": {LONG_NAME: {"N": "1"}}}}))
    named = {"ExpressionAttributeNames": {"#n": LONG_NAME}}
    got = orders.get_item(TableName="orders", Key=order(1), ProjectionExpression="#n", **named)
    assert got["Item"] == {LONG_NAME: {"S": "a"}}
    too_long = LONG_NAME + "x"
    large, empty = "Attribute name is too large, must be less than 65536 bytes", "Empty attribute name"
    for name, message in ((too_long, large), ("", empty)):
        for item in (
            order(2, **{name: {"S": "a"}}),
            order(2, **{name: {"BOOL": True}}),
            order(2, m={"M": {name: {"S": "a"}}}),
        ):
            with pytest.raises(ClientError, match=f"ValidationException.*{message}"):
                put(orders, item)
        for expression in ({"ConditionExpression": "#n = :v"}, {"UpdateExpression": "SET #n = :v"}):
            with pytest.raises(ClientError, match=f"contains invalid value: {message} for key #n"):
                orders.update_item(
                    TableName="orders",
                    Key=order(1),
                    ExpressionAttributeNames={"#n": name},
                    ExpressionAttributeValues={":v": {"S": "a"}},
                    **{"UpdateExpression": "SET x = :v", **expression},
                )
    for member in ("ScanFilter", "AttributesToGet"):
        given = [too_long] if member == "AttributesToGet" else {too_long: {"ComparisonOperator": "NULL"}}
        with pytest.raises(ClientError, match="ValidationException"):
            orders.scan(TableName="orders", **{member: given})


def test_the_largest_item_fits_and_the_next_byte_does_not(orders: Any) -> None:
    rest = 400 * 1024 - len("customer") - 3 - len("number") - 2 - len("big")
    put(orders, order(1, big={"S": "x" * rest}))
    with pytest.raises(ClientError, match="Item size has exceeded"):
        put(orders, order(1, big={"S": "x" * (rest + 1)}))
    with pytest.raises(ClientError, match="Item size to update has exceeded"):
        orders.update_item(
            TableName="orders",
            Key=order(1),
            UpdateExpression="SET x = :x",
            ExpressionAttributeValues={":x": {"S": "x"}},
        )


def test_keys_that_do_not_match(orders: Any) -> None:
    for key in (
        {"customer": {"S": "a"}},
        order(1, more={"S": "x"}),
        {"customer": {"S": "a"}, "number": {"S": "1"}},
    ):
        with pytest.raises(ClientError, match="The provided key element does not match the schema"):
            orders.get_item(TableName="orders", Key=key)
    for expression, message in (
        ("SET customer = :v", "Cannot update attribute customer. This attribute is part of the key"),
        ("SET status.x = :v", "IndexKey: status"),
    ):
        with pytest.raises(ClientError, match=message):
            orders.update_item(
                TableName="orders",
                Key=order(1),
                UpdateExpression=expression.replace("status", "#s"),
                ExpressionAttributeValues={":v": {"S": "x"}},
                **({"ExpressionAttributeNames": {"#s": "status"}} if "status" in expression else {}),
            )


def ask(client: Any, condition: str, values: dict[str, Any], **more: Any) -> Any:
    return client.query(
        TableName="orders", KeyConditionExpression=condition, ExpressionAttributeValues=values, **more
    )


def test_query_pages_filters_and_counts(orders: Any) -> None:
    put(orders, *(order(number, total={"N": str(number * 10)}) for number in range(10)))
    values = {":c": {"S": "ann"}, ":t": {"N": "40"}}
    page = ask(
        orders,
        "customer = :c",
        values,
        FilterExpression="#t > :t",
        Limit=6,
        ExpressionAttributeNames={"#t": "total"},
    )
    assert (page["Count"], page["ScannedCount"]) == (1, 6)
    assert page["LastEvaluatedKey"] == order(5)
    rest = ask(
        orders,
        "customer = :c",
        values,
        FilterExpression="#t > :t",
        ExclusiveStartKey=page["LastEvaluatedKey"],
        Select="COUNT",
        ExpressionAttributeNames={"#t": "total"},
    )
    assert (rest["Count"], rest["ScannedCount"]) == (4, 4)
    assert "Items" not in rest
    backwards = ask(
        orders,
        "customer = :c AND #n BETWEEN :a AND :b",
        {":c": {"S": "ann"}, ":a": {"N": "2"}, ":b": {"N": "4"}},
        ScanIndexForward=False,
        ProjectionExpression="#n",
        ExpressionAttributeNames={"#n": "number"},
    )
    assert [item["number"]["N"] for item in backwards["Items"]] == ["4", "3", "2"]
    assert all(item.keys() == {"number"} for item in backwards["Items"])


def test_a_page_ends_at_a_megabyte_before_the_filter(orders: Any) -> None:
    put(orders, *(order(number, big={"S": "x" * 300_000}) for number in range(5)))
    page = ask(
        orders,
        "customer = :c",
        {":c": {"S": "ann"}, ":n": {"S": "no"}},
        FilterExpression="big = :n",
        ReturnConsumedCapacity="TOTAL",
    )
    assert (page["Count"], page["ScannedCount"]) == (0, 3)
    assert page["LastEvaluatedKey"] == order(2)
    assert page["ConsumedCapacity"]["CapacityUnits"] == 110.0
    pages = list(orders.get_paginator("scan").paginate(TableName="orders"))
    assert [page["Count"] for page in pages] == [3, 2]


@pytest.mark.parametrize(
    ("condition", "values", "more", "message"),
    [
        ("#n = :n", {":n": {"N": "1"}}, {}, "Query condition missed key schema element: customer"),
        ("customer > :c", {":c": {"S": "a"}}, {}, "Query key condition not supported"),
        ("customer = :c", {":c": {"N": "1"}}, {}, "Condition parameter type does not match schema type"),
        (
            "customer = :c",
            {":c": {"S": "a"}},
            {"IndexName": "nope"},
            "does not have the specified index: nope",
        ),
        (
            "customer = :c AND #s = :c",
            {":c": {"S": "a"}},
            {},
            "Query condition missed key schema element: number",
        ),
        (
            "#s = :c",
            {":c": {"S": "a"}},
            {"IndexName": "status-all", "ConsistentRead": True},
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            "#s = :c",
            {":c": {"S": "a"}},
            {"IndexName": "status-number", "Select": "ALL_ATTRIBUTES"},
            "Select type ALL_ATTRIBUTES is not supported for global secondary index status-number",
        ),
        (
            "#s = :c",
            {":c": {"S": "a"}},
            {"IndexName": "status-number", "ProjectionExpression": "note"},
            r"Global secondary index status-number does not project \[note\]",
        ),
        (
            "customer = :c",
            {":c": {"S": "a"}},
            {"ExclusiveStartKey": order(1, "b")},
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            "customer = :c",
            {":c": {"S": "a"}},
            {"ExclusiveStartKey": {"customer": {"S": "a"}}},
            "The provided starting key is invalid",
        ),
        (
            "customer = :c",
            {":c": {"S": "a"}},
            {"FilterExpression": "customer = :c"},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: customer",
        ),
    ],
)
def test_queries_that_are_refused(orders: Any, condition: str, values: Any, more: Any, message: str) -> None:
    names = {alias: name for alias, name in (("#n", "number"), ("#s", "status")) if alias in condition}
    with pytest.raises(ClientError, match="ValidationException") as caught:
        ask(orders, condition, values, **more, **({"ExpressionAttributeNames": names} if names else {}))
    assert re.search(message, str(caught.value))


def test_a_local_index_fetches_what_it_does_not_hold(orders: Any) -> None:
    put(orders, order(1, status={"S": "new"}, note={"S": "n1"}), order(2, note={"S": "n2"}))
    shared: dict[str, Any] = {"IndexName": "by-status"}
    assert ask(orders, "customer = :c", {":c": {"S": "ann"}}, **shared)["Items"] == [
        order(1, status={"S": "new"})
    ]
    whole = ask(
        orders,
        "customer = :c",
        {":c": {"S": "ann"}},
        Select="ALL_ATTRIBUTES",
        ReturnConsumedCapacity="INDEXES",
        **shared,
    )
    assert whole["Items"] == [order(1, status={"S": "new"}, note={"S": "n1"})]
    assert whole["ConsumedCapacity"]["Table"] == {"CapacityUnits": 0.5}
    assert whole["ConsumedCapacity"]["LocalSecondaryIndexes"] == {"by-status": {"CapacityUnits": 0.5}}


def test_scan_segments_cover_the_table_once(orders: Any) -> None:
    put(orders, *(order(1, f"c{number}") for number in range(50)))
    seen: list[str] = []
    for segment in range(4):
        page = orders.scan(TableName="orders", Segment=segment, TotalSegments=4)
        seen += [item["customer"]["S"] for item in page["Items"]]
    assert sorted(seen) == sorted(f"c{number}" for number in range(50))
    with pytest.raises(ClientError, match="Segment: 4 is not less than TotalSegments: 4"):
        orders.scan(TableName="orders", Segment=4, TotalSegments=4)


def test_batches(orders: Any) -> None:
    requests: list[Any] = [{"PutRequest": {"Item": order(number)}} for number in range(25)]
    assert orders.batch_write_item(RequestItems={"orders": requests})["UnprocessedItems"] == {}
    got = orders.batch_get_item(
        RequestItems={"orders": {"Keys": [order(1), order(99)]}}, ReturnConsumedCapacity="TOTAL"
    )
    assert got["Responses"] == {"orders": [order(1)]}
    assert got["ConsumedCapacity"] == [{"TableName": "orders", "CapacityUnits": 1.0}]
    with pytest.raises(ClientError, match="Provided list of item keys contains duplicates"):
        orders.batch_write_item(
            RequestItems={
                "orders": [{"PutRequest": {"Item": order(1)}}, {"DeleteRequest": {"Key": order(1)}}]
            }
        )
    with pytest.raises(ClientError, match="ValidationException"):
        orders.batch_write_item(RequestItems={"orders": [*requests, {"DeleteRequest": {"Key": order(99)}}]})


def test_a_transaction_is_all_or_nothing(orders: Any) -> None:
    put(orders, order(1, stock={"N": "1"}))
    take: dict[str, Any] = {
        "Update": {
            "TableName": "orders",
            "Key": order(1),
            "UpdateExpression": "ADD stock :less",
            "ConditionExpression": "stock > :zero",
            "ExpressionAttributeValues": {":less": {"N": "-1"}, ":zero": {"N": "0"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
    note: dict[str, Any] = {"Put": {"TableName": "orders", "Item": order(2)}}
    answer = orders.transact_write_items(TransactItems=[note, take], ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == [
        {"TableName": "orders", "CapacityUnits": 4.0, "WriteCapacityUnits": 4.0}
    ]
    note["Put"]["Item"] = order(3)
    with pytest.raises(ClientError) as caught:
        orders.transact_write_items(TransactItems=[note, take])
    failed: Any = caught.value.response
    assert failed["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in failed["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert failed["CancellationReasons"][1]["Item"] == order(1, stock={"N": "0"})
    got = orders.transact_get_items(
        TransactItems=[{"Get": {"TableName": "orders", "Key": order(number)}} for number in (1, 3)]
    )
    assert got["Responses"] == [{"Item": order(1, stock={"N": "0"})}, {}]


def test_a_transaction_may_be_sent_twice(orders: Any) -> None:
    add: dict[str, Any] = {
        "Update": {
            "TableName": "orders",
            "Key": order(1),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    twice = [
        orders.transact_write_items(
            TransactItems=[add], ClientRequestToken="token", ReturnConsumedCapacity="INDEXES"
        )["ConsumedCapacity"]
        for _ in range(2)
    ]
    assert orders.get_item(TableName="orders", Key=order(1))["Item"]["n"] == {"N": "1"}
    # "the subsequent TransactWriteItems calls with the same client token return the number of read capacity units
    # consumed in reading the item" (API reference, TransactWriteItems, ClientRequestToken).
    written, read = (
        {"CapacityUnits": 2.0, kind: 2.0} for kind in ("WriteCapacityUnits", "ReadCapacityUnits")
    )
    assert twice == [[{"TableName": "orders", **used, "Table": used}] for used in (written, read)]
    add["Update"]["Key"] = order(2)
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        orders.transact_write_items(TransactItems=[add], ClientRequestToken="token")
    with pytest.raises(ClientError, match="cannot include multiple operations on one item"):
        orders.transact_write_items(TransactItems=[add, add])


def test_what_is_asked_of_the_policy_engine(cloud: DirectCloud, orders: Any) -> None:
    cloud.checks.clear()
    put(orders, order(1, note={"S": "x"}))
    ask(
        orders,
        "#s = :s",
        {":s": {"S": "new"}},
        IndexName="status-all",
        ExpressionAttributeNames={"#s": "status"},
    )
    orders.transact_write_items(TransactItems=[{"Delete": {"TableName": "orders", "Key": order(1)}}])
    orders.batch_get_item(RequestItems={"orders": {"Keys": [order(1), order(1, "bob")]}})
    orders.list_tables()
    write, read, remove, batch, names = cloud.checks
    assert (write.action, write.resource) == ("dynamodb:PutItem", ARN)
    assert write.context["dynamodb:LeadingKeys"] == ("ann",)
    assert write.context["dynamodb:Attributes"] == ("customer", "number", "note")
    assert (read.action, read.resource) == ("dynamodb:Query", f"{ARN}/index/status-all")
    assert read.context["dynamodb:LeadingKeys"] == ("new",)
    assert read.context["dynamodb:Select"] == "ALL_PROJECTED_ATTRIBUTES"
    assert (remove.action, remove.context["dynamodb:EnclosingOperation"]) == (
        "dynamodb:DeleteItem",
        "TransactWriteItems",
    )
    assert batch.action == "dynamodb:BatchGetItem"
    assert batch.context["dynamodb:LeadingKeys"] == ("ann", "bob")
    assert (names.action, names.resource) == ("dynamodb:ListTables", "*")


@pytest.mark.parametrize(
    ("operation", "params", "message"),
    [
        (
            "TransactWriteItems",
            {"TransactItems": []},
            "at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "TransactGetItems",
            {"TransactItems": [{"Get": {}}] * 101},
            "Member must have length less than or equal to 100",
        ),
        ("BatchWriteItem", {"RequestItems": {}}, "Member must have length greater than or equal to 1"),
        ("BatchWriteItem", {"RequestItems": {"orders": [{}]}}, "Supplied AttributeValue is empty"),
        (
            "UpdateTable",
            {"TableName": "orders", "GlobalSecondaryIndexUpdates": [{}]},
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create",
        ),
        ("Scan", {"TableName": "orders", "Limit": 0}, "at 'limit' failed to satisfy constraint"),
        (
            "PutItem",
            {"TableName": "orders", "Item": {}, "ReturnValues": "X"},
            "Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE",
        ),
        (
            "PutItem",
            {"TableName": "orders", "Item": {}, "ReturnValues": "ALL_NEW"},
            "ReturnValues can only be ALL_OLD or NONE",
        ),
        ("GetItem", {"TableName": "arn:aws:dynamodb:us-east-2:1:stream/x", "Key": {}}, "Invalid TableArn"),
        ("GetItem", {"TableName": "a", "Key": {}}, "Invalid table/index name."),
    ],
)
def test_requests_past_botocores_validation(
    cloud: DirectCloud, orders: Any, operation: str, params: Any, message: str
) -> None:
    _, answer = cloud._call("dynamodb", operation, params, "000000000000", "us-east-2")
    assert answer["Error"]["Code"] == "ValidationException"
    assert message in answer["Error"]["Message"]


def test_what_a_filter_alone_fetches_is_not_shown(orders: Any) -> None:
    """API reference, Query, Select: of an index ALL_PROJECTED_ATTRIBUTES is the default."""
    item = {"customer": {"S": "a"}, "number": {"N": "1"}, "status": {"S": "open"}, "total": {"N": "5"}}
    orders.put_item(TableName="orders", Item=item)
    asked = {
        "TableName": "orders",
        "IndexName": "by-status",
        "KeyConditionExpression": "customer = :a",
        "FilterExpression": "#total > :one",
        "ExpressionAttributeNames": {"#total": "total"},
        "ExpressionAttributeValues": {":a": {"S": "a"}, ":one": {"N": "1"}},
    }
    shown = {name: value for name, value in item.items() if name != "total"}
    assert orders.query(**asked)["Items"] == [shown]
    assert orders.query(**asked, Select="ALL_PROJECTED_ATTRIBUTES")["Items"] == [shown]
    assert orders.query(**asked, Select="ALL_ATTRIBUTES")["Items"] == [item]
