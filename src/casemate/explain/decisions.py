"""A decision in words: the policy layers in order of evaluation, the statement that decided, and its conditions."""

from __future__ import annotations

from casemate.explain.layout import paragraph, rows
from casemate.explain.remedies import decision_remedy
from casemate.policy.decision import (
    ConditionTrace,
    Decision,
    Element,
    LayerTrace,
    Outcome,
    Reason,
    StatementTrace,
)

_WORDS = {
    Outcome.ALLOW: "allows",
    Outcome.EXPLICIT_DENY: "denies explicitly",
    Outcome.IMPLICIT_DENY: "does not allow",
    Outcome.NOT_APPLICABLE: "does not apply",
}
_EFFECT = {Outcome.ALLOW: "Allow", Outcome.EXPLICIT_DENY: "Deny"}


def render_decision(decision: Decision) -> str:
    """The decision as text for people."""
    return "\n".join(decision_lines(decision))


def decision_lines(decision: Decision, *, change: str = "") -> list[str]:
    """The lines of `render_decision`; `change` is a remedy smaller than one of the policies, where there is one."""
    lines = ["Access: " + _head(decision)]
    lines += paragraph("  Who:", decision.principal)
    lines += paragraph("  What:", f"{decision.action} on {decision.resource}")
    if decision.statement is not None:
        lines += paragraph("  Decided by:", _deciding(decision, decision.statement))
        lines += _conditions(decision.statement)
    elif decision.decided_by is not None:
        lines += paragraph("  Decided by:", f"{decision.decided_by.value}: no statement allows it")
    if decision.layers:
        lines.append("  Policies, in the order of evaluation:")
    for number, layer in enumerate(decision.layers, 1):
        lines += _layer(number, layer, decision)
    if decision.message:
        lines += paragraph("  AWS says:", decision.message)
    if wanted := change or decision_remedy(decision):
        lines += paragraph("  Change:", wanted)
    return lines


def _head(decision: Decision) -> str:
    if decision.allowed:
        return "ALLOWED" + (f" ({decision.reason.value})" if decision.reason is Reason.ALWAYS_ALLOWED else "")
    if decision.reason is Reason.EXPLICIT_DENY:
        return "DENIED (explicit deny)"
    return "DENIED (implicit deny: nothing allows it)"


def _deciding(decision: Decision, statement: StatementTrace) -> str:
    layer = decision.decided_by or next((x.type for x in decision.layers if statement in x.statements), None)
    return f"{layer.value}, {_name(statement)}" if layer else _name(statement)


def _name(statement: StatementTrace) -> str:
    sid = f"Sid {statement.sid}" if statement.sid else f"statement {statement.index + 1} (no Sid)"
    return f"policy {statement.policy}, {sid}"


def _layer(number: int, layer: LayerTrace, decision: Decision) -> list[str]:
    level = f" ({layer.level})" if layer.level else ""
    lines = [f"  {number}. {layer.type.value}{level}: {_WORDS[layer.outcome]}"]
    for statement in layer.statements:
        if statement.applied:
            text = "applies"
        elif statement.failed is None:
            text = "does not apply"
        else:
            wanted = f" ({' or '.join(statement.wanted)})" if statement.wanted else ""
            text = f"does not apply: its {statement.failed.value}{wanted} does not match"
        lines += paragraph(
            f"     {_EFFECT.get(statement.effect, statement.effect.value):5}", f"{_name(statement)}: {text}"
        )
        if statement is not decision.statement and (
            statement.applied or statement.failed is Element.CONDITION
        ):
            lines += _conditions(statement, indent=12)
    return lines


def _conditions(statement: StatementTrace, indent: int = 4) -> list[str]:
    return rows([(_condition(condition),) for condition in statement.conditions], indent=indent)


def _condition(condition: ConditionTrace) -> str:
    """`StringNotEquals aws:SourceVpc: policy vpc-0abc, request: absent -> matches`."""
    expected = " or ".join(condition.expected) or "(no value)"
    if condition.actual is None:
        actual = "absent"
    else:
        actual = ", ".join(condition.actual) or "(empty)"
    result = "matches" if condition.matched else "does not match"
    return f"{condition.operator} {condition.key}: policy {expected}, request: {actual} -> {result}"
