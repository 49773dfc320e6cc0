"""Results kept by what they were made from, where that is no longer than an expression may be.

Rewritten legacy parameters can be as long as a request: a few thousand of these would fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

from casemate.tables.expressions.lexer import EXPRESSIONS

P = ParamSpec("P")
R = TypeVar("R", bound=Hashable)


def kept(count: int) -> Callable[[Callable[Concatenate[str, P], R]], Callable[Concatenate[str, P], R]]:
    """Keep the latest results of a function of a text."""

    def keeping(make: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
        made = lru_cache(count)(make)

        @wraps(make)
        def found(text: str, *rest: P.args, **more: P.kwargs) -> R:
            return (made if len(text) <= EXPRESSIONS.size else make)(text, *rest, **more)

        return found

    return keeping
