"""Pages of a sorted list: the token names the last item given, so that changes in between neither repeat nor skip."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


class InvalidTokenError(ValueError):
    """The token is not one that `page` made."""


def page(
    items: Iterable[T], *, key: Callable[[T], str], limit: int, token: str | None
) -> tuple[list[T], str | None]:
    """Up to `limit` items after `token` in the order of `key`, and the token of the next page (None: the last)."""
    ordered = sorted(items, key=key)
    if token is not None:
        after = _decode(token)
        ordered = [item for item in ordered if key(item) > after]
    chosen = ordered[:limit]
    return chosen, _encode(key(chosen[-1])) if len(ordered) > limit else None


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(b"1" + text.encode()).decode()


def _decode(token: str) -> str:
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        if raw[:1] != b"1":
            raise InvalidTokenError(token)
        return raw[1:].decode()
    except (binascii.Error, UnicodeError) as error:
        raise InvalidTokenError(token) from error
