from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.support.direct import DirectCloud

from casemate.servicekit.store import Store
from casemate.services import dynamodb
from casemate.services.dynamodb.building import Builder
from casemate.services.dynamodb.global_tables.replicator import Replicator
from casemate.tables.engine import TablesEngine
from casemate.tables.storage_memory import MemoryStorage


class TablesCloud(DirectCloud):
    """What runs beside the operations has its turn after each of them, while `settles`."""

    settles = True

    def answered(self, name: str, output: Any) -> None:
        if self.settles:
            self.settle()

    def context(self, name: str) -> Any:
        """What an operation is handed, for tests that call one themselves."""
        return self._context(self.services[name], "000000000000", "us-east-2")

    def settle(self) -> None:
        """Everything that is unfinished is completed, and every replica is told of everything."""
        state = self.services["dynamodb"].state
        asyncio.run(Builder(state, self.store).build())
        while Replicator(state, self.store).tell_some():
            pass


@contextmanager
def tables_cloud() -> Iterator[TablesCloud]:
    """DynamoDB alone, in memory."""
    store = Store(None)
    engine = TablesEngine(MemoryStorage(), now=lambda: made.now.timestamp())
    service = dynamodb.build(store, engine)
    made = TablesCloud(store, service, dynamodb.build_streams(service))
    yield made
    engine.close()
    store.close()


@pytest.fixture
def cloud() -> Iterator[TablesCloud]:
    with tables_cloud() as made:
        yield made


@pytest.fixture
def client(cloud: DirectCloud) -> Any:
    return cloud.client("dynamodb")


@pytest.fixture
def streams(cloud: DirectCloud) -> Any:
    return cloud.client("dynamodbstreams")


@pytest.fixture
def orders(client: Any) -> Any:
    """A table with a sort key, a local and two global indexes."""
    client.create_table(
        TableName="orders",
        KeySchema=[
            {"AttributeName": "customer", "KeyType": "HASH"},
            {"AttributeName": "number", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "customer", "AttributeType": "S"},
            {"AttributeName": "number", "AttributeType": "N"},
            {"AttributeName": "status", "AttributeType": "S"},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-status",
                "KeySchema": [
                    {"AttributeName": "customer", "KeyType": "HASH"},
                    {"AttributeName": "status", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "status-number",
                "KeySchema": [
                    {"AttributeName": "status", "KeyType": "HASH"},
                    {"AttributeName": "number", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total"]},
            },
            {
                "IndexName": "status-all",
                "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            },
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client
