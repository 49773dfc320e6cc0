"""The engine's expressions against a second evaluator that shares nothing with it: same results, same refusals."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.support import naive_expressions as naive
from tests.support.expression_trees import Writer, actions, conditions, items, paths

from casemate.model.errors import AwsError
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.paths import project
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.values import item_from_wire, item_to_wire

T = TypeVar("T")
EXAMPLES = int(os.environ.get("EXAMPLES", "120"))
"""A long run sets more."""
_REASONS = {
    "Incorrect operand type": "type",
    "Incorrect number of operands": "count",
    "too many operands": "count",
    "Invalid function name": "function",
    "The function is not allowed in": "function",
    "requires a document path": "path",
    "must be distinct": "distinct",
    "The BETWEEN operator requires": "bounds",
    "Invalid attribute type name": "type name",
    "not allowed to be used this way": "place",
    "overlap with each other": "overlap",
    "conflict with each other": "conflict",
    "can only be used once": "section",
    "used in expression is not defined": "undefined",
    "has an incorrect data type": "operand",
    "does not exist in the item": "absent",
    "is invalid for update": "document path",
    "Number overflow": "number",
    "Number underflow": "number",
    "more than 38 significant digits": "number",
}


def reason(refusal: AwsError) -> str:
    """Which refusal it is."""
    assert refusal.code == "ValidationException"
    found = [short for words, short in _REASONS.items() if words in refusal.message]
    assert len(found) == 1, refusal.message
    return found[0]


def attempt(act: Callable[[], T]) -> tuple[T | None, str | None]:
    """What came of it: a result, or which refusal."""
    try:
        return act(), None
    except AwsError as refusal:
        return None, reason(refusal)


def compiler_of(writer: Writer) -> Compiler:
    return Compiler(read_placeholders(writer.names or None, writer.values or None))


@settings(max_examples=EXAMPLES, deadline=None)
@given(conditions, st.lists(items, min_size=1, max_size=3), st.data())
def test_conditions(tree: Any, given_items: list[Any], data: st.DataObject) -> None:
    writer = Writer(data.draw)
    text = writer.condition(tree)
    expected = naive.complaints(tree)
    compiler = compiler_of(writer)
    condition, refused = attempt(lambda: compiler.condition(text))
    if condition is None:
        event("refused")
        assert refused in expected, text
        return
    assert not expected, text
    compiler.check_all_used()
    for item in given_items:
        held = condition.holds(item_from_wire(item), compiler.placeholders.values)
        event(str(held))
        assert held == naive.holds(tree, item), text


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(actions, min_size=1, max_size=4), items, st.data())
def test_updates(trees: list[Any], item: Any, data: st.DataObject) -> None:
    writer = Writer(data.draw)
    text, trees = writer.update(trees)
    expected = naive.update_complaints(trees)
    compiler = compiler_of(writer)
    update, refused = attempt(lambda: compiler.update(text))
    if update is None:
        event("refused")
        assert refused in expected, text
        return
    assert not expected, text
    compiler.check_all_used()
    changed, reasons = naive.updated(trees, item)
    new, refused = attempt(lambda: update.apply(item_from_wire(item), compiler.placeholders.values))
    if new is None:
        event("refused for this item")
        assert refused in reasons, text
        return
    event("changed" if changed != item else "unchanged")
    assert changed is not None, f"not refused: {text}"
    assert naive.alike({"M": item_to_wire(new)}, {"M": changed}), text


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(st.lists(paths, min_size=1, max_size=4), items, st.data())
def test_projections(wanted: list[Any], item: Any, data: st.DataObject) -> None:
    writer = Writer(data.draw)
    text = ", ".join(writer.path(path) for path in wanted)
    expected = naive.overlaps(wanted)
    projection, refused = attempt(lambda: compiler_of(writer).projection(text))
    if projection is None:
        assert refused in expected, text
        return
    assert not expected, text
    found = item_to_wire(project(item_from_wire(item), projection.tree))
    assert naive.alike({"M": found}, {"M": naive.projected(wanted, item)}), text
