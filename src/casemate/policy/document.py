"""A parsed policy document."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Effect = Literal["Allow", "Deny"]


class ConditionClause(Struct, frozen=True, kw_only=True):
    """One operator, key and its values."""

    operator: str
    """As written: `ForAnyValue:StringLikeIfExists`."""
    key: str
    values: tuple[str, ...]


class PrincipalSpec(Struct, frozen=True, kw_only=True):
    """The Principal element: `*`, or values by type."""

    everyone: bool = False
    aws: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    canonical: tuple[str, ...] = ()


class Statement(Struct, frozen=True, kw_only=True):
    """One statement; an element and its Not- form exclude each other."""

    index: int
    sid: str | None
    effect: Effect
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principal: PrincipalSpec | None = None
    not_principal: PrincipalSpec | None = None
    conditions: tuple[ConditionClause, ...] = ()


class Policy(Struct, frozen=True, kw_only=True, eq=False):
    """A parsed policy. Compared by identity: parse once, keep, and caches stay warm."""

    label: str
    """ARN of the policy, or what explanations call it: `inline policy read-orders of role orders-role`."""
    version: str
    statements: tuple[Statement, ...]
    document: str
    """The document as it was given."""
