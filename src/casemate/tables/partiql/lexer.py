"""Text to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from casemate.tables.partiql.errors import malformed

Kind = Literal["word", "quoted", "string", "number", "symbol", "end"]
# Comments are blank (observed: paritysuite/dynamodb-conformance, partiql/grammar, October 2026). What was taken for blank
# is never read in another way: the time to refuse a text would grow beyond its length.
_BLANK = re.compile(r"(?:\s++|--[^\n]*+|/\*.*?\*/)*+", re.DOTALL)
_TOKEN = re.compile(
    r"""(?:
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
_INT32 = 1 << 31
_EXPONENT_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Token:
    """A word and what it is; quotes are taken off."""

    kind: Kind
    text: str
    place: str = ""
    """`line:column:length`, as messages say it: in characters, from 1."""


def tokens_of(text: str) -> list[Token]:
    """All tokens, closed by an `end` token."""
    found: list[Token] = []
    lines = _Lines(text)
    position = 0
    while True:
        position = _end_of_blank(text, position)
        match = _TOKEN.match(text, position)
        if match is None:
            # Nothing is said of a text that the parser cannot take apart (observed: partiqlGrammar, October 2026).
            raise malformed("")
        kind: Kind = match.lastgroup  # pyright: ignore[reportAssignmentType]  # the groups are the kinds
        word = match[kind]
        if kind in _ESCAPED:
            word = word.replace(*_ESCAPED[kind])
        elif kind == "number":
            _check_exponent(word)
        found.append(Token(kind, word, f"{lines.place(position)}:{match.end() - position}"))
        position = match.end()
        if kind == "end":
            return found


def _end_of_blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return position if match is None else match.end()


class _Lines:
    """Where a text's lines begin, for positions that only grow."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._number = 1
        self._start = 0

    def place(self, position: int) -> str:
        while (newline := self._text.find("\n", self._start, position)) >= 0:
            self._number += 1
            self._start = newline + 1
        return f"{self._number}:{position - self._start + 1}"


def _check_exponent(number: str) -> None:
    """Exponent and scale fit 32 bits, as of the decimals that AWS reads them into (observed: partiqlGrammar)."""
    digits, _, exponent = number.lower().partition("e")
    if not exponent:
        return
    if len(exponent) > _EXPONENT_DIGITS:
        raise malformed("")
    scale = len(digits.partition(".")[2]) - int(exponent)
    if not (-_INT32 <= int(exponent) < _INT32 and -_INT32 <= scale < _INT32):
        raise malformed("")
