"""Where the statements of a document are, as the policy simulator tells it.

Lines and columns count from 1. A statement begins right after the `[`, `,` or `:` before it and ends right after its
`}`: so AWS's answers read (`AdministratorAccess` as AWS lays it out: 3:17 to 8:6; in one line: 1:41 to 1:145).
"""

from __future__ import annotations

import json
import re

from msgspec import Struct

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Position(Struct, frozen=True, kw_only=True):
    """A place in a document."""

    line: int
    column: int


class Span(Struct, frozen=True, kw_only=True):
    """Where a statement begins and ends."""

    start: Position
    end: Position


def statement_spans(document: str) -> tuple[Span, ...]:
    """The span of each statement; `document` has been parsed as a policy before."""
    at = _member(document, "Statement")
    begin = _skip(document, at)
    if document[begin] != "[":
        return (_span(document, at, _DECODER.raw_decode(document, begin)[1]),)
    spans: list[Span] = []
    at = begin + 1
    while document[_skip(document, at)] != "]":
        end = _DECODER.raw_decode(document, _skip(document, at))[1]
        spans.append(_span(document, at, end))
        following = _skip(document, end)
        at = following + 1 if document[following] == "," else following
    return tuple(spans)


def _skip(document: str, at: int) -> int:
    found = _SPACE.match(document, at)
    assert found is not None
    return found.end()


def _member(document: str, wanted: str) -> int:
    """Where the value of a member of the outermost object begins, its leading space included."""
    at = _skip(document, 0) + 1
    while True:
        name, end = _DECODER.raw_decode(document, _skip(document, at))
        value = _skip(document, end) + 1
        if name == wanted:
            return value
        # INVARIANT: the parser has found a Statement, so the object does not end before it.
        at = _skip(document, _DECODER.raw_decode(document, _skip(document, value))[1]) + 1


def _span(document: str, start: int, end: int) -> Span:
    return Span(start=_position(document, start), end=_position(document, end))


def _position(document: str, offset: int) -> Position:
    before = document[:offset]
    return Position(line=before.count("\n") + 1, column=offset - before.rfind("\n"))
