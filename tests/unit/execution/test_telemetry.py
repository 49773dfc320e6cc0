"""Who subscribes to telemetry or to logs, what they are refused, what they get and when.

Sources: Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API", "Lambda
Telemetry API reference", "Lambda Telemetry API Event schema reference", "Lambda Logs API".
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from casemate.execution import platform_events, report, telemetry
from casemate.execution.endings import Ending
from casemate.execution.subscriptions import Api, SubscriptionError, subscription
from casemate.execution.telemetry import Telemetry

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "schemaVersion": "2022-12-13",
    "types": ["platform"],
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/x"},
}


def body(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def at(port: int, **more: Any) -> dict[str, Any]:
    return {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{port}/in"} | more


WRONG: list[dict[str, Any]] = [
    {"types": [[]]},
    {"types": [{}]},
    {"types": {}},
    {"types": ["platform", "other"]},
    {"schemaVersion": []},
    {"schemaVersion": {}},
    {"schemaVersion": "2021-03-18"},
    {"destination": {"protocol": "HTTP", "URI": "http://127.0.0.1:8080"}},
    {"destination": {"protocol": "HTTP", "URI": "https://sandbox.localdomain:8080"}},
    {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:9001"}},
    {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:x"}},
    {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:80/a b"}},
    {"destination": {"protocol": "HTTP", "method": "PUT", "URI": "http://sandbox.localdomain:80/"}},
    {"destination": {"protocol": "TCP", "port": 9001}},
    {"destination": {"protocol": "TCP", "port": 65_536}},
    {"destination": {"protocol": "UDP", "URI": "http://sandbox.localdomain:80/"}},
    {"destination": {"protocol": [], "URI": None}},
    {"buffering": {"maxItems": True}},
    {"buffering": {"maxItems": 999}},
    {"buffering": {"maxItems": 10_001}},
    {"buffering": {"maxBytes": 262_143}},
    {"buffering": {"maxBytes": 1_048_577}},
    {"buffering": {"timeoutMs": 24}},
    {"buffering": {"timeoutMs": 30_001}},
    {"buffering": [1]},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_subscription(wrong: dict[str, Any]) -> None:
    subscription("one", body())
    with pytest.raises(SubscriptionError):
        subscription("one", body(**wrong))


def test_a_refusal_has_the_references_form_and_every_reason() -> None:
    held = Telemetry(nowhere, now=lambda: NOW)
    wrong = body(types=[], destination={"protocol": "HTTP", "URI": "http://sandbox.localdomain"})
    reply, said = held.subscribe("one", wrong)
    assert (reply.status, said) == (400, None)
    assert json.loads(reply.body) == {
        "errorType": "ValidationError",
        "errorMessage": "URI port is not provided; types should not be empty",
    }
    reply, _ = held.subscribe("one", json.dumps(GOOD | {"types": []}).encode(), Api.LOGS)
    assert json.loads(reply.body)["errorType"] == "Logs.ValidationError"
    without = {name: value for name, value in GOOD.items() if name != "schemaVersion"}
    reply, _ = held.subscribe("one", json.dumps(without).encode())
    assert json.loads(reply.body)["errorMessage"] == "schemaVersion is not provided"


def test_buffering_has_defaults_and_limits() -> None:
    plain = subscription("one", body())
    assert (plain.most_items, plain.most_bytes, plain.seconds) == (10_000, 262_144, 1)
    own = subscription("one", body(buffering={"maxItems": 1000, "maxBytes": 1_048_576, "timeoutMs": 25}))
    assert (own.most_items, own.most_bytes, own.seconds) == (1000, 1_048_576, 0.025)


def test_schemas_that_there_are() -> None:
    """ "schemaVersion [...] Valid values"; the Logs API's has a default."""
    for schema in ("2022-07-01", "2022-12-13", "2025-01-29"):
        assert subscription("one", body(schemaVersion=schema)).schema == schema
    logs = json.dumps({"types": ["function"], "destination": at(80)}).encode()
    assert subscription("one", logs, Api.LOGS).schema == "2020-08-15"


async def nowhere() -> socket.socket:
    raise OSError


async def connect() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    return made


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler, port: int = 0) -> AsyncGenerator[int]:
    """Serve until the block is over and every connection with it; gives the port."""
    connections: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        await handler(reader, writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*(one for one in connections if one is not None))


