"""The Lambda runtime API, version 2018-06-01: HTTP/1.1 on the listening socket of an environment's namespace.

Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes". One server per environment, one
connection per runtime in practice. It knows HTTP and the paths; whether a call is legal is the lifecycle's question.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import cast

import httptools

from casemate.execution.function import Invocation

RESPONSE_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of a synchronous response: 6 MB and 100 bytes of slack, 6,291,556 in AWS's own error message."""
_PATH_LIMIT = 4096
_HEAD_LIMIT = 64 * 1024
"""Bytes of a request that are not its body; chunk framing besides, in proportion to the body."""
_FRAMING = 8
_REFUSALS = 32
"""On one connection. A runtime has none; only a function that plays with the API gets there."""
_PREFIX = "/2018-06-01/runtime/"


class CallKind(Enum):
    """The operations of the API."""

    NEXT = "invocation/next"
    RESPONSE = "invocation/response"
    ERROR = "invocation/error"
    INIT_ERROR = "init/error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of the runtime."""

    kind: CallKind
    request_id: str = ""
    body: bytes = b""
    size: int = 0
    """Bytes of the body, those past the limit (which are not kept) included."""
    error_type: str = ""
    """`Lambda-Runtime-Function-Error-Type`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer to the runtime."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


ACCEPTED = Reply(status=202, body=b'{"status":"OK"}')


def refusal(status: int, error_type: str, message: str) -> Reply:
    """An error reply in the API's form."""
    return Reply(status=status, body=json.dumps({"errorMessage": message, "errorType": error_type}).encode())


def delivery(invocation: Invocation, *, deadline_ms: int) -> Reply:
    """The answer to `next`."""
    headers = [
        ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", invocation.invoked_arn),
        ("Lambda-Runtime-Trace-Id", invocation.trace_id),
    ]
    if invocation.client_context is not None:
        headers.append(("Lambda-Runtime-Client-Context", invocation.client_context))
    return Reply(status=200, body=invocation.payload, headers=tuple(headers))


def parse(method: str, path: str, *, body: bytes, size: int, error_type: str) -> Call | Reply:
    """What a request asks for, or the refusal of one that asks for nothing there is."""
    if not path.startswith(_PREFIX):
        return refusal(404, "NotFound", "page not found")
    parts = path[len(_PREFIX) :].split("/")
    match method, parts:
        case "GET", ["invocation", "next"]:
            return Call(kind=CallKind.NEXT)
        case "POST", ["invocation", request_id, ("response" | "error") as what]:
            kind = CallKind.RESPONSE if what == "response" else CallKind.ERROR
            return Call(kind=kind, request_id=request_id, body=body, size=size, error_type=error_type)
        case "POST", ["init", "error"]:
            return Call(kind=CallKind.INIT_ERROR, body=body, size=size, error_type=error_type)
        case _:
            return refusal(404, "NotFound", "page not found")


Answer = Callable[[Reply], None]
OnCall = Callable[[Call, Answer], None]
"""Handles a call; calls `answer` at once or, for `next`, when there is an invocation."""


@dataclass(slots=True)
class _Incoming:
    """A request being received."""

    path: str = ""
    error_type: str = ""
    chunks: list[bytes] = field(default_factory=list[bytes])
    size: int = 0
    fed: int = 0
    """Bytes received since the request began; httptools keeps a header to itself until it is whole."""


class _TiresomeError(Exception):
    """Nothing more is read from this connection."""


class _Connection(asyncio.Protocol):
    def __init__(self, on_call: OnCall, open_connections: set[asyncio.Transport]) -> None:
        self._on_call = on_call
        self._open = open_connections
        self._parser = httptools.HttpRequestParser(self)
        self._incoming = _Incoming()
        self._transport: asyncio.Transport | None = None
        self._refusals = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance check: uvloop's transports are transports by behaviour only.
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._transport is not None:
            self._open.discard(self._transport)
            self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._incoming.fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._hang_up()
        except httptools.HttpParserError:
            self._hang_up()
        incoming = self._incoming
        if incoming.fed - incoming.size > _HEAD_LIMIT + _FRAMING * incoming.size:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._open.discard(self._transport)
            self._transport.abort()
            self._transport = None

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        self._incoming = _Incoming()

    def on_url(self, url: bytes) -> None:
        """httptools: (a part of) the target."""
        self._incoming.path += url.decode("latin-1")
        if len(self._incoming.path) > _PATH_LIMIT and self._transport is not None:
            raise _TiresomeError

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header."""
        if name.lower() == b"lambda-runtime-function-error-type":
            self._incoming.error_type = value.decode("latin-1")
        elif name.lower() == b"expect" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body."""
        incoming = self._incoming
        incoming.size += len(body)
        if incoming.size <= RESPONSE_LIMIT:
            incoming.chunks.append(body)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        incoming = self._incoming
        method = self._parser.get_method().decode("latin-1")
        parsed = parse(
            method,
            incoming.path.partition("?")[0],
            body=b"".join(incoming.chunks),
            size=incoming.size,
            error_type=incoming.error_type,
        )
        if isinstance(parsed, Reply):
            self._answer(parsed)
        else:
            self._on_call(parsed, self._answer)

    def _answer(self, reply: Reply) -> None:
        if self._transport is None:
            return
        if reply.status >= 400:
            self._refusals += 1
            if self._refusals > _REFUSALS:
                self._hang_up()
                raise _TiresomeError
        lines = [f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        lines.append(f"Content-Length: {len(reply.body)}\r\n\r\n")
        self._transport.write("\r\n".join(lines).encode("latin-1") + reply.body)


_REASONS = {
    200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 413: "Request Entity Too Large",
}  # fmt: skip


class RuntimeApi:
    """A running server of the API."""

    def __init__(self, server: asyncio.Server, connections: set[asyncio.Transport]) -> None:
        self._server = server
        self._connections = connections

    def close(self) -> None:
        """Stop listening, and hang up."""
        self._server.close()
        for connection in list(self._connections):
            connection.abort()


async def serve(listening: socket.socket, on_call: OnCall) -> RuntimeApi:
    """Serve the API on `listening`, which is closed with the server."""
    listening.setblocking(False)
    connections: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(on_call, connections), sock=listening)
    return RuntimeApi(server, connections)
