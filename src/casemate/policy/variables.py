"""Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and the escapes `${*}`, `${?}`, `${$}`.

Source: IAM User Guide, "IAM policy elements: Variables and tags". They exist only under Version 2012-10-17, in the
Resource element and in the values of string and ARN operators; elsewhere the text stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

ContextValue = str | tuple[str, ...]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_INSIDE = re.compile(r"\s*([^,\s'][^,']*?)\s*(?:,\s*'([^']*)'\s*)?")
_ESCAPES = frozenset("*?$")


class Exact(Struct, frozen=True, kw_only=True):
    """Text that stands for itself: an escape, or what a variable was replaced by."""

    text: str


class Variable(Struct, frozen=True, kw_only=True):
    """A reference to a condition key."""

    key: str
    """In lower case."""
    default: str | None


Resolved = tuple[str | Exact, ...]
"""A `str` is text as the author wrote it, in which `*` and `?` may be wildcards."""


class Template(Struct, frozen=True, kw_only=True):
    """One value of a policy, cut at its variables."""

    source: str
    pieces: tuple[str | Exact | Variable, ...]
    keys: tuple[str, ...]
    """Condition keys the value depends on; empty for a constant."""

    def constant(self) -> Resolved:
        """The pieces of a template without variables."""
        # INVARIANT: asked only of constants.
        assert not self.keys, self.source
        return tuple(piece for piece in self.pieces if not isinstance(piece, Variable))

    def resolve(self, context: Mapping[str, ContextValue]) -> Resolved | None:
        """The pieces with variables replaced; None when one has neither a value nor a default.

        A replaced value stands for itself: a `*` inside a tag's value is no wildcard. A multi-valued key is no
        single value, so it cannot replace a variable ("you can use only single-value condition keys").
        """
        resolved: list[str | Exact] = []
        for piece in self.pieces:
            if isinstance(piece, Variable):
                value = context.get(piece.key)
                if not isinstance(value, str):
                    value = piece.default
                if value is None:
                    return None
                resolved.append(Exact(text=value))
            else:
                resolved.append(piece)
        return tuple(resolved)


def parse_template(text: str, *, variables: bool) -> Template:
    """Cut `text` at its variables; `variables` False (an older Version) leaves it whole."""
    if not variables or "${" not in text:
        return Template(source=text, pieces=(text,), keys=())
    pieces: list[str | Exact | Variable] = []
    position = 0
    for found in _VARIABLE.finditer(text):
        piece = _piece(found[1])
        if piece is None:
            continue
        if found.start() > position:
            pieces.append(text[position : found.start()])
        pieces.append(piece)
        position = found.end()
    if position < len(text) or not pieces:
        pieces.append(text[position:])
    keys = tuple(piece.key for piece in pieces if isinstance(piece, Variable))
    return Template(source=text, pieces=tuple(pieces), keys=keys)


def variable_names(text: str) -> tuple[str, ...]:
    """The condition keys that the variables in `text` read, as they are written there."""
    inside = (found[1] for found in _VARIABLE.finditer(text))
    matches = (_INSIDE.fullmatch(each) for each in inside if each not in _ESCAPES)
    return tuple(found[1] for found in matches if found is not None)


def _piece(inside: str) -> Exact | Variable | None:
    if inside in _ESCAPES:
        return Exact(text=inside)
    found = _INSIDE.fullmatch(inside)
    return None if found is None else Variable(key=found[1].lower(), default=found[2])


def text_of(resolved: Resolved) -> str:
    """The resolved value as one string, for operators without wildcards and for traces."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in resolved)
