"""Function URLs with InvokeMode RESPONSE_STREAM: what a function writes, passed on as it is written.

Source: Lambda Developer Guide, "Response streaming for Lambda functions": with the content type
`application/vnd.awslambda.http-integration-response` the response begins with JSON metadata (status, headers, cookies)
that eight zero bytes end; otherwise it is the body.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from casemate.execution.response_stream import ResponseStream
from casemate.services.lambda_.url_events import BadAnswerError, response_of
from casemate.wire.http import HttpResponse

_INTEGRATION = "application/vnd.awslambda.http-integration-response"
_END = bytes(8)
_PRELUDE_LIMIT = 64 * 1024


async def response_to(stream: ResponseStream) -> HttpResponse:
    """The response, whose stream is what the function has yet to write; BadAnswerError when it failed before."""
    if not stream.begun:
        await stream.outcome
        raise BadAnswerError("the function failed before it wrote anything")
    if stream.content_type != _INTEGRATION:
        content_type = stream.content_type or "application/octet-stream"
        return HttpResponse(
            status=200, headers=(("Content-Type", content_type),), body=b"", stream=_rest(stream)
        )
    prelude, body = await _prelude(stream)
    head = response_of(prelude)
    return HttpResponse(status=head.status, headers=head.headers, body=b"", stream=_rest(stream, body))


async def _prelude(stream: ResponseStream) -> tuple[bytes, bytes]:
    """The metadata, and what has come of the body."""
    read = b""
    async for piece in stream:
        read += piece
        prelude, end, body = read.partition(_END)
        if end:
            return _with_status(prelude), body
        if len(read) > _PRELUDE_LIMIT:
            break
    stream.abandon()
    raise BadAnswerError("the response's metadata has no end")


def _with_status(prelude: bytes) -> bytes:
    """Metadata that names no status mean 200."""
    try:
        found: Any = json.loads(prelude)
    except ValueError as error:
        raise BadAnswerError(str(error)) from error
    return json.dumps({"statusCode": 200, **found}).encode() if isinstance(found, dict) else prelude


async def _rest(stream: ResponseStream, first: bytes = b"") -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for piece in stream:
            yield piece
        outcome = await stream.outcome
        if outcome.failed:
            raise BadAnswerError("the function failed while it wrote its response")
    finally:
        stream.abandon()
