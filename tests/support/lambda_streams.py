"""A table with a stream, for tests of Lambda's event sources."""

from __future__ import annotations

from typing import Any

from tests.support.direct import DirectCloud


def make_stream(cloud: DirectCloud, name: str = "orders") -> str:
    """The ARN of the stream of a new table."""
    client: Any = cloud.client("dynamodb")
    made = client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return made["TableDescription"]["LatestStreamArn"]
