"""A parsed policy document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Effect = Literal["Allow", "Deny"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionClause:
    """One operator, key and its values."""

    operator: str
    """As written: `ForAnyValue:StringLikeIfExists`."""
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PrincipalSpec:
    """The Principal element: `*`, or values by type."""

    everyone: bool = False
    aws: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    canonical: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Policy:
    """A parsed policy. Compared by identity: parse once, keep, and caches stay warm."""

    label: str
    """ARN of the policy, or what explanations call it: `inline policy read-orders of role orders-role`."""
    version: str
    statements: tuple[Statement, ...]
    document: str
    """The document as it was given."""
