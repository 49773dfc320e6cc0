"""A table for the engine's tests, and short ways to ask it."""

from __future__ import annotations

from typing import Any

from casemate.tables.engine import TablesEngine
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.reads import Page, Reading
from casemate.tables.schema import IndexSchema, KeyAttribute, KeySchema, TableSchema
from casemate.tables.values import item_from_wire
from casemate.tables.writes import Guard, Update, Written

PARTITION = KeyAttribute(name="p", type="S")
SORT = KeyAttribute(name="s", type="N")
LOCAL = IndexSchema(
    name="local",
    number=1,
    key=KeySchema(partition=(PARTITION,), sort=(KeyAttribute(name="l", type="S"),)),
    projection="KEYS_ONLY",
    is_global=False,
)
GLOBAL = IndexSchema(
    name="global",
    number=2,
    key=KeySchema(partition=(KeyAttribute(name="g", type="S"),), sort=(KeyAttribute(name="h", type="N"),)),
    projection="INCLUDE",
    included=("extra",),
)
TABLE = TableSchema(
    table_id=bytes(range(16)),
    name="things",
    key=KeySchema(partition=(PARTITION,), sort=(SORT,)),
    indexes={"local": LOCAL, "global": GLOBAL},
)
PLAIN = TableSchema(table_id=bytes(16), name="plain", key=KeySchema(partition=(PARTITION,)))


def query(
    engine: TablesEngine,
    condition: str,
    values: dict[str, Any],
    *,
    table: TableSchema = TABLE,
    filter_text: str | None = None,
    **reading: Any,
) -> Page:
    """A Query by its expressions."""
    compiler = Compiler(read_placeholders(None, values))
    key = compiler.key_condition(condition)
    if filter_text is not None:
        reading["filter"] = compiler.condition(filter_text, "FilterExpression")
        reading["filter_values"] = compiler.placeholders.values
    terms = {term.attribute: term for term in key.terms}
    return engine.query(Reading(table=table, **reading), terms, compiler.placeholders.values)


def update(
    engine: TablesEngine,
    key: dict[str, Any],
    text: str | None,
    values: dict[str, Any] | None = None,
    *,
    names: dict[str, str] | None = None,
    condition: str | None = None,
    table: TableSchema = TABLE,
) -> Written:
    """An UpdateItem by its expressions."""
    compiler = Compiler(read_placeholders(names, values))
    changed = (
        None
        if text is None
        else Update(expression=compiler.update(text), values=compiler.placeholders.values)
    )
    guard = (
        None
        if condition is None
        else Guard(condition=compiler.condition(condition), values=compiler.placeholders.values)
    )
    return engine.update_item(table, item_from_wire(key), changed, guard)
