"""Text to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from casemate.tables.partiql.errors import malformed

Kind = Literal["word", "quoted", "string", "number", "symbol", "end"]
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
    | "(?P<quoted>(?:[^"]|"")*)"
    | '(?P<string>(?:[^']|'')*)'
    | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    | (?P<symbol><<|>>|<>|!=|<=|>=|[=<>+\-*()\[\]{},.:?;])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_ESCAPED = {"quoted": ('""', '"'), "string": ("''", "'")}


@dataclass(frozen=True, slots=True)
class Token:
    """A word and what it is; quotes are taken off."""

    kind: Kind
    text: str


def tokens_of(text: str) -> list[Token]:
    """All tokens, closed by an `end` token."""
    found: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            raise malformed(f"Unexpected character '{rest[:1]}'")
        kind: Kind = match.lastgroup  # pyright: ignore[reportAssignmentType]  # the groups are the kinds
        word = match[kind]
        if kind in _ESCAPED:
            word = word.replace(*_ESCAPED[kind])
        found.append(Token(kind, word))
        position = match.end()
        if kind == "end":
            return found
