"""The smallest change of the policies that lets a refused request in."""

from __future__ import annotations

import re

from casemate.policy.decision import ConditionTrace, Decision, Outcome, PolicyType, StatementTrace

_OF_ARN = re.compile(r" \(arn:[^)]*\)")


def decision_remedy(decision: Decision) -> str:
    """In words, ids and ARNs in full; empty when the request is allowed."""
    if decision.allowed:
        return ""
    if decision.statement is not None and decision.statement.effect is Outcome.EXPLICIT_DENY:
        ways = [way for one in decision.statement.conditions if (way := _way_out(one))]
        return ", or ".join(ways) or f"take {decision.action} out of {statement_name(decision.statement)}"
    kind = decision.decided_by.value if decision.decided_by else "policy"
    where = f" ({layer})" if (layer := _layer_policy(decision)) else ""
    return f"allow {decision.action} on {decision.resource} in the {kind}{where}"


def statement_name(statement: StatementTrace) -> str:
    """Policy and statement; of `inline policy p of role r (arn:...)` the name says enough."""
    policy = _OF_ARN.sub("", statement.policy)
    return f"{policy}, statement {statement.sid or statement.index + 1}"


def _way_out(condition: ConditionTrace) -> str:
    expected = " or ".join(condition.expected)
    match condition.key.lower():
        case "aws:sourcevpc":
            return f"call through a VPC endpoint in {expected}"
        case "aws:sourcevpce":
            return f"call through {expected}"
        case "aws:principalarn":
            return f"assume {expected}"
        case "aws:sourceip":
            return f"call from {expected}"
        case _:
            return ""


def _layer_policy(decision: Decision) -> str:
    """The one policy of the refusing layer, when it is one."""
    names = {
        statement.policy
        for layer in decision.layers
        if layer.type is decision.decided_by
        for statement in layer.statements
    }
    return names.pop() if len(names) == 1 and decision.decided_by is PolicyType.ENDPOINT else ""
