"""CORS of function URLs: the answer to a preflight, and the headers of the others. Pure.

Source: Lambda Developer Guide, "Cross-origin resource sharing (CORS)" of function URLs; the Fetch standard, "CORS protocol".
The URL's settings "take precedence over" the headers that the function itself returns.
"""

from __future__ import annotations

from msgspec.structs import replace

from casemate.services.lambda_.records import Cors
from casemate.wire.http import HttpRequest, HttpResponse


def preflight(request: HttpRequest, cors: Cors | None) -> HttpResponse | None:
    """The answer to a preflight, which never reaches the function; None when the request is none."""
    origin, method = request.headers.get("origin"), request.headers.get("access-control-request-method")
    if cors is None or request.method != "OPTIONS" or origin is None or method is None:
        return None
    headers = _allowed_origin(cors, origin)
    if headers:
        if cors.allow_methods:
            headers.append(("Access-Control-Allow-Methods", ",".join(cors.allow_methods)))
        if cors.allow_headers:
            headers.append(("Access-Control-Allow-Headers", ",".join(cors.allow_headers)))
        if cors.max_age is not None:
            headers.append(("Access-Control-Max-Age", str(cors.max_age)))
    return HttpResponse(status=200, headers=tuple(headers), body=b"")


def with_headers(request: HttpRequest, response: HttpResponse, cors: Cors | None) -> HttpResponse:
    """The response with the headers that let its origin read it."""
    origin = request.headers.get("origin")
    if cors is None or origin is None:
        return response
    headers = _allowed_origin(cors, origin)
    if headers and cors.expose_headers:
        headers.append(("Access-Control-Expose-Headers", ",".join(cors.expose_headers)))
    kept = [pair for pair in response.headers if not pair[0].lower().startswith("access-control-")]
    return replace(response, headers=(*kept, *headers))


def _allowed_origin(cors: Cors, origin: str) -> list[tuple[str, str]]:
    """The first headers of an answer to an allowed origin; empty for another."""
    if "*" in cors.allow_origins and not cors.allow_credentials:
        return [("Access-Control-Allow-Origin", "*")]
    if origin not in cors.allow_origins and "*" not in cors.allow_origins:
        return []
    headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    if cors.allow_credentials:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    return headers
