"""Text to tokens, and the cursor the parsers read them through."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Literal

from casemate.tables.expressions.errors import SyntaxProblem

# A name begins with a letter: `_id` is a syntax error at its underscore (Developer Guide, "Specifying item attributes";
# ScyllaDB's test/alternator/test_update_expression.py, which is run against AWS too).
Kind = Literal["name", "#", ":", "number", "symbol", "bad", "end"]
_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<alias>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)|(?P<symbol><>|<=|>=|[=<>+\-()\[\].,])|(?P<end>$)|(?P<bad>.))",
    re.DOTALL,
)
_KINDS: dict[str, Kind] = {
    "name": "name",
    "alias": "#",
    "value": ":",
    "number": "number",
    "symbol": "symbol",
    "end": "end",
    "bad": "bad",
}
MAX_OPERAND_DEPTH = 32
MAX_PATH_ELEMENTS = 32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Limits:
    """How much text a parser takes. Compared by identity: it is part of the keys of caches."""

    size: int
    """In bytes of UTF-8."""
    operators: int
    """And functions."""


EXPRESSIONS = Limits(size=4096, operators=300)
"""Developer Guide, "Service quotas", Expression parameters."""
REWRITTEN = Limits(size=1 << 20, operators=sys.maxsize)
"""Of what stands for legacy parameters, to which AWS sets no limit of their own: about thirty thousand attributes."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression and where it stands."""

    kind: Kind
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """All tokens, closed by an `end` token."""
    found: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        assert match is not None
        group = match.lastgroup
        assert group is not None
        found.append(Token(_KINDS[group], match[group], match.start(group), match.end(group)))
        position = match.end()
        if group == "end":
            return found


class Cursor:
    """Reads tokens, one ahead."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._limits = limits
        size = len(text.encode())
        if size > limits.size:
            raise SyntaxProblem(
                f"Expression size has exceeded the maximum allowed size; expression size: {size}"
            )
        self._text = text
        self._tokens = tokens_of(text)
        self._place = 0
        self.operators = 0
        if self.token.kind == "end":
            raise SyntaxProblem("The expression can not be empty;")

    @property
    def token(self) -> Token:
        return self._tokens[self._place]

    @property
    def following(self) -> Token:
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The present token; moves on."""
        token = self._tokens[self._place]
        if token.kind != "end":
            self._place += 1
        return token

    def at(self, symbol: str) -> bool:
        """Whether the present token is that symbol."""
        token = self.token
        return token.kind == "symbol" and token.text == symbol

    def at_word(self, *words: str) -> bool:
        """Whether the present token is one of these keywords, in any case."""
        token = self.token
        return token.kind == "name" and token.text.upper() in words

    def expect(self, symbol: str) -> None:
        if not self.at(symbol):
            raise self.syntax_error()
        self.take()

    def count_operator(self) -> None:
        """One more operator or function."""
        self.operators += 1
        if self.operators > self._limits.operators:
            raise SyntaxProblem(
                f"The expression contains too many operators; operator count: {self.operators}"
            )

    def syntax_error(self) -> SyntaxProblem:
        """The present token is not one the grammar allows here."""
        token = self.token
        first = self._tokens[max(self._place - 1, 0)]
        near = self._text[first.start : self.following.end].rstrip()
        shown = "<EOF>" if token.kind == "end" else token.text
        return SyntaxProblem(f'Syntax error; token: "{shown}", near: "{near}"')
