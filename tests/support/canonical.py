"""The canonical form of a policy: one action, one resource, one principal and one value per statement, in one order.

Rewriting rules, each an equivalence that IAM's pages state: elements of a list are alternatives ("evaluated using a
logical OR"), names of actions and condition keys ignore case, ArnEquals and ArnLike "behave identically", an account's
id stands for its root ARN, `"*"` for `{"AWS": "*"}`, and neither order nor repetition of statements means anything.
What a negation holds (NotAction, NotResource, NotPrincipal, StringNotEquals, ForAllValues) cannot be taken apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from msgspec.structs import replace

from casemate.policy.document import ConditionClause, Policy, PrincipalSpec, Statement


def canonical(policy: Policy) -> Policy:
    """A policy that allows and denies the same."""
    pieces = {piece for statement in policy.statements for piece in _pieces(statement)}
    ordered = sorted(pieces, key=repr)
    return replace(
        policy, statements=tuple(replace(piece, index=index) for index, piece in enumerate(ordered))
    )


def _pieces(statement: Statement) -> Iterator[Statement]:
    actions = [(action,) for action in _lowered(statement.actions)] or [()]
    resources = [(resource,) for resource in _once(statement.resources)] or [()]
    principals = _principals(statement.principal)
    clauses = [list(_clauses(clause)) for clause in statement.conditions]
    for action, resource, principal, *conditions in product(actions, resources, principals, *clauses):
        yield Statement(
            index=0,
            sid=None,
            effect=statement.effect,
            actions=action,
            not_actions=_lowered(statement.not_actions),
            resources=resource,
            not_resources=_once(statement.not_resources),
            principal=principal,
            not_principal=statement.not_principal,
            conditions=tuple(sorted(conditions, key=repr)),
        )


def _clauses(clause: ConditionClause) -> Iterator[ConditionClause]:
    operator = clause.operator.replace("ArnEquals", "ArnLike").replace("ArnNotEquals", "ArnNotLike")
    whole = "Not" in operator or operator.startswith("ForAllValues:")
    values = _once(clause.values)
    for some in [values] if whole else [(value,) for value in values]:
        yield ConditionClause(operator=operator, key=clause.key.lower(), values=some)


def _principals(spec: PrincipalSpec | None) -> list[PrincipalSpec | None]:
    if spec is None:
        return [None]
    if spec.everyone or "*" in spec.aws:
        return [PrincipalSpec(everyone=True)]
    accounts = [f"arn:aws:iam::{name}:root" if name.isdigit() else name for name in spec.aws]
    return [
        *(PrincipalSpec(aws=(name,)) for name in _once(tuple(accounts))),
        *(PrincipalSpec(service=(name,)) for name in _once(spec.service)),
        *(PrincipalSpec(federated=(name,)) for name in _once(spec.federated)),
        *(PrincipalSpec(canonical=(name,)) for name in _once(spec.canonical)),
    ]


def _lowered(names: tuple[str, ...]) -> tuple[str, ...]:
    return _once(tuple(name.lower() for name in names))


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
