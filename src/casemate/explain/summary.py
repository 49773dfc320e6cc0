"""An explanation in three short texts: the path, what decided, what to change. For tables and for JSON."""

from __future__ import annotations

import re

from casemate.explain.remedies import decision_remedy, statement_name
from casemate.policy.decision import ConditionTrace, Decision
from casemate.reachability.verdict import Hop, HopKind, Verdict
from casemate.reachability.verdict import Outcome as Reach

_ID = re.compile(r"\b([a-z]+)-0([0-9a-f]{6})[0-9a-f]{10}\b")
_ARN = re.compile(r"arn:aws:[a-z0-9-]*:[a-z0-9-]*:[0-9a-z*]*:([^\s,)]+)")
_PATH_KINDS = frozenset(HopKind) - {HopKind.NAME}


def short_ids(text: str) -> str:
    """EC2's 17-digit ids cut to seven digits, `vpce-0a1b2c3~`, and ARNs to their names. For reading, not for pasting."""
    return _ID.sub(r"\1-0\2~", _shorter_arns(text))


def _shorter_arns(text: str) -> str:
    return _ARN.sub(lambda match: match[1].rpartition("/")[2] if "policy" in match[1] else match[1], text)


def path_of(verdict: Verdict) -> str:
    """What the packet met, in order: `eni > sg > acl > rtb > vpce > dynamodb`; a cross where it ended."""
    steps: list[str] = []
    for hop in verdict.hops:
        if hop.kind not in _PATH_KINDS or (hop.returning and hop.passed):
            continue
        step = _step(hop)
        if not steps or steps[-1] != step:
            steps.append(step)
    if verdict.outcome is Reach.DROPPED and not any(step.endswith("(x)") for step in steps):
        steps.append("(x)")
    return " > ".join(steps)


def decided_by(verdict: Verdict, decision: Decision | None) -> str:
    """The route, rule, list or statement that settled the case."""
    if decision is None:
        code = verdict.reason.value if verdict.reason else verdict.outcome.value
        return short_ids(f"{code}: {verdict.explanation}")
    if decision.allowed:
        where = statement_name(decision.statement) if decision.statement else decision.reason.value
        return short_ids(f"allowed: {where}")
    kind = decision.decided_by.value if decision.decided_by else "policy"
    if decision.statement is None:
        return f"no {kind} allows {decision.action}"
    conditions = "; ".join(_condition(one) for one in decision.statement.conditions if one.matched)
    because = f" ({conditions})" if conditions else ""
    return short_ids(f"explicit deny in a {kind}: {statement_name(decision.statement)}{because}")


def remedy_of(verdict: Verdict, decision: Decision | None) -> str:
    """The smallest change that mends it; empty when nothing is wrong."""
    return short_ids(verdict.remedy if decision is None else decision_remedy(decision))


def _step(hop: Hop) -> str:
    back = " on the way back" if hop.returning else ""
    return short_ids(hop.component) + back + ("" if hop.passed else " (x)")


def _condition(condition: ConditionTrace) -> str:
    actual = "absent" if condition.actual is None else ", ".join(condition.actual)
    return f"{condition.key} is {actual}"
