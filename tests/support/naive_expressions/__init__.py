"""A second evaluator of expressions: slow, plain, on the API's JSON, knowing nothing of the engine.

It takes trees, not text. A tree is a tuple whose first member says what it is:

    ("path", (name | position, ...))   ("value", wire)   ("undefined",)   ("call", function, (operand, ...))
    ("compare", operator, left, right)   ("between", operand, low, high)   ("in", operand, (choice, ...))
    ("and" | "or", left, right)   ("not", condition)
    ("+" | "-", left, right)   ("set", path, operand)   ("remove", path)   ("add" | "delete", path, value)

Sources: DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions", "Using update
expressions", "Using projection expressions". What may be complained about is gathered in sets: which complaint comes
first, where there are several, is not this evaluator's business.
"""

from __future__ import annotations

from tests.support.naive_expressions.conditions import complaints, holds
from tests.support.naive_expressions.projections import overlaps, projected
from tests.support.naive_expressions.updates import update_complaints, updated
from tests.support.naive_expressions.values import RefusedError, alike, at, below, kind, rank

__all__ = [
    "RefusedError",
    "alike",
    "at",
    "below",
    "complaints",
    "holds",
    "kind",
    "overlaps",
    "projected",
    "rank",
    "update_complaints",
    "updated",
]
