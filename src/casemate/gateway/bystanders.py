"""What answers without being called: names of the emulated internet that are not AWS APIs, and whether DynamoDB is there.

`checkip.amazonaws.com` tells the public address a request came from, as the real one does; every other name is
answered by one plain page, so that "has internet" can be told from "has none" without leaving the machine. A GET of
DynamoDB's own name says that it is healthy, to anybody who reaches it: how one sees with curl that a route leads there.
"""

from __future__ import annotations

import re
from zlib import crc32

from casemate.gateway.arrival import Arrival, Side
from casemate.wire.http import HttpRequest, HttpResponse

_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
_DYNAMODB = re.compile(
    r"dynamodb(?:-fips)?\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com|api\.aws|localhost)"
)


def answer_bystander(request: HttpRequest, arrival: Arrival) -> HttpResponse | None:
    """The stand-in's response, or None when the request is for an AWS API."""
    host = (request.headers.get("host") or "").partition(":")[0].lower()
    dynamodb = _DYNAMODB.fullmatch(host) if request.method == "GET" else None
    if dynamodb is not None:
        return _healthy(dynamodb["region"])
    if arrival.side is Side.LAPTOP:
        return _health(request)
    if arrival.side is not Side.INTERNET:
        return (
            None  # a VPC endpoint leads to its service, never to the internet, whatever the Host header says
        )
    if host == "checkip.amazonaws.com":
        return HttpResponse(status=200, headers=_TEXT, body=f"{arrival.peer}\n".encode())
    if host.endswith((".amazonaws.com", ".api.aws", ".amazonaws.com.cn", ".on.aws")):
        return None
    page = f"Casemate's stand-in for {host or 'the internet'}; you are {arrival.peer}\n"
    return HttpResponse(status=200, headers=_TEXT, body=page.encode())


def _health(request: HttpRequest) -> HttpResponse | None:
    if request.method == "GET" and request.path == "/_casemate/health":
        return HttpResponse(status=200, headers=_TEXT, body=b"ok\n")
    return None


def _healthy(region: str) -> HttpResponse:
    """As AWS answers, with the space at its end (dynalite's recordings, test/connection.js)."""
    body = f"healthy: dynamodb.{region}.amazonaws.com ".encode()
    return HttpResponse(status=200, headers=(*_TEXT, ("x-amz-crc32", str(crc32(body)))), body=body)
