"""The condition keys that policies read: in Condition blocks, and by policy variables."""

from __future__ import annotations

from collections.abc import Iterable

from casemate.policy.compiled import WITH_VARIABLES
from casemate.policy.document import Policy, Statement
from casemate.policy.operators import parse_operator
from casemate.policy.variables import variable_names


def resource_keys(policy: Policy, statement: Statement) -> tuple[str, ...]:
    """Read by the variables of a Resource element."""
    if policy.version != WITH_VARIABLES:
        return ()
    patterns = (*statement.resources, *statement.not_resources)
    return tuple(name for pattern in patterns for name in variable_names(pattern))


def condition_keys(policy: Policy, statement: Statement) -> tuple[str, ...]:
    """Read by the Condition block: the keys it tests and those of the variables it compares them with."""
    keys: list[str] = []
    for clause in statement.conditions:
        keys.append(clause.key)
        operator = parse_operator(clause.operator)
        if policy.version == WITH_VARIABLES and operator is not None and operator.takes_variables:
            keys += [name for value in clause.values for name in variable_names(value)]
    return tuple(keys)


def referenced_keys(policies: Iterable[Policy]) -> tuple[str, ...]:
    """All keys that the policies read, each once (keys compare without regard to case), in order."""
    return distinct(
        key
        for policy in policies
        for statement in policy.statements
        for key in (*resource_keys(policy, statement), *condition_keys(policy, statement))
    )


def distinct(keys: Iterable[str]) -> tuple[str, ...]:
    """Without those that differ from an earlier one in case only."""
    found: dict[str, str] = {}
    for key in keys:
        found.setdefault(key.lower(), key)
    return tuple(found.values())
