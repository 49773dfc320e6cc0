"""A response as bytes of HTTP/1.1."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from time import time

from casemate.wire.http import HttpResponse

_REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
            409: "Conflict", 408: "Request Timeout", 413: "Payload Too Large", 429: "Too Many Requests",
            500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}  # fmt: skip
_BODILESS = frozenset({204, 304})


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def encode(response: HttpResponse, *, keep_alive: bool, head: bool) -> bytes:
    """The head, and the body unless it is streamed or `head` (the method) forbids one."""
    status = response.status
    text = f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\n"
    for name, value in response.headers:
        text += f"{name}: {value}\r\n"
    if response.stream is not None:
        text += "Transfer-Encoding: chunked\r\n"
    elif status not in _BODILESS:
        text += f"Content-Length: {len(response.body)}\r\n"
    if not keep_alive:
        text += "Connection: close\r\n"
    raw = f"{text}Date: {_http_date(int(time()))}\r\n\r\n".encode("latin-1", "replace")
    return raw if head or status in _BODILESS else raw + response.body
