"""An update makes no item that is nested deeper than one that is sent may be: nobody could read it again."""

from __future__ import annotations

from typing import Any

import pytest

from casemate.model.errors import AwsError
from casemate.tables.engine import TablesEngine
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.given import given_item
from casemate.tables.records import some_of
from casemate.tables.schema import KeyAttribute, KeySchema, TableSchema
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.values import item_from_wire
from casemate.tables.writes import Update

TABLE = TableSchema(
    table_id=bytes(16), name="table", key=KeySchema(partition=(KeyAttribute(name="p", type="S"),))
)
KEY = item_from_wire({"p": {"S": "key"}})
DEEPEST = 31
"""Maps around a text. Observed of items written in any way, an update of a transaction among them: paritysuite/
dynamodb-conformance ("Nesting depth", eu-west-2 and us-east-1, 2026-09-12: "still cancels on the stored-item cap")."""


def nested(levels: int) -> dict[str, Any]:
    wire: dict[str, Any] = {"S": "leaf"}
    for _ in range(levels):
        wire = {"M": {"m": wire}}
    return wire


@pytest.mark.parametrize(
    "text", ["SET {path} = :v", "SET {path} = list_append(:v, :v)", "ADD q :n SET {path} = :v"]
)
@pytest.mark.parametrize("levels", [DEEPEST - 10, DEEPEST - 9], ids=["just deep enough", "too deep"])
def test_an_update_goes_as_deep_as_an_item_may(text: str, levels: int) -> None:
    engine = TablesEngine(MemoryStorage())
    engine.put_item(TABLE, item_from_wire({"p": {"S": "key"}, "m": nested(DEEPEST)}))
    value = {"L": [nested(levels - 1)]}
    values = {":v": value, ":n": {"N": "1"}} if ":n" in text else {":v": value}
    compiler = Compiler(read_placeholders(None, values))
    expression = compiler.update(text.format(path=".".join("m" * 11)))
    update = Update(expression=expression, values=compiler.placeholders.values)
    if levels + 10 > DEEPEST:
        with pytest.raises(AwsError, match="Nesting Levels have exceeded supported limits"):
            engine.update_item(TABLE, KEY, update)
    else:
        engine.update_item(TABLE, KEY, update)
    record = engine.get_item(TABLE, KEY)
    assert record is not None
    assert some_of(record, ["m"])


@pytest.mark.parametrize("levels", [DEEPEST + 1, 500, 5000])
def test_an_item_of_any_depth_is_refused_by_its_rule(levels: int) -> None:
    with pytest.raises(AwsError, match="Nesting Levels have exceeded supported limits"):
        given_item({"p": nested(levels)})
