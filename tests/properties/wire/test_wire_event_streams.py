"""Event streams: what ours writes, botocore's reader of streams reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.parsers import create_parser

from casemate.wire.models import ServiceModels
from casemate.wire.parser import ParsedRequest
from casemate.wire.serializer import serialize

MODELS = ServiceModels()


class Stream:
    """A raw stream as urllib3 has it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Iterator[bytes]:
        # In pieces that cut through messages, as a network does.
        return iter([self._data[start : start + 7] for start in range(0, len(self._data), 7)])

    def close(self) -> None:
        pass


def events_read_back(service: str, operation_name: str, member: str, output: dict[str, Any]) -> list[Any]:
    operation = MODELS.get(service).operation_model(operation_name)
    protocol = MODELS.get(service).metadata["protocol"]
    response = serialize(
        ParsedRequest(operation=operation, params={}, protocol=protocol), output, "request-1"
    )
    assert dict(response.headers)["Content-Type"] == "application/vnd.amazon.eventstream"
    parsed = create_parser(protocol).parse(
        {
            "status_code": response.status,
            "headers": {},
            "body": Stream(response.body),
            "context": {"operation_name": operation_name},
        },
        operation.output_shape,
    )
    return list(parsed[member])


@pytest.mark.parametrize(
    ("service", "operation", "member", "events"),
    [
        (
            "lambda",
            "InvokeWithResponseStream",
            "EventStream",
            [
                {"PayloadChunk": {"Payload": b"first \xff"}},
                {"PayloadChunk": {"Payload": b""}},
                {"InvokeComplete": {"ErrorCode": "Unhandled", "ErrorDetails": "{}", "LogResult": "bG9n"}},
            ],
        ),
        (
            "s3",
            "SelectObjectContent",
            "Payload",
            [
                {"Records": {"Payload": b"a,b\n"}},
                {"Stats": {"Details": {"BytesScanned": 9, "BytesProcessed": 9, "BytesReturned": 4}}},
                {"End": {}},
            ],
        ),
        (
            "logs",
            "StartLiveTail",
            "responseStream",
            [
                {"sessionStart": {"requestId": "r", "sessionId": "s", "logGroupIdentifiers": ["g"]}},
                {"sessionUpdate": {"sessionResults": [{"message": "hello", "timestamp": 1700000000000}]}},
            ],
        ),
    ],
)
def test_events_survive_the_trip(service: str, operation: str, member: str, events: list[Any]) -> None:
    assert events_read_back(service, operation, member, {member: events}) == events


def test_header_values_of_every_type_are_read_back() -> None:
    from casemate.wire.eventstream import encode_message

    moment = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    headers = [
        ("yes", True), ("no", False), ("small", 7), ("large", 2**40), ("bytes", b"\x00\x01"), ("text", "naïve"),
        ("time", moment),
    ]  # fmt: skip
    buffer = EventStreamBuffer()
    buffer.add_data(encode_message(headers, b"payload"))
    (message,) = list(buffer)
    assert message.payload == b"payload"
    assert message.headers == {**dict(headers), "time": int(moment.timestamp() * 1000)}
