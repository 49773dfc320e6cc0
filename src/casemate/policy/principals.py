"""The Principal element: does a statement name this caller, and how directly?

How directly matters: in the same account it decides which implicit denies an Allow of a resource policy overrides
(IAM User Guide, "Resource-based policies and implicit denies in other policy types").
"""

from __future__ import annotations

import re
from enum import IntEnum

from msgspec import Struct

from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.document import Effect, Policy, PrincipalSpec


class Grant(IntEnum):
    """How directly a statement names the caller; a higher one overrides more."""

    NONE = 0
    """Not at all."""
    ACCOUNT = 1
    """Its account: delegates to that account's own policies, overrides nothing."""
    ROLE = 2
    """The role behind the session, or the user who federated: overrides an implicit deny of identity policies; boundary
    and session still limit."""
    DIRECT = 3
    """The user, the session, the service, or everyone: overrides implicit denies of identity, boundary and session."""


_ROOT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):root")
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_EVERYONE = "*"
_IAM_PRINCIPALS = frozenset({PrincipalKind.USER, PrincipalKind.ROLE_SESSION})
"""Those that can have a permissions boundary."""


class _Names(Struct, frozen=True, kw_only=True):
    """A PrincipalSpec, sorted for look-up."""

    everyone: bool
    accounts: frozenset[str]
    identities: frozenset[str]
    services: frozenset[str]
    federated: frozenset[str]


def account_of_principal(value: str) -> str | None:
    """The account that `123456789012` or `arn:aws:iam::123456789012:root` names; None for other values."""
    if _ACCOUNT.fullmatch(value):
        return value
    found = _ROOT.fullmatch(value)
    return found[1] if found else None


def _names(spec: PrincipalSpec) -> _Names:
    accounts = {value: account_of_principal(value) for value in spec.aws}
    return _Names(
        everyone=spec.everyone or _EVERYONE in spec.aws,
        accounts=frozenset(account for account in accounts.values() if account),
        identities=frozenset(value for value, account in accounts.items() if account is None),
        services=frozenset(spec.service),
        federated=frozenset(spec.federated),
    )


class PrincipalTest:
    """A compiled Principal or NotPrincipal element."""

    __slots__ = ("_deny", "_names", "_negated")

    def __init__(self, spec: PrincipalSpec, *, negated: bool, effect: Effect) -> None:
        self._names = _names(spec)
        self._negated = negated
        self._deny = effect == "Deny"

    @property
    def names_everyone(self) -> bool:
        """True when `grant` is DIRECT whoever asks."""
        return self._names.everyone and not self._negated

    def grant(self, principal: Principal, *, bounded: bool = False) -> Grant:
        """How directly the statement's element names `principal`; `bounded`: it has a permissions boundary."""
        if not self._negated:
            return self._named(principal)
        if self._names.everyone:
            return Grant.NONE
        if bounded and self._deny and principal.kind in _IAM_PRINCIPALS:
            # "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
            # boundary policy attached, regardless of the values" (IAM User Guide, Permissions boundaries).
            return Grant.DIRECT
        # "When you use NotPrincipal with Deny, you must also specify the account ARN of the not-denied principal",
        # and for a session its role and its own ARN: AWS may check each of them. So a Deny spares a caller only when
        # every link is listed, and an Allow leaves out a caller of whom any link is listed.
        links = self._links(principal)
        spared = all(links) if self._deny else any(links)
        return Grant.NONE if spared else Grant.DIRECT

    def _named(self, principal: Principal) -> Grant:
        names = self._names
        if names.everyone:
            return Grant.DIRECT
        kind = principal.kind
        if kind is PrincipalKind.SERVICE:
            return Grant.DIRECT if principal.arn in names.services else Grant.NONE
        if kind is PrincipalKind.ANONYMOUS:
            return Grant.NONE
        if principal.arn in names.identities or principal.arn in names.federated:
            return Grant.DIRECT
        if kind is PrincipalKind.ROOT and principal.account in names.accounts:
            return Grant.DIRECT
        if kind is PrincipalKind.USER and principal.user_id in names.identities:
            return Grant.DIRECT
        if principal.role_arn is not None and self._names_role(principal, principal.role_arn):
            return Grant.ROLE
        if principal.issuer_arn is not None and principal.issuer_arn in names.identities:
            return Grant.ROLE
        return Grant.ACCOUNT if principal.account in names.accounts else Grant.NONE

    def _names_role(self, principal: Principal, role_arn: str) -> bool:
        """By ARN, or by the unique id that IAM shows for a deleted and re-created role (`AROA...`)."""
        return (
            role_arn in self._names.identities
            or principal.user_id.partition(":")[0] in self._names.identities
        )

    def _links(self, principal: Principal) -> list[bool]:
        names = self._names
        if principal.kind is PrincipalKind.SERVICE:
            return [principal.arn in names.services]
        if principal.kind is PrincipalKind.ANONYMOUS:
            return [False]
        links = [principal.account in names.accounts]
        if principal.kind is not PrincipalKind.ROOT:
            links.append(principal.arn in names.identities or principal.arn in names.federated)
        if principal.role_arn is not None:
            links.append(self._names_role(principal, principal.role_arn))
        return links


def names_everyone_only(policy: Policy) -> bool:
    """True when every Principal of `policy` is `*`, which is what a gateway endpoint's policy must have.

    "For gateway endpoint policies, the Principal must be `*`; to narrow it use aws:PrincipalArn" (VPC, gateway endpoints).
    """
    everyone = (PrincipalSpec(everyone=True), PrincipalSpec(aws=("*",)))
    return all(
        statement.not_principal is None and statement.principal in everyone for statement in policy.statements
    )
