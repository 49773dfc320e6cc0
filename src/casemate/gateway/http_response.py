"""A response as bytes of HTTP/1.1."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from time import time

from casemate.wire.http import HttpResponse

_REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
            409: "Conflict", 408: "Request Timeout", 413: "Payload Too Large", 429: "Too Many Requests",
            500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}  # fmt: skip


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def encode(response: HttpResponse, *, keep_alive: bool, head: bool) -> bytes:
    """The head, and the body unless it is streamed or `head` (the method) forbids one."""
    status = response.status
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.stream is not None:
        lines.append("Transfer-Encoding: chunked")
    elif status not in {204, 304}:
        lines.append(f"Content-Length: {len(response.body)}")
    lines.append(f"Date: {_http_date(int(time()))}")
    if not keep_alive:
        lines.append("Connection: close")
    lines.append("\r\n")
    raw = "\r\n".join(lines).encode("latin-1", "replace")
    return raw if head or status in {204, 304} else raw + response.body
