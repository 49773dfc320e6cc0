"""A verdict in words: the way of the packet, where it ended, why, and what to change."""

from __future__ import annotations

from casemate.explain.layout import paragraph, rows
from casemate.reachability.verdict import Hop, Outcome, Verdict

_MEANING = {
    Outcome.REACHED: "REACHED",
    Outcome.DROPPED: "DROPPED (silence: the client times out)",
    Outcome.REFUSED: "REFUSED (the client sees: connection refused)",
}


def render_verdict(verdict: Verdict) -> str:
    """The verdict as text for people."""
    return "\n".join(verdict_lines(verdict))


def verdict_lines(verdict: Verdict) -> list[str]:
    """The lines of `render_verdict`."""
    head = _MEANING[verdict.outcome]
    if verdict.reason is not None:
        head += f": {verdict.reason.value}"
    lines = ["Network: " + head]
    lines += _hops([hop for hop in verdict.hops if not hop.returning])
    returning = [hop for hop in verdict.hops if hop.returning]
    if returning:
        lines += ["  and the answer:", *_hops(returning)]
    lines += paragraph("  Seen as:", _seen(verdict)) if verdict.source_seen is not None else []
    lines += paragraph("  Why:", verdict.explanation) if verdict.explanation else []
    lines += paragraph("  Change:", verdict.remedy) if verdict.remedy else []
    return lines


def _hops(hops: list[Hop]) -> list[str]:
    table: list[tuple[str, ...]] = []
    for hop in hops:
        table.append(("ok  " if hop.passed else "STOP", hop.kind.value, hop.component, hop.matched or "-"))
        table += [("", "", "", f"not: {lost}") for lost in hop.lost]
    return rows(table)


def _seen(verdict: Verdict) -> str:
    text = str(verdict.source_seen)
    if verdict.via_endpoint is not None:
        text += f", through {verdict.via_endpoint}"
    if verdict.destination_interface is not None:
        text += f", by {verdict.destination_interface}"
    return text
