"""The runtime API on a real socket, with a scripted handler behind it."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from casemate.execution import runtime_api, runtime_server
from casemate.execution.function import Invocation
from casemate.execution.runtime_api import Answer, Call, CallKind, Reply, parse

NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


async def talk(request: bytes, on_call: runtime_api.OnCall) -> bytes:
    listening = socket.create_server(("127.0.0.1", 0))
    server = await runtime_server.serve(listening, on_call)
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    for index in range(0, len(request), 7):  # in pieces, as a network may deliver it
        writer.write(request[index : index + 7])
        await asyncio.sleep(0)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    server.close()
    return head + body


async def test_next_carries_the_headers_and_the_event() -> None:
    invocation = Invocation(
        request_id="r1", payload=b'{"a":1}', invoked_arn="arn:f", client_context="{}", trace_id="Root=1"
    )

    def on_call(call: Call, answer: Answer) -> None:
        assert call.kind is CallKind.NEXT
        answer(runtime_api.delivery(invocation, deadline_ms=1234))

    text = (await talk(NEXT, on_call)).decode()
    assert text.startswith("HTTP/1.1 200 OK\r\n")
    for line in (
        "Lambda-Runtime-Aws-Request-Id: r1",
        "Lambda-Runtime-Deadline-Ms: 1234",
        "Lambda-Runtime-Invoked-Function-Arn: arn:f",
        "Lambda-Runtime-Trace-Id: Root=1",
        "Lambda-Runtime-Client-Context: {}",
    ):
        assert f"\r\n{line}\r\n" in text
    assert text.endswith('\r\n\r\n{"a":1}')


async def test_responses_carry_id_body_and_error_type() -> None:
    calls: list[Call] = []

    def on_call(call: Call, answer: Answer) -> None:
        calls.append(call)
        answer(runtime_api.ACCEPTED)

    request = (
        b"POST /2018-06-01/runtime/invocation/r1/error HTTP/1.1\r\n"
        b"Lambda-Runtime-Function-Error-Type: Unhandled\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert (await talk(request, on_call)).startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert calls == [
        Call(kind=CallKind.ERROR, request_id="r1", body=b"abcde", size=5, error_type="Unhandled")
    ]


async def test_a_body_past_the_limit_is_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_api, "RESPONSE_LIMIT", 10)
    calls: list[Call] = []

    def on_call(call: Call, answer: Answer) -> None:
        calls.append(call)
        answer(runtime_api.ACCEPTED)

    body = b"x" * 1000
    head = f"POST /2018-06-01/runtime/invocation/r/response HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    await talk(head.encode() + body, on_call)
    assert calls[0].size == 1000
    assert len(calls[0].body) <= 10


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/2018-06-01/runtime/invocation/x/response"),
        ("POST", "/2018-06-01/runtime/invocation/next"),
        ("GET", "/2020-01-01/extension/register"),
        ("POST", "/2022-07-01/telemetry"),
        ("DELETE", "/2018-06-01/runtime/invocation/next"),
    ],
)
def test_there_is_nothing_else(method: str, path: str) -> None:
    reply = parse(method, path)
    assert isinstance(reply, Reply)
    assert reply.status == 404


async def test_what_is_not_http_is_hung_up_on() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    server = await runtime_server.serve(listening, lambda call, answer: None)
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    server.close()


async def test_connections_without_end_do_not_use_up_the_front_doors_descriptors() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    server = await runtime_server.serve(listening, lambda call, answer: None)
    address = listening.getsockname()
    made = [await asyncio.open_connection(*address) for _ in range(200)]
    for reader, _ in made[128:]:
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b"", "hung up on"
    made[0][1].write(b"GET /nowhere HTTP/1.1\r\n\r\n")
    assert (await made[0][0].readline()).startswith(b"HTTP/1.1 404"), "those before are served"
    for _, writer in made:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    server.close()


async def test_who_does_not_read_the_answers_is_not_read_either() -> None:
    """What is answered and not read is kept by the front door: it must not be without end."""
    listening = socket.create_server(("127.0.0.1", 0))
    heard = 0

    def on_call(call: Call, answer: Answer) -> None:
        nonlocal heard
        heard += 1
        answer(Reply(status=200, body=bytes(100)))

    server = await runtime_server.serve(listening, on_call)
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, listening.getsockname())
        sending = asyncio.ensure_future(loop.sock_sendall(client, NEXT * 150_000))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(sending), 0.4)
        before = heard
        await asyncio.sleep(0.1)
        assert heard == before
        async with asyncio.timeout(5):
            while heard == before:  # who reads is heard again
                await loop.sock_recv(client, 1 << 20)
        sending.cancel()
    server.close()


async def pour(beginning: bytes, more: bytes, total: int) -> int:
    """Bytes that the API took before it hung up; `total` when it did not."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = await runtime_server.serve(
        listening, lambda _, answer: answer(runtime_api.refusal(403, "No", "no"))
    )
    _, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(beginning)
    sent = 0
    try:
        async with asyncio.timeout(20):
            while sent < total:
                writer.write(more)
                await writer.drain()
                sent += len(more)
                await asyncio.sleep(0)
    except ConnectionError:
        pass
    writer.transport.abort()
    server.close()
    await asyncio.sleep(0)
    return sent


