"""A read that is exactly one plain request: what every client of a JSON service sends, again and again.

httptools calls back for each header and each piece. Here the head is cut at its line ends, and a line that came before
(all but the date, the length and the signature) is known already. Whatever is not plain is left to httptools.
"""

from __future__ import annotations

import re

from casemate.wire.http import Headers, HttpRequest

_START = b"POST / HTTP/1.1"
_PLAIN_START = re.compile(rb"POST (/[0-9A-Za-z._~/-]*) HTTP/1\.1")
"""Of a REST service: a path without escapes, without a query."""
_MAX_HEAD = 32 * 1024
_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)")
"""A field (RFC 9110, section 5) of visible ASCII characters, not empty, without white space at its end."""
_FRAMING = frozenset({"transfer-encoding", "expect", "upgrade", "trailer", "te", "connection"})
"""Fields that say something about the connection or the form of the body."""
_MOST_KNOWN = 1024
_LONGEST_KNOWN = 2048
_CHANGING = frozenset({"authorization", "amz-sdk-invocation-id"})
"""Not worth remembering: another one in every request."""

_known: dict[bytes, tuple[str, str]] = {}
"""Name and value by line."""
_SIGNATURE = 64
"""Digits at the end of an Authorization header of SigV4."""
_unsigned: dict[bytes, tuple[str, str]] = {}
"""Name and value up to the signature, by the line up to it."""


def whole_request(data: bytes) -> HttpRequest | None:
    """The request, where `data` is one POST with nothing before or after it, whose connection stays open."""
    end = data.find(b"\r\n\r\n", 0, _MAX_HEAD)
    if end < 0:
        return None
    lines = data[:end].split(b"\r\n")
    path = "/" if lines[0] == _START else _path(lines[0])
    if path is None:
        return None
    fields: dict[str, str] = {}
    for line in lines[1:]:
        pair = _known.get(line) or _signed(line) or _read(line)
        if pair is None:
            return None
        fields[pair[0]] = pair[1]
    body = data[end + 4 :]
    # Fewer fields than lines: one was repeated.
    if len(fields) != len(lines) - 1 or fields.get("content-length") != str(len(body)):
        return None
    return HttpRequest(method="POST", path=path, headers=Headers.of(fields), body=body, head=data[:end])


def _path(line: bytes) -> str | None:
    found = _PLAIN_START.fullmatch(line)
    return None if found is None else found[1].decode("ascii")


def _signed(line: bytes) -> tuple[str, str] | None:
    """Of a line that differs in its signature alone from one that came before."""
    known = _unsigned.get(line[:-_SIGNATURE])
    signature = line[-_SIGNATURE:]
    return (known[0], known[1] + signature.decode("ascii")) if known and signature.isalnum() else None


def _read(line: bytes) -> tuple[str, str] | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    pair = found[1].decode("ascii").lower(), found[2].decode("ascii")
    if pair[0] in _FRAMING and not (pair[0] == "connection" and pair[1].lower() == "keep-alive"):
        return None
    if len(line) > _LONGEST_KNOWN:
        return pair
    if pair[0] not in _CHANGING:
        _remember(_known, line, pair)
    elif line[:-_SIGNATURE].endswith(b" Signature="):
        _remember(_unsigned, line[:-_SIGNATURE], (pair[0], pair[1][:-_SIGNATURE]))
    return pair


def _remember(known: dict[bytes, tuple[str, str]], line: bytes, pair: tuple[str, str]) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[line] = pair
