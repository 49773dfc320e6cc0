"""A read that is one plain request is read as httptools reads it; all else is left to httptools."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemate.gateway.admission import Admission
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.busy_polling import BusyPolling
from casemate.gateway.http import HttpConnection, ShortWays
from casemate.gateway.whole_request import whole_request
from casemate.wire.http import HttpRequest, HttpResponse

HERE = IPv4Address("127.0.0.1")
ARRIVAL = Arrival(side=Side.LAPTOP, vpc_id=None, peer=HERE, destination=HERE, port=80, tls=False)
HEAD = b"POST / HTTP/1.1\r\nHost: localhost:4566\r\nX-Amz-Target: T.Op\r\n"


def post(body: bytes = b"{}", *fields: bytes) -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return HEAD + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_a_plain_request() -> None:
    request = whole_request(post(b'{"a":1}', b"Connection: keep-alive"))
    assert request is not None
    assert (request.method, request.path, request.query, request.body) == ("POST", "/", "", b'{"a":1}')
    assert request.headers["host"] == "localhost:4566"
    assert request.headers["X-AMZ-TARGET"] == "T.Op"


@pytest.mark.parametrize(
    "data",
    [
        post()[:-1],
        post() + b"x",
        post() + post(),
        b"\r\n" + post(),
        post().replace(b"POST /", b"POST /?a=b"),
        post().replace(b"POST /", b"POST /a%20b"),
        post().replace(b"POST /", b"POST http://localhost/"),
        post().replace(b"POST", b"PUT"),
        post().replace(b"1.1", b"1.0"),
        post().replace(b"\r\n", b"\n"),
        HEAD + b"\r\n",
        post(b"{}", b"Content-Length: 2"),
        post(b"{}", b"Host: another"),
        post(b"{}", b"Transfer-Encoding: chunked"),
        post(b"{}", b"Connection: close"),
        post(b"{}", b"Expect: 100-continue"),
        post(b"{}", b"Upgrade: h2c"),
        post(b"{}", b" folded: x"),
        post(b"{}", b"X-Empty:"),
        post(b"{}", b"X-Space : x"),
        post(b"{}", b"X-Late: x "),
        post(b"{}", b"X-Bad: a\x00b"),
        post(b"{}", b"X-Latin: \xe9"),
        post(b"{}", b"X-Return: a\rb"),
        post().replace(b"Content-Length: 2", b"Content-Length: +2"),
        post().replace(b"Content-Length: 2", b"Content-Length: 02"),
        post(b"{}", b"X-Long: " + b"a" * 40_000),
    ],
)
def test_what_is_not_plain_is_left_alone(data: bytes) -> None:
    assert whole_request(data) is None


def test_a_line_that_differs_in_its_signature_alone_is_read_as_the_first_one_was() -> None:
    line = b"Authorization: AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature="
    for signature in (b"a" * 64, b"0123456789abcdef" * 4, b"f" * 63 + b"-", b"e" * 65, b"d" * 63, b""):
        request = whole_request(post(b"{}", line + signature))
        assert request is not None
        assert request.headers["authorization"] == (line + signature).decode().partition(": ")[2]
    for signature in (b"c" * 63 + b"\xe9", b"c" * 63 + b"\x00", b"c" * 63 + b" "):
        assert whole_request(post(b"{}", line + signature)) is None


paths = st.sampled_from(
    [
        b"/",
        b"/2015-03-31/functions/a-b_c/invocations",
        b"//a/../b/",
        b"/~u",
        b"/a:b",
        b"/a;b",
        b"/a+b",
        b"/a\xe9",
    ]
)
names = st.sampled_from([b"Host", b"content-type", b"X-Amz-Date", b"A", b"X_y", b"x-amz-target"])
texts = st.one_of(
    st.sampled_from([b"x", b"a  b", b" a", b"\ta", b"a:b", b"20261121T090000Z", b"keep-alive"]),
    st.binary(min_size=1, max_size=6),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(paths, st.lists(st.tuples(names, texts), max_size=4), st.binary(max_size=8))
def test_what_is_taken_is_what_httptools_reads(
    path: bytes, fields: list[tuple[bytes, bytes]], body: bytes
) -> None:
    data = post(body, *(name + b": " + text for name, text in fields)).replace(b"/", path, 1)
    request = whole_request(data)
    if request is None:
        return
    [(other, keep_alive)] = asyncio.run(_read_by_httptools(data))
    assert keep_alive
    assert (other.method, other.path, other.query, other.body) == ("POST", path.decode(), "", body)
    assert request.path == other.path
    assert dict(other.headers) == dict(request.headers)


async def _never(request: HttpRequest, arrival: Arrival) -> HttpResponse:
    raise AssertionError((request, arrival))


async def _read_by_httptools(data: bytes) -> list[tuple[HttpRequest, bool]]:
    connection = HttpConnection(_never, ARRIVAL, set(), Admission())
    connection.data_received(data)  # without a transport nothing is answered
    return list(cast("Any", connection)._queue)


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def resume_reading(self) -> None:
        """Nothing was paused."""


class Door:
    """A connection whose requests go the shorter way, and wait there."""

    def __init__(self, *, takes: bool = True) -> None:
        self.waiting: list[tuple[HttpRequest, Any]] = []
        self.handled: list[HttpRequest] = []
        self.takes = takes
        self.admission = Admission()
        self.admission.enter(ARRIVAL.holder)
        self.connections: set[HttpConnection] = set()
        self.wire = Wire()
        self.connection = HttpConnection(
            self._handle,
            ARRIVAL,
            self.connections,
            self.admission,
            ShortWays(repeat=self._repeat, at_once=self._at_once, polling=BusyPolling(processors=1)),
        )
        self.connection.connection_made(cast("Any", self.wire))

    async def _handle(self, request: HttpRequest, arrival: Arrival) -> HttpResponse:
        assert arrival is ARRIVAL
        self.handled.append(request)
        return HttpResponse(status=200, headers=(), body=b"long")

    def _at_once(self, request: HttpRequest, arrival: Arrival, answer: Any) -> bool:
        assert arrival is ARRIVAL
        if self.takes:
            self.waiting.append((request, answer))
        return self.takes

    def _repeat(self, data: bytes, arrival: Arrival, answer: Any) -> bool:
        assert arrival is ARRIVAL
        return False

    def answer(self) -> None:
        self.waiting.pop(0)[1](HttpResponse(status=200, headers=(), body=b"short"))

    def hang_up(self) -> None:
        self.connection.connection_lost(None)


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_not_taken_is_handled_from_its_beginning() -> None:
    door = Door(takes=False)
    door.connection.data_received(post())
    await _turns()
    assert [one.body for one in door.handled] == [b"{}"]
    assert door.wire.written[0].endswith(b"long")
    door.hang_up()


async def test_answers_come_in_the_order_of_the_requests() -> None:
    door = Door()
    door.connection.data_received(post(b"first"))
    door.connection.data_received(post(b"second"))
    await _turns()
    assert not door.wire.written
    assert not door.handled
    door.answer()
    await _turns()
    assert [one.body for one in door.handled] == [b"second"]
    assert [one[-5:] for one in door.wire.written] == [b"short", b"\nlong"]
    door.connection.data_received(post(b"third"))
    door.answer()
    assert door.wire.written[2].endswith(b"short")
    door.hang_up()


async def test_a_connection_counts_until_what_it_asked_for_is_answered() -> None:
    door = Door()
    door.connection.data_received(post())
    door.hang_up()
    assert door.connections
    door.answer()
    assert not door.connections
    assert not door.wire.written
    assert door.admission.hold(ARRIVAL.holder, 0)


async def test_the_rest_of_a_request_that_came_in_parts_is_not_taken_for_one() -> None:
    door = Door()
    inner = post(b"inner")
    outer = post(inner)
    door.connection.data_received(outer[: -len(inner)])
    door.connection.data_received(inner)
    await _turns()
    assert not door.waiting
    assert [one.body for one in door.handled] == [inner]
    door.hang_up()
