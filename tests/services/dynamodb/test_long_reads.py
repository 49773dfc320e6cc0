"""Reads that take long: others have their turns meanwhile, and no page is of more than a megabyte."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.support.table_service import Refusal, TableService

from casemate.servicekit.store import Store
from casemate.tables.reads import STRETCH
from casemate.tables.storage_memory import MemoryStorage

KEY = {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]}
TYPES = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind} for name, kind in (("p", "S"), ("s", "N"), ("l", "S"))
    ]
}
LOCAL = {
    "IndexName": "local",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
TABLE = {
    "TableName": "things",
    **KEY,
    **TYPES,
    "LocalSecondaryIndexes": [LOCAL],
    "BillingMode": "PAY_PER_REQUEST",
}
ITEMS = 4 * STRETCH
ONE = {":p": {"S": "one"}}


async def _made(items: int = ITEMS, more: str = "") -> TableService:
    service = TableService(Store(None), MemoryStorage())
    await service.call("CreateTable", TABLE)
    for start in range(0, items, 25):
        puts = [
            {"PutRequest": {"Item": {"p": {"S": "one"}, "s": {"N": str(n)}, "l": {"S": "l"}, "x": {"S": more or str(n)}}}}
            for n in range(start, min(start + 25, items))
        ]  # fmt: skip
        await service.call("BatchWriteItem", {"RequestItems": {"things": puts}})
    return service


FILTER = {
    "FilterExpression": "contains(x, :a)",
    "ExpressionAttributeValues": {":a": {"S": "nowhere"}},
}
QUERY = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {**ONE, ":a": {"S": "nowhere"}}}
HELD = {"FilterExpression": "contains(l, :a)"}
READS: dict[str, tuple[str, dict[str, Any]]] = {
    "Scan": ("Scan", {"TableName": "things", **FILTER}),
    "Query": ("Query", {"TableName": "things", **FILTER, **QUERY}),
    "backwards": ("Query", {"TableName": "things", **FILTER, **QUERY, "ScanIndexForward": False}),
    "index": ("Scan", {"TableName": "things", "IndexName": "local", **FILTER, **HELD}),
    "SELECT": ("ExecuteStatement", {"Statement": "SELECT * FROM things WHERE contains(x, 'nowhere')"}),
}


@pytest.mark.parametrize("name", READS)
def test_others_have_their_turns_during_a_long_read(name: str) -> None:
    async def main() -> None:
        service = await _made()
        task = asyncio.ensure_future(service.call(*READS[name]))
        turns = 0
        while not task.done():
            await asyncio.sleep(0)
            turns += 1
        answer = await task
        assert turns >= ITEMS // STRETCH, "one stretch a turn"
        assert answer["Items"] == []
        assert answer.get("ScannedCount", ITEMS) == ITEMS

    asyncio.run(main())


@pytest.mark.parametrize("forward", [True, False])
def test_what_is_read_in_stretches_is_whole_and_in_order(forward: bool) -> None:
    async def main() -> None:
        service = await _made(ITEMS + 7)
        query = {"TableName": "things", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": ONE}
        answer = await service.call("Query", {**query, "ScanIndexForward": forward})
        numbers = list(range(ITEMS + 7))
        assert [int(item["s"]["N"]) for item in answer["Items"]] == (numbers if forward else numbers[::-1])
        limited = await service.call("Query", {**query, "Limit": 2 * STRETCH})
        assert limited["Count"] == 2 * STRETCH
        assert limited["LastEvaluatedKey"]["s"]["N"] == str(2 * STRETCH - 1)

    asyncio.run(main())


def test_a_table_that_is_made_anew_during_a_read_is_another_one() -> None:
    async def main() -> None:
        service = await _made()
        task = asyncio.ensure_future(service.call(*READS["Scan"]))
        await asyncio.sleep(0)
        await service.call("DeleteTable", {"TableName": "things"})
        await service.call("CreateTable", TABLE)
        with pytest.raises(Refusal) as refused:
            await task
        assert refused.value.code == "ResourceNotFoundException"

    asyncio.run(main())


def test_items_that_a_local_index_has_fetched_count_for_the_megabyte() -> None:
    """Developer Guide, "Paginating table query results": a page is of at most 1 MB of data."""

    async def main() -> None:
        service = await _made(12, more="z" * 300_000)
        members = {"TableName": "things", "IndexName": "local", "Select": "ALL_ATTRIBUTES"}
        seen, start, pages = 0, {}, 0
        while True:
            request = {
                "KeyConditionExpression": "p = :p",
                "ExpressionAttributeValues": ONE,
                **members,
                **start,
            }
            response = await service.answer("Query", json.dumps(request).encode())
            assert len(response.body) < 1_100_000
            page = json.loads(response.body)
            seen, pages = seen + page["Count"], pages + 1
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert (seen, pages) == (12, 4)

    asyncio.run(main())
