"""HTTP/1.1 on the listening socket of an environment's namespace: requests to `runtime_api` calls, and replies back."""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import socket
from base64 import b64decode
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import cast

import httptools

from casemate.execution import runtime_api
from casemate.execution.plain_call import lacks_its_body, plain_call
from casemate.execution.runtime_api import Call, CallKind, Flow, OnCall, OnChunk, Reply

_PATH_LIMIT = 4096
_HEAD_LIMIT = (1 << 20) + 64 * 1024
"""Bytes of a request that are not its body; chunk framing besides, in proportion to the body.

A megabyte is what AWS's clients allow the cause of an error, which they send in a header (max_header_size in
awslambdaric/lambda_runtime_client.py), and a streamed response in its trailer.
"""
_FRAMING = 8
_REFUSALS = 32
"""On one connection. A runtime has none; only a function that plays with the API gets there."""
_CONNECTIONS = 128
"""Of one environment, at the same time: each is a descriptor of the front door, and its processes may have a million. A
runtime and ten extensions have some dozens."""
_MODE = "lambda-runtime-function-response-mode"
_KEPT = ("content-type", "lambda-", "authorization")
"""How the names of the headers begin that are of use."""


@dataclass(slots=True)
class _Incoming:
    """A request being received."""

    path: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    trailers: dict[str, str] = field(default_factory=dict[str, str])
    chunks: list[bytes] = field(default_factory=list[bytes])
    head: Call | None = None
    """Of a streamed response, once its head is here."""
    size: int = 0
    began: float = 0.0
    fed: int = 0
    """Bytes received since the request began; httptools keeps a header to itself until it is whole."""


class _TiresomeError(Exception):
    """Nothing more is read from this connection."""


class _Connection(asyncio.Protocol):
    def __init__(self, on_call: OnCall, on_chunk: OnChunk, open_connections: set[asyncio.Transport]) -> None:
        self._on_call = on_call
        self._on_chunk = on_chunk
        self._open = open_connections
        self._parser = httptools.HttpRequestParser(self)
        self._incoming = _Incoming()
        self._within = False
        """A request has begun that went to httptools, and is not whole."""
        self._early = b""
        """The head of a call whose body is about to come."""
        self._arrived = 0.0
        """When what is being read did, or its head, on the monotonic clock."""
        self._transport: asyncio.Transport | None = None
        self._refusals = 0
        self._held = self._unread = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance check: uvloop's transports are transports by behaviour only.
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self._transport)
        if len(self._open) > _CONNECTIONS:
            self._hang_up()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._transport is not None:
            self._open.discard(self._transport)
            self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        if not self._early:
            self._arrived = monotonic()
        if not self._within:
            data, self._early = self._early + data, b""
            call = plain_call(data, self._arrived)
            if call is not None:
                with contextlib.suppress(_TiresomeError):
                    self._on_call(call, self._answer)
                return
            if lacks_its_body(data):
                self._early = data
                return
        self._incoming.fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._hang_up()
        except httptools.HttpParserError:
            self._hang_up()
        incoming = self._incoming
        chunked = incoming.size if incoming.head is not None else 0
        if incoming.fed - incoming.size > _HEAD_LIMIT + chunked + _FRAMING * incoming.size:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._open.discard(self._transport)
            self._transport.abort()
            self._transport = None

    def pause(self) -> None:
        """Let the sender of a streamed response wait."""
        self._held = True
        self._read_or_not()

    def resume(self) -> None:
        """Let it go on."""
        self._held = False
        self._read_or_not()

    def pause_writing(self) -> None:
        """asyncio: what is answered is not read, and kept here. Who goes on asking is not heard meanwhile."""
        self._unread = True
        self._read_or_not()

    def resume_writing(self) -> None:
        """asyncio: it is read again."""
        self._unread = False
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._transport is None:
            return
        if self._held or self._unread:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        self._within = True
        self._incoming = _Incoming(began=self._arrived)

    def on_url(self, url: bytes) -> None:
        """httptools: (a part of) the target."""
        self._incoming.path += url.decode("latin-1")
        if len(self._incoming.path) > _PATH_LIMIT and self._transport is not None:
            raise _TiresomeError

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header, or a trailer of a response that comes in chunks."""
        incoming = self._incoming
        lowered = name.decode("latin-1").lower()
        if lowered.startswith(_KEPT):
            into = incoming.headers if incoming.head is None else incoming.trailers
            into[lowered] = value.decode("latin-1")
        elif lowered == "expect" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_headers_complete(self) -> None:
        """httptools: the body comes next."""
        if _MODE not in self._incoming.headers:
            return
        parsed = self._parse()
        if isinstance(parsed, Call) and parsed.kind is CallKind.RESPONSE and parsed.streaming:
            self._incoming.head = parsed

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body."""
        incoming = self._incoming
        incoming.size += len(body)
        if incoming.size <= runtime_api.RESPONSE_LIMIT:
            incoming.chunks.append(body)
        if incoming.head is not None:
            self._on_chunk(incoming.head, body, self)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        self._within = not self._parser.should_keep_alive()  # httptools takes nothing more then
        parsed = self._parse()
        if isinstance(parsed, Reply):
            self._answer(parsed)
        else:
            self._on_call(_with_trailers(parsed, self._incoming.trailers), self._answer)

    def _parse(self) -> Call | Reply:
        incoming = self._incoming
        return runtime_api.parse(
            self._parser.get_method().decode("latin-1"),
            incoming.path.partition("?")[0],
            body=b"".join(incoming.chunks),
            size=incoming.size,
            headers=incoming.headers,
            began=incoming.began,
        )

    def _answer(self, reply: Reply) -> None:
        if self._transport is None:
            return
        if reply.status >= 400:
            self._refusals += 1
            if self._refusals > _REFUSALS:
                self._hang_up()
                raise _TiresomeError
        self._transport.write(_ACCEPTED if reply is runtime_api.ACCEPTED else _encode(reply))


