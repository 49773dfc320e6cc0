"""Reading tokens, one ahead, with a bound on how deep a statement may nest."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from casemate.model.errors import AwsError
from casemate.tables.partiql import errors
from casemate.tables.partiql.errors import malformed
from casemate.tables.partiql.keywords import KEYWORDS, OPERATORS
from casemate.tables.partiql.lexer import Token, tokens_of

_MAX_DEPTH = 64
"""Of parentheses, lists, sets and maps: twice what an item may nest."""
_INFIX = frozenset(("=", "<>", "!=", "<", "<=", ">", ">=", "+", "-"))


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

    @property
    def following(self) -> Token:
        """The one after it."""
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)]

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

    def at_name(self) -> bool:
        """Whether it is an identifier: quoted, or no keyword."""
        return self.token.kind == "quoted" or (
            self.token.kind == "word" and self.token.text.upper() not in KEYWORDS
        )

    def at_call(self) -> bool:
        """Whether it is a function's name, which may be a keyword."""
        return (
            self.token.kind == "word" and self.following.kind == "symbol" and self.following.text == "("
        ) and self.token.text.upper() not in ("NOT", *OPERATORS)

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

    def no_term(self) -> AwsError:
        """The present token begins no term, where one must stand."""
        if self.token.kind == "end" and self._after_operator():
            return malformed(errors.NO_RIGHT_SIDE)
        word = self.token.text.upper() if self.token.kind == "word" else ""
        if word in OPERATORS or (self.token.kind == "symbol" and self.token.text in _INFIX):
            return malformed(errors.OPERATOR)
        return malformed(errors.KEYWORD if word in KEYWORDS else errors.TERM)

    def _after_operator(self) -> bool:
        if not self._place:
            return False
        before = self._tokens[self._place - 1]
        return (before.kind == "symbol" and before.text in _INFIX) or (
            before.kind == "word" and before.text.upper() in OPERATORS
        )

    @contextmanager
    def deeper(self) -> Generator[None]:
        """Inside a bracket."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise malformed("The statement is nested too deeply")
        yield
        self._depth -= 1