class Receiver:
    """Keeps what is posted to it; answers with `statuses`, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.statuses = list(statuses)
        self.got = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        events = json.loads(await reader.readexactly(length))
        status = self.statuses.pop(0) if self.statuses else 200
        self.requests.append(head.splitlines()[0])
        if status == 200:
            self.events += events
            self.got.set()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())


def line(text: str = "a line\n") -> dict[str, Any]:
    return {"time": "2026-11-21T09:00:00.000Z", "type": "function", "record": text}


async def told(
    held: Telemetry, *wanted: bytes, events: list[dict[str, Any]], api: Api = Api.TELEMETRY
) -> Any:
    """What one who subscribed with each of `wanted` gets of `events`."""
    receiver = Receiver()
    async with listening(receiver) as port:
        for one in wanted:
            reply, _ = held.subscribe("one", one.replace(b"8080", str(port).encode()), api)
            assert reply.status == 200, reply
        for event in events:
            held.take(event)
        await held.flush()
        held.close()
    return receiver


async def test_a_subscriber_is_posted_an_array_of_events() -> None:
    held = Telemetry(connect, now=lambda: NOW)
    receiver = await told(held, body(types=["function"]), events=[line(), line("another\n")])
    assert receiver.requests == ["POST /x HTTP/1.1"]
    assert receiver.events == [line(), line("another\n")]


async def test_lines_of_json_over_tcp() -> None:
    """ "Lambda delivers telemetry to a TCP port in Newline delimited JSON (NDJSON) format"."""
    lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    connections: list[int] = []

    async def receive(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        connections.append(1)
        while data := await reader.readline():
            lines.put_nowait(json.loads(data))

    async with listening(receive) as port:
        held = Telemetry(connect, now=lambda: NOW)
        held.subscribe("one", body(types=["function"], destination={"protocol": "TCP", "port": port}))
        for text in ("first\n", "second\n"):
            held.take(line(text))
            await held.flush()
            assert await asyncio.wait_for(lines.get(), 2) == line(text)
        held.close()
    assert connections == [1]


async def test_who_does_not_listen_yet_or_answers_with_an_error_is_tried_again() -> None:
    receiver = Receiver(500, 503)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    held = Telemetry(connect, now=lambda: NOW)
    held.subscribe("one", body(types=["function"], destination=at(port), buffering={"timeoutMs": 25}))
    held.take(line())
    await asyncio.sleep(0.06)
    async with listening(receiver, port):
        await asyncio.wait_for(receiver.got.wait(), 3)
    held.close()
    assert receiver.requests == ["POST /in HTTP/1.1"] * 3
    assert receiver.events == [line()]


@pytest.mark.parametrize(
    ("schema", "structured", "record"),
    [
        ("2022-12-13", True, {"level": "INFO", "message": "m"}),
        ("2025-01-29", True, {"level": "INFO", "message": "m"}),
        ("2022-07-01", True, '{"level": "INFO", "message": "m"}\n'),
        ("2022-12-13", False, '{"level": "INFO", "message": "m"}\n'),
    ],
)
async def test_a_json_line_is_an_object_from_the_schema_on_that_knows_it(
    schema: str, structured: bool, record: object
) -> None:
    held = Telemetry(connect, now=lambda: NOW, structured=structured)
    given = [line('{"level": "INFO", "message": "m"}\n'), line("no JSON\n"), line("[1]\n")]
    receiver = await told(held, body(types=["function"], schemaVersion=schema), events=given)
    assert [one["record"] for one in receiver.events] == [record, "no JSON\n", "[1]\n"]


async def test_who_subscribes_late_gets_what_was_before_and_who_subscribes_twice_gets_it_once() -> None:
    """ "Duplicate subscribe requests do not result in duplicate subscriptions"."""
    held = Telemetry(connect, now=lambda: NOW)
    held.take(line("before\n"))
    wanted = body(types=["function"])
    receiver = await told(held, wanted, wanted, events=[line("after\n")])
    assert [one["record"] for one in receiver.events] == ["before\n", "after\n"]


def said_of_an_invocation() -> list[dict[str, Any]]:
    """An initialization and an invocation that failed, as the platform says it."""
    usage = report.Usage(duration_ms=3000, memory_mb=128, used_mb=40)
    ended = Ending(failed=True, payload=b"{}", status="error", error_type="Runtime.ExitError")
    said = [
        platform_events.init_start(
            function="f", version="1", runtime_version="v", initialization="on-demand", phase="init"
        ),
        platform_events.extension("one", state="Ready", events=["INVOKE"]),
        platform_events.start("r", "1", "Root=1"),
        platform_events.fault("RequestId: r Error: Runtime exited\nRuntime.ExitError\n"),
        platform_events.runtime_done("r", 3000, 2, ended),
        platform_events.end("r", usage, ended),
    ]
    return [one.to_json(NOW) for one in said]


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        ("2020-08-15", ["extension", "start", "fault", "end", "report"]),
        ("2021-03-18", ["extension", "start", "fault", "runtimeDone", "end", "report"]),
    ],
)
async def test_the_logs_api_has_events_of_its_own(schema: str, kinds: list[str]) -> None:
    held = Telemetry(connect, now=lambda: NOW)
    wanted = body(schemaVersion=schema, destination=at(8080, method="PUT"))
    receiver = await told(held, wanted, events=said_of_an_invocation(), api=Api.LOGS)
    assert set(receiver.requests) == {"PUT /in HTTP/1.1"}
    assert [one["type"] for one in receiver.events] == [f"platform.{kind}" for kind in kinds]
    by_kind = {one["type"].removeprefix("platform."): one["record"] for one in receiver.events}
    assert by_kind["start"] == {"requestId": "r", "version": "1"}
    assert by_kind["end"] == {"requestId": "r"}
    assert by_kind["fault"] == "RequestId: r Error: Runtime exited\nRuntime.ExitError"
    assert by_kind["report"].keys() == {"requestId", "metrics"}
    assert by_kind.get("runtimeDone", {"status": "failure"})["status"] == "failure"


async def test_the_telemetry_api_has_no_event_of_the_logs_api() -> None:
    held = Telemetry(connect, now=lambda: NOW)
    events = [*said_of_an_invocation(), platform_events.logs_subscription("b", ["function"]).to_json(NOW)]
    receiver = await told(held, body(), events=events)
    kinds = [one["type"].removeprefix("platform.") for one in receiver.events]
    assert kinds == ["initStart", "extension", "start", "runtimeDone", "report"]


def test_who_subscribed_by_one_api_may_not_by_the_other() -> None:
    held = Telemetry(connect, now=lambda: NOW)
    reply, said = held.subscribe("one", body())
    assert (reply.status, reply.body) == (200, b'"OK"')
    assert said is not None
    assert said.text == "TELEMETRY\tName: one\tState: Subscribed\tTypes: [Platform]\n"
    logs = body(schemaVersion="2021-03-18")
    reply, _ = held.subscribe("one", logs, Api.LOGS)
    assert (reply.status, json.loads(reply.body)["errorType"]) == (400, "Logs.ValidationError")
    reply, said = held.subscribe("another", logs, Api.LOGS)
    assert reply.status == 200
    assert said is not None
    assert said.text == "LOGS\tName: another\tState: Subscribed\tTypes: [Platform]\n"


async def test_what_a_slow_subscriber_loses_is_counted_and_told() -> None:
    receiver = Receiver()
    held = Telemetry(connect, now=lambda: NOW)
    async with listening(receiver) as port:
        held.subscribe("one", body(types=["function"], destination=at(port)))
        for _ in range(30):  # the backlog is 8 buffers of 256 KB
            held.take(line("x" * 100_000))
        await held.flush()
    held.close()
    kept = [one for one in receiver.events if one["type"] == "function"]
    (dropped,) = [one["record"] for one in receiver.events if one["type"] == "platform.logsDropped"]
    assert dropped["droppedRecords"] == 30 - len(kept) > 0
    assert dropped["droppedBytes"] > dropped["droppedRecords"] * 100_000
    assert dropped["reason"].startswith("Some logs were dropped because the downstream consumer is slower")
    assert len(receiver.requests) > 3, "no delivery has more than two buffers"


async def test_what_an_initialization_logs_is_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function may log without end while it begins; what is kept for a late subscriber is memory of the front door."""
    monkeypatch.setattr(telemetry, "_HISTORY_LIMIT", 10_000)
    held = Telemetry(nowhere, now=lambda: None)
    for _ in range(1000):
        held.take({"time": "", "type": "function", "record": "x" * 1000})
    kept = held._history  # pyright: ignore[reportPrivateUsage]
    assert kept is not None
    assert len(kept) == 10


@pytest.mark.parametrize("depth", [900, 980, 990, 1000, 100_000])
async def test_a_line_of_log_as_deep_as_can_be_is_an_event_as_others_are(depth: int) -> None:
    """It is taken while an invocation is ended: an error there would leave the caller without an answer."""
    telling = Telemetry(lambda: asyncio.sleep(1000), now=lambda: NOW, structured=True)  # pyright: ignore[reportArgumentType] - never connects
    assert telling.subscribe("one", body(types=["function"]))[0].status == 200
    line = '{"a":' * depth + "1" + "}" * depth
    telling.take({"time": "now", "type": "function", "record": line})
    (waiting,) = cast("Any", telling)._subscribers["one"].waiting
    assert '{"a":' in waiting.replace('\\"', '"')
    telling.close()


def test_what_is_too_deep_is_no_subscription() -> None:
    with pytest.raises(SubscriptionError):
        subscription("one", b"[" * 100_000)