def _encode(reply: Reply) -> bytes:
    fields = "".join([f"{name}: {value}\r\n" for name, value in reply.headers])
    head = (
        f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}\r\nContent-Type: application/json\r\n{fields}"
        f"Content-Length: {len(reply.body)}\r\n\r\n"
    )
    return head.encode("latin-1") + reply.body


def _with_trailers(call: Call, trailers: dict[str, str]) -> Call:
    """A streamed response that ends with an error in its trailers is that error ("Response streaming")."""
    error_type = trailers.get("lambda-runtime-function-error-type")
    if error_type is None:
        return call
    try:
        body = b64decode(trailers.get("lambda-runtime-function-error-body", ""))
    except binascii.Error:
        body = b""
    return replace(call, kind=CallKind.ERROR, error_type=error_type, body=body)


_REASONS = {
    200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 413: "Request Entity Too Large", 500: "Internal Server Error",
}  # fmt: skip


_ACCEPTED = _encode(runtime_api.ACCEPTED)
"""Of every response."""


class RuntimeServer:
    """A running server of the APIs."""

    def __init__(self, server: asyncio.Server, connections: set[asyncio.Transport]) -> None:
        self._server = server
        self._connections = connections

    def close(self) -> None:
        """Stop listening, and hang up."""
        self._server.close()
        for connection in list(self._connections):
            connection.abort()


def _ignore(_head: Call, _chunk: bytes, _flow: Flow) -> None:
    """The whole is enough."""


async def serve(listening: socket.socket, on_call: OnCall, on_chunk: OnChunk = _ignore) -> RuntimeServer:
    """Serve the APIs on `listening`, which is closed with the server."""
    listening.setblocking(False)
    connections: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(on_call, on_chunk, connections), sock=listening)
    return RuntimeServer(server, connections)
