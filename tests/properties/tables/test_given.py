"""The quick ways of items give what the long ones give, byte for byte, or leave it to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casemate.model.errors import AwsError
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.given import QuickItem, given_item, given_key, quick_record
from casemate.tables.keys import check_index_keys, index_key, item_key
from casemate.tables.records import item_of, pack, some_of
from casemate.tables.schema import IndexSchema, KeyAttribute, KeySchema, TableSchema
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.values import item_from_wire, item_to_wire, same
from casemate.tables.writes import Guard, Update, plan_put, plan_update

_STRING = KeyAttribute(name="p", type="S")
TABLE = TableSchema(table_id=bytes(16), name="table", key=KeySchema(partition=(_STRING,)))
BY_Q = KeySchema(partition=(KeyAttribute(name="q", type="S"),), sort=(KeyAttribute(name="a", type="N"),))
INDEXES = {
    "all": IndexSchema(name="all", number=1, key=BY_Q),
    "keys": IndexSchema(name="keys", number=2, key=BY_Q, projection="KEYS_ONLY"),
    "some": IndexSchema(name="some", number=3, key=BY_Q, projection="INCLUDE", included=("é", "S")),
}
INDEXED = TableSchema(table_id=bytes(16), name="table", key=TABLE.key, indexes=INDEXES)

texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=6) | st.sampled_from(
    ['":{"S":"', '{"S":"x"}', "\\", '"', "\x00", "é", "\U0001f600", "N", ":null"]
)
numbers = st.sampled_from(
    ["0", "-0", "1", "-12", "007", "1.0", "1e3", "", "-", "x", "٣", "9" * 18, "9" * 19, "100", "1E+2"]
)
names = st.sampled_from(["p", "q", "é", "S", "N", "a b"]) | texts.filter(bool)
wires = st.recursive(
    texts.map(lambda text: {"S": text})
    | numbers.map(lambda text: {"N": text})
    | st.sampled_from(
        [{}, {"S": "x", "N": "1"}, {"NULL": True}, {"BOOL": False}, {"B": b"x"}, {"SS": ["x"]}, {"X": "y"}]
    ),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda members: {"L": members})
        | st.dictionaries(names, inner, max_size=2).map(lambda members: {"M": members})
    ),
    max_leaves=4,
)
items = st.dictionaries(names, wires, max_size=4)


@given(items)
@example({"a": {"M": {"b": {"S": "x"}}}, "c": {}})
@example({"a": {"S": '":{"S":"'}})
@example({"a": {"N": "1"}, "b": {"M": {"N": {"N": "1"}}}, "c": {}})
@example({"p": {"S": "x"}, "n": {"N": "12"}, "é": {"S": "é"}})
def test_a_quick_record_is_the_record(wire: dict[str, Any]) -> None:
    quick = quick_record(wire)
    if quick is not None:
        assert quick == pack(item_from_wire(wire))


def test_what_is_no_value_is_left_to_the_long_way() -> None:
    assert quick_record({"a": 5, "b": {"M": {"c": {"S": "x"}}}}) is None


@given(st.dictionaries(names, texts.map(lambda text: {"S": text}), min_size=1, max_size=4))
def test_items_of_texts_without_escapes_are_quick(wire: dict[str, Any]) -> None:
    form = repr(item_to_wire(item_from_wire(wire)))
    if form.isprintable() and not set('\\"') & set(form):
        assert isinstance(given_item(wire), QuickItem)


@pytest.mark.parametrize(
    "wrong", [{}, {"p": {"N": "1"}}, {"q": {"S": "x"}}, {"p": {"S": ""}}, {"p": {"S": "x" * 2049}}]
)
def test_a_wrong_key_is_refused_in_the_same_words_whichever_way_it_came(wrong: dict[str, Any]) -> None:
    said = set[str]()
    for given_as in (given_item, item_from_wire):
        with pytest.raises(AwsError) as caught:
            plan_put(MemoryStorage(), TABLE, given_as(wrong), None)
        said.add(caught.value.message)
    assert len(said) == 1


@given(items, st.sets(names))
def test_some_attributes_are_those_of_the_item(wire: dict[str, Any], wanted: set[str]) -> None:
    item = _readable(wire)
    if item is None:
        return
    record = pack(item)
    whole = item_of(record)
    assert same(some_of(record, wanted), {name: whole[name] for name in wanted if name in whole})


updates = st.sampled_from(
    [
        "SET q = :v", "SET q = if_not_exists(q, :v), a = p", "SET q = a", "SET q = a + :v", "SET q.x = :v", "SET q[0] = :v",
        "REMOVE q", "REMOVE q.x, a", "ADD q :v", "DELETE q :v", "SET a = list_append(q, :v)", "ADD q :v REMOVE a",
    ]
)  # fmt: skip
conditions = st.none() | st.sampled_from(
    ["attribute_exists(q)", "a = :v", "size(q) > :v", "p = :v OR q <> a"]
)
held = st.fixed_dictionaries(
    {},
    optional={
        "q": wires | st.sampled_from([{"S": "one"}, {"S": "two"}]),
        "a": wires | st.sampled_from([{"N": "1"}, {"N": "2"}]),
        "other": wires,
        "é": wires,
    },
)


@given(held, updates, conditions, wires)
def test_a_change_is_what_writing_the_whole_item_anew_gives(
    wire: dict[str, Any], text: str, condition: str | None, value: dict[str, Any]
) -> None:
    item = _readable({"p": {"S": "key"}, **wire})
    if item is None:
        return
    storage = MemoryStorage()
    storage.write([(item_key(TABLE, item), pack(item))])
    key = given_key(TABLE, {"p": {"S": "key"}})
    try:
        compiler = Compiler(
            read_placeholders(None, {":v": value} if ":v" in text + (condition or "") else None)
        )
        values = compiler.placeholders.values
        update = Update(expression=compiler.update(text), values=values)
        guard = None if condition is None else Guard(condition=compiler.condition(condition), values=values)
    except AwsError:
        return
    whole = _outcome(lambda: _written_anew(item, update, guard))
    assert _outcome(lambda: plan_update(storage, TABLE, key, update, guard).new) == whole


def _written_anew(item: Any, update: Update, guard: Guard | None) -> bytes:
    if guard is not None and not guard.condition.holds(item, guard.values):
        raise AwsError("ConditionalCheckFailedException", "The conditional request failed")
    return pack(update.expression.apply(item, update.values))


def _outcome(plan: Callable[[], bytes | None]) -> Any:
    try:
        return plan()
    except AwsError as error:
        return error.code, error.message


@given(held, held)
def test_index_entries_are_those_of_the_whole_item(before: dict[str, Any], after: dict[str, Any]) -> None:
    storage = MemoryStorage()
    expected: dict[bytes, bytes] = {}
    for wire in (before, after):
        item = _readable({"p": {"S": "key"}, **wire})
        if item is None or _outcome(lambda: check_index_keys(INDEXED, item)) is not None:  # noqa: B023 - called here
            continue
        storage.write(plan_put(storage, INDEXED, given_item(item_to_wire(item)), None).changes)
        expected = {item_key(INDEXED, item): pack(item)}
        for index in INDEXES.values():
            key = index_key(INDEXED, index, item)
            if key is not None:
                names = INDEXED.projected(index)
                shown = {name: item[name] for name in item if names is None or name in names}
                expected[key] = pack(shown)
    assert dict(storage.scan(b"i", b"j")) == expected


def _readable(wire: dict[str, Any]) -> Any:
    try:
        return item_from_wire(wire)
    except AwsError:
        return None