@pytest.mark.parametrize(
    "beginning",
    [b"GET / HTTP/1.1\r\nX-A: ", b"GET / HTTP/1.1\r\n", b"GET /"],
    ids=["header value", "header name", "path"],
)
async def test_a_head_without_end_is_cut_off(beginning: bytes) -> None:
    total = 32 << 20
    assert await pour(beginning, b"a" * 65536, total) < total


@pytest.mark.parametrize("request_", [b"GET /x HTTP/1.1\r\n\r\n", NEXT], ids=["nonsense", "illegal calls"])
async def test_calls_that_are_refused_again_and_again_are_cut_off(request_: bytes) -> None:
    total = 8 << 20
    assert await pour(b"", request_ * 1000, total) < total


async def test_the_cause_of_an_error_may_have_a_megabyte() -> None:
    """`max_header_size` in awslambdaric/lambda_runtime_client.py: it comes in a header, for X-Ray."""
    calls: list[Call] = []

    def on_call(call: Call, answer: Answer) -> None:
        calls.append(call)
        answer(runtime_api.ACCEPTED)

    listening = socket.create_server(("127.0.0.1", 0))
    server = await runtime_server.serve(listening, on_call)
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    head = b"POST /2018-06-01/runtime/invocation/r1/error HTTP/1.1\r\nContent-Length: 2\r\n"
    cause = b"Lambda-Runtime-Function-XRay-Error-Cause: " + b"x" * (1 << 20) + b"\r\n\r\n"
    writer.write(head + cause + b"{}")
    assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 202 Accepted\r\n"
    writer.close()
    await writer.wait_closed()
    server.close()
    assert (calls[0].kind, calls[0].body, calls[0].error_type) == (CallKind.ERROR, b"{}", "")


async def test_a_streamed_response_comes_in_pieces_and_may_end_in_an_error() -> None:
    """Source: "Building a custom runtime", response streaming: mode header, chunks, trailers."""
    pieces: list[tuple[str, str, bytes]] = []
    calls: list[Call] = []

    def on_chunk(head: Call, chunk: bytes, flow: runtime_api.Flow) -> None:
        pieces.append((head.request_id, head.content_type, chunk))

    def on_call(call: Call, answer: Answer) -> None:
        calls.append(call)
        answer(runtime_api.ACCEPTED)

    request = (
        b"POST /2018-06-01/runtime/invocation/r1/response HTTP/1.1\r\nContent-Type: text/plain\r\n"
        b"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
        b"Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
        b"Lambda-Runtime-Function-Error-Type: Late\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n"
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = await runtime_server.serve(listening, on_call, on_chunk)
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(request)
    assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 202 Accepted\r\n"
    writer.close()
    await writer.wait_closed()
    server.close()
    assert pieces == [("r1", "text/plain", b"abc"), ("r1", "text/plain", b"de")]
    assert (calls[0].kind, calls[0].error_type, calls[0].body) == (CallKind.ERROR, "Late", b"{}")
