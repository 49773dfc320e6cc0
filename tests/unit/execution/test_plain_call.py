"""A read that is one plain call of the runtime API is what httptools makes of it; all else is left to httptools."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import monotonic
from typing import Any, cast
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemate.execution import runtime_server
from casemate.execution.plain_call import lacks_its_body, plain_call
from casemate.execution.runtime_api import ACCEPTED, Answer, Call, CallKind, refusal

ID = b"11111111-2222-4333-8444-555555555555"
FIELDS = (
    b"Host: 127.0.0.1:9001\r\nAccept: */*\r\nUser-Agent: aws-lambda-python/3.11.7-4.2.2\r\n"
    b"content-type: application/json\r\n"
)
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n" + FIELDS + b"\r\n"
"""As awslambdaric 4 sends it."""


def response(body: bytes = b'"x"', *fields: bytes) -> bytes:
    """As awslambdaric 4 sends it."""
    more = b"".join(field + b"\r\n" for field in fields)
    start = b"POST /2018-06-01/runtime/invocation/" + ID + b"/response HTTP/1.1\r\n"
    return start + FIELDS + more + b"content-length: %d\r\n\r\n" % len(body) + body


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True


class Runtime:
    """The server's end of a runtime's connection."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[Answer] = []
        self.wire = Wire()
        connection = cast("Any", runtime_server)._Connection
        self.connection = connection(self._on_call, lambda *_: None, set())
        self.connection.connection_made(self.wire)

    def _on_call(self, call: Call, answer: Answer) -> None:
        self.calls.append(call)
        self.answers.append(answer)

    def send(self, *pieces: bytes) -> list[Call]:
        for piece in pieces:
            self.connection.data_received(piece)
        return self.calls


def test_what_awslambdaric_sends_is_plain() -> None:
    assert plain_call(NEXT, 0.0) == Call(kind=CallKind.NEXT)
    expected = Call(kind=CallKind.RESPONSE, request_id=ID.decode(), body=b'"x"', size=3)
    assert plain_call(response(), 1.5) == expected
    assert plain_call(response(b"", b"Connection: keep-alive"), 0.0) is not None


@pytest.mark.parametrize(
    "data",
    [
        NEXT[:-1],
        NEXT + b"x",
        NEXT + NEXT,
        NEXT.replace(b"GET", b"POST"),
        NEXT.replace(b"next", b"next?a"),
        NEXT.replace(b"\r\n", b"\n"),
        NEXT.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n"),
        response()[:-1],
        response() + b"x",
        response().replace(b"/response", b"/error"),
        response().replace(ID, ID + b"/x"),
        response().replace(b"content-length: 3", b"content-length: 03"),
        response(b"x", b"Content-Length: 1"),
        response(b"x", b"Transfer-Encoding: chunked"),
        response(b"x", b"Expect: 100-continue"),
        response(b"x", b"Connection: Upgrade"),
        response(b"x", b"Lambda-Runtime-Function-Response-Mode: streaming"),
        response(b"x", b"X-Late: a "),
        response(b"x", b"X-Long: " + b"a" * 4096),
    ],
)
def test_what_is_not_plain_is_left_alone(data: bytes) -> None:
    assert plain_call(data, 0.0) is None


fields = st.lists(
    st.sampled_from(
        [
            b"Connection: keep-alive",
            b"connection: close",
            b"Expect: 100-continue",
            b"X-A: b",
            b"x-a:b",
            b"X-A: ",
            b"Content-Length: 3",
            b"content-length: 0",
            b"Transfer-Encoding: chunked",
            b"Upgrade: h2c",
            b"Te: trailers",
            b"Lambda-Runtime-Function-Error-Type: A.B",
            b"lambda-runtime-function-response-mode: streaming",
        ]
    ),
    max_size=3,
)
bodies = st.sampled_from([b"", b"1", b"\r\n\r\n", NEXT, response(), b"ab\r\n\r\n"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(fields, bodies), min_size=1, max_size=3), st.data())
def test_calls_in_any_pieces_are_those_that_httptools_reads(
    sent: list[tuple[list[bytes], bytes]], data: st.DataObject
) -> None:
    stream = b"".join(response(body, *some) + NEXT for some, body in sent)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=4).map(sorted))
    ends = [stream.find(b"\r\n\r\n") + 4, *cuts, len(stream)]
    pieces = [stream[start:end] for start, end in zip([0, *sorted(ends)], sorted(ends), strict=False)]
    asyncio.run(_same(pieces))


async def _same(pieces: list[bytes]) -> None:
    quick, slow = Runtime(), Runtime()
    quick.send(*pieces)
    with (
        patch.object(runtime_server, "plain_call", lambda *_: None),
        patch.object(runtime_server, "lacks_its_body", lambda _: False),
    ):
        slow.send(*pieces)
    assert _without_type(quick.calls) == _without_type(slow.calls)
    assert (quick.wire.written, quick.wire.aborted) == (slow.wire.written, slow.wire.aborted)


def _without_type(calls: list[Call]) -> list[Call]:
    """Of what is not streamed nobody asks for it."""
    return [call if call.streaming else replace(call, content_type="") for call in calls]


async def test_a_head_whose_body_comes_by_itself_is_one_call() -> None:
    runtime = Runtime()
    head, _, body = response(b'{"a": 1}').partition(b"\r\n\r\n")
    assert lacks_its_body(head + b"\r\n\r\n")
    assert runtime.send(head + b"\r\n\r\n") == []
    began = monotonic()
    assert [call.body for call in runtime.send(body)] == [body]
    assert 0 < runtime.calls[0].began <= began
    runtime.answers.pop()(ACCEPTED)
    assert runtime.wire.written == [
        b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"OK"}'
    ]


async def test_who_expects_to_be_told_to_continue_is_told() -> None:
    runtime = Runtime()
    head = response(b"1", b"Expect: 100-continue")[:-1]
    assert not lacks_its_body(head)
    runtime.send(head)
    assert runtime.wire.written == [b"HTTP/1.1 100 Continue\r\n\r\n"]


async def test_who_is_refused_again_and_again_is_hung_up_on() -> None:
    runtime = Runtime()
    runtime.connection._on_call = lambda _call, answer: answer(refusal(403, "A", "b"))
    runtime.send(*[NEXT] * 40)
    assert runtime.wire.aborted
    assert len(runtime.wire.written) == 32
