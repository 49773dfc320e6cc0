"""Both engines together: does the packet arrive, and is the request allowed?"""

from __future__ import annotations

from typing import Any

from casemate.explain.decisions import decision_lines
from casemate.explain.layout import paragraph
from casemate.explain.plain import to_json
from casemate.explain.verdicts import verdict_lines
from casemate.policy.decision import Decision
from casemate.reachability.verdict import Outcome, Verdict


def result_of(verdict: Verdict | None, decision: Decision | None, failure: str = "") -> str:
    """What the caller experiences, in a few words. A request that never arrives is never judged."""
    if verdict is not None and verdict.outcome is Outcome.DROPPED:
        return (
            "times out: the request never arrives"
            if verdict.source_seen is None
            else "times out: no answer comes back"
        )
    if verdict is not None and verdict.outcome is Outcome.REFUSED:
        return "connection refused"
    if decision is not None and not decision.allowed:
        return "access denied"
    if failure:
        return "the service refuses"
    if decision is not None:
        return "works"
    return "the network lets it through" if verdict is not None else "nothing was asked"


def render_case(
    *,
    title: str,
    verdict: Verdict | None = None,
    decision: Decision | None = None,
    change: str = "",
    failure: str = "",
) -> str:
    """A network verdict and a policy decision about one request, with the result first.

    `change` is what mends a refusal, where that is no change of the policies; `failure` is what the service answers to
    a request that is allowed, or that another service refuses it.
    """
    lines = [*paragraph("", title), *paragraph("Result:", result_of(verdict, decision, failure)), ""]
    if verdict is not None:
        lines += verdict_lines(verdict)
    if decision is not None and not _silent(verdict):
        told = decision_lines(decision, change=change)
        lines += ["", *told] if verdict is not None else told
    elif decision is not None:
        outlook = "would be allowed" if decision.allowed else "would be denied"
        lines += ["", f"With the network open, it {outlook}:", *decision_lines(decision)]
    if failure:
        lines += ["", *paragraph("The service answers:", failure)]
    return "\n".join(lines).rstrip()


def _silent(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome is not Outcome.REACHED


def case_json(
    *, title: str, verdict: Verdict | None = None, decision: Decision | None = None
) -> dict[str, Any]:
    """`render_case` as plain data."""
    return {
        "title": title,
        "result": result_of(verdict, decision),
        "network": to_json(verdict) if verdict is not None else None,
        "access": to_json(decision) if decision is not None else None,
    }
