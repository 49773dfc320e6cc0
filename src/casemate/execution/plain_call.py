"""A read that is exactly one plain call of the runtime API: what a runtime sends, invocation after invocation.

httptools calls back for each header and each piece. Here the head is cut at its line ends, and a line that came before is
known. Whatever is not plain is left to httptools.
"""

from __future__ import annotations

import re

from casemate.execution.runtime_api import Call, CallKind

_NEXT_LINE = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1"
_RESPONSE_LINE = re.compile(rb"POST /2018-06-01/runtime/invocation/([0-9A-Za-z-]{1,64})/response HTTP/1\.1")
_POST = b"POST /2018-06-01/runtime/invocation/"
_BODY_TO_COME = re.compile(rb"\r\ncontent-length: [1-9][0-9]*\r\n", re.IGNORECASE)
_NEXT = Call(kind=CallKind.NEXT)
_LENGTH = re.compile(rb"content-length: (0|[1-9][0-9]{0,8})", re.IGNORECASE)
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): [\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
"""RFC 9110, section 5; visible ASCII characters only."""
_SAYING = (b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te", b"connection")
"""Fields that say something of the message's form or of the connection."""
_MOST_HEAD = 4096
_MOST_KNOWN = 256

_plain: set[bytes] = {b"Connection: keep-alive", b"connection: keep-alive"}
"""Lines that change nothing. Content-Type is of use for a streamed response alone, which is not plain."""


def plain_call(data: bytes, began: float) -> Call | None:
    """The call, where `data` is one request for work or one whole response of a function, and nothing before or after.

    `began`: when the first of it arrived.
    """
    end = data.find(b"\r\n\r\n", 0, _MOST_HEAD)
    if end < 0:
        return None
    lines = data[:end].split(b"\r\n")
    found = None if lines[0] == _NEXT_LINE else _RESPONSE_LINE.fullmatch(lines[0])
    if found is None and lines[0] != _NEXT_LINE:
        return None
    length: bytes | None = None
    for line in lines[1:]:
        if line in _plain:
            continue
        stated = _LENGTH.fullmatch(line)
        if stated is not None and length is None:
            length = stated[1]
        elif not _learn(line):
            return None
    size = len(data) - end - 4
    if found is None:
        return _NEXT if length is None and not size else None
    if length is None or int(length) != size:
        return None
    body = data[end + 4 :]
    return Call(
        kind=CallKind.RESPONSE, request_id=found[1].decode("ascii"), body=body, size=size, began=began
    )


def lacks_its_body(data: bytes) -> bool:
    """Whether `data` is the head of a call alone: curl sends head and body by two calls of the kernel."""
    if not data.startswith(_POST) or data.find(b"\r\n\r\n", 0, _MOST_HEAD) != len(data) - 4:
        return False
    # Who expects a 100 (Continue) would wait for it.
    return _BODY_TO_COME.search(data) is not None and b"\r\nexpect:" not in data.lower()


def _learn(line: bytes) -> bool:
    field = _FIELD.fullmatch(line)
    if field is None:
        return False
    name = field[1].lower()
    if name in _SAYING or name.startswith(b"lambda-"):
        return False
    if len(_plain) < _MOST_KNOWN:
        _plain.add(line)
    return True
