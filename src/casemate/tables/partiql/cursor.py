"""Reading tokens, one ahead, with a bound on how deep a statement may nest."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from casemate.model.errors import AwsError
from casemate.tables.partiql.errors import malformed
from casemate.tables.partiql.lexer import Token, tokens_of

_MAX_DEPTH = 64
"""Of parentheses, lists, sets and maps: twice what an item may nest."""


class Cursor:
    """The place in a statement, and the parameters seen so far."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._place = 0
        self._depth = 0
        self.parameters = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._place]

    def take(self) -> Token:
        """The present token; moves on."""
        token = self._tokens[self._place]
        if token.kind != "end":
            self._place += 1
        return token

    def at(self, symbol: str) -> bool:
        return self.token.kind == "symbol" and self.token.text == symbol

    def at_word(self, *words: str) -> bool:
        """Whether the present token is one of these keywords, in any case."""
        return self.token.kind == "word" and self.token.text.upper() in words

    def accept(self, symbol: str) -> bool:
        """Take that symbol if it is next."""
        if self.at(symbol):
            self.take()
            return True
        return False

    def accept_word(self, word: str) -> bool:
        if self.at_word(word):
            self.take()
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.accept(symbol):
            raise self.unexpected(symbol)

    def expect_word(self, word: str) -> None:
        if not self.accept_word(word):
            raise self.unexpected(word)

    def unexpected(self, wanted: str) -> AwsError:
        """The present token is not what the grammar wants here."""
        shown = "end of statement" if self.token.kind == "end" else f"'{self.token.text}'"
        return malformed(f"Expected {wanted}, found {shown}")

    @contextmanager
    def deeper(self) -> Generator[None]:
        """Inside a bracket."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise malformed("The statement is nested too deeply")
        yield
        self._depth -= 1
