"""Condition blocks: one operator and key against the request's context.

The rules that hold for every operator (IAM User Guide, "Condition operators" and "Multivalued context keys"):

- Several values of the policy: a positive operator needs one that matches, a negated one that none does.
- Absent key: positive operators are false, negated ones true, `...IfExists` true, `Null` tests the absence itself.
- `ForAllValues` over an absent or empty key is true; `ForAnyValue` is false, unless `...IfExists` makes it true.
- A multi-valued key under an operator without a set operator is undefined by AWS ("you must use a set operator");
  here a positive operator holds when any value matches, and its negation is the opposite.
"""

from __future__ import annotations

from collections.abc import Mapping

from casemate.policy.decision import ConditionTrace
from casemate.policy.document import ConditionClause
from casemate.policy.operators import Operator, parse_operator
from casemate.policy.patterns import Matcher
from casemate.policy.variables import ContextValue, Template, parse_template, text_of

Context = Mapping[str, ContextValue]
"""Condition keys in lower case."""


class Condition:
    """One compiled clause."""

    __slots__ = ("_constant", "_expected", "_key", "_operator", "_templates", "clause", "keys")

    def __init__(self, clause: ConditionClause, *, variables: bool) -> None:
        operator = parse_operator(clause.operator)
        # INVARIANT: the parser lets no unknown operator through.
        assert operator is not None, clause.operator
        self.clause = clause
        self._operator: Operator = operator
        self._key = clause.key.lower()
        allowed = variables and operator.takes_variables
        self._templates: tuple[Template, ...] = tuple(
            parse_template(value, variables=allowed) for value in clause.values
        )
        used = [key for template in self._templates for key in template.keys]
        self.keys: tuple[str, ...] = (self._key, *used)
        """Every key the outcome depends on."""
        self._constant: Matcher | None = None
        self._expected: tuple[str, ...] = clause.values
        if not used:
            resolved = [template.constant() for template in self._templates]
            self._constant = operator.family(resolved)
            if operator.takes_variables:
                self._expected = tuple(text_of(value) for value in resolved)

    def evaluate(self, context: Context) -> ConditionTrace:
        """Whether the clause holds, and what was compared with what."""
        found = context.get(self._key)
        actual = (found,) if isinstance(found, str) else (found or None)
        if self._constant is not None:
            matcher, expected = self._constant, self._expected
        else:
            matcher, expected = self._with_variables(context)
        return ConditionTrace(
            operator=self.clause.operator,
            key=self.clause.key,
            expected=expected,
            actual=actual,
            matched=_holds(self._operator, matcher, actual),
        )

    def _with_variables(self, context: Context) -> tuple[Matcher, tuple[str, ...]]:
        """A value whose variable has neither value nor default equals nothing; the trace shows it as written."""
        resolved = [template.resolve(context) for template in self._templates]
        matcher = self._operator.family([value for value in resolved if value is not None])
        expected = tuple(
            template.source if value is None else text_of(value)
            for template, value in zip(self._templates, resolved, strict=True)
        )
        return matcher, expected


def _holds(operator: Operator, matcher: Matcher, actual: tuple[str, ...] | None) -> bool:
    if operator.name == "Null":
        return matcher("true" if actual is None else "false")
    if operator.quantifier:
        return _holds_for_set(operator, matcher, actual)
    if actual is None:
        return operator.if_exists or operator.negated
    return operator.negated is not any(map(matcher, actual))


def _holds_for_set(operator: Operator, matcher: Matcher, actual: tuple[str, ...] | None) -> bool:
    if actual is None and operator.if_exists:
        return True
    # "... or when the context key value resolves to a null dataset, such as an empty string."
    values = () if actual is None or actual == ("",) else actual
    if operator.quantifier == "ForAllValues":
        return all(operator.negated is not matcher(value) for value in values)
    return any(operator.negated is not matcher(value) for value in values)
