"""Laws of update expressions."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.paths import find, project, tree_of
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.numbers import bounded
from casemate.tables.records import item_of, pack, record_size
from casemate.tables.values import (
    BinarySet,
    NumberSet,
    StringSet,
    from_wire,
    item_size,
    same,
    to_wire,
)

texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=6)
names = texts.filter(bool)
numbers = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4
).map(bounded)
scalars = texts | numbers | st.binary(max_size=6) | st.booleans() | st.none()
sets = (
    st.sets(texts, min_size=1, max_size=3).map(StringSet)
    | st.sets(numbers, min_size=1, max_size=3).map(NumberSet)
    | st.sets(st.binary(max_size=3), min_size=1, max_size=3).map(BinarySet)
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
items = st.dictionaries(st.sampled_from("abcde"), values, max_size=5)


def apply(item: Any, text: str, **given_values: Any) -> Any:
    compiler = Compiler(
        read_placeholders(None, {f":{name}": to_wire(value) for name, value in given_values.items()} or None)
    )
    return compiler.update(text).apply(item, compiler.placeholders.values)


@given(values)
def test_the_wire_form_reads_back(value: Any) -> None:
    assert same(from_wire(to_wire(value)), value)


@given(items)
def test_a_record_reads_back_and_knows_its_size(item: Any) -> None:
    record = pack(item)
    assert same(dict(item_of(record)), item)
    assert record_size(record) == item_size(item)


@given(values, values)
def test_sameness_is_an_equivalence_that_tells_types_apart(one: Any, two: Any) -> None:
    assert same(one, one)
    assert same(one, two) == same(two, one)
    if same(one, two):
        assert to_wire(one).keys() == to_wire(two).keys()


@given(items, values)
def test_what_is_set_is_found_and_the_rest_is_untouched(item: Any, value: Any) -> None:
    new = apply(item, "SET a = :v", v=value)
    assert same(new["a"], value)
    assert {name: new[name] for name in new if name != "a"} == {
        name: item[name] for name in item if name != "a"
    }


@given(items)
def test_remove_is_idempotent(item: Any) -> None:
    once = apply(item, "REMOVE a, b")
    assert same(apply(once, "REMOVE a, b"), once)
    assert "a" not in once


@given(items, st.sets(texts, min_size=1, max_size=3), st.sets(texts, min_size=1, max_size=3))
def test_add_and_delete_are_union_and_difference(item: Any, one: set[str], two: set[str]) -> None:
    rest = {name: value for name, value in item.items() if name != "t"}
    added = apply(apply(rest, "ADD t :v", v=StringSet(one)), "ADD t :v", v=StringSet(two))
    assert added["t"] == one | two
    left = apply(added, "DELETE t :v", v=StringSet(one))
    assert left.get("t", frozenset()) == two - one
    assert ("t" in left) == bool(two - one)


@given(numbers, numbers)
def test_addition_commutes_with_add(one: Any, two: Any) -> None:
    item = {"n": one}
    assert apply(item, "SET n = n + :v", v=two)["n"] == apply(item, "ADD n :v", v=two)["n"]
    assert apply(apply(item, "ADD n :v", v=two), "SET n = n - :v", v=two)["n"] == one


@given(st.lists(scalars, max_size=5).map(tuple), st.sets(st.integers(0, 6), min_size=1, max_size=3))
def test_removing_list_elements_uses_the_positions_of_before(elements: Any, positions: set[int]) -> None:
    new = apply({"l": elements}, "REMOVE " + ", ".join(f"l[{position}]" for position in positions))
    kept = tuple(value for place, value in enumerate(elements) if place not in positions)
    assert same(new["l"], kept)


@given(items, st.sampled_from(["a", "b", "c"]))
def test_a_projection_of_whole_attributes_is_a_selection(item: Any, name: str) -> None:
    assert same(project(item, tree_of([(name,)])), {key: value for key, value in item.items() if key == name})
    assert find(item, (name,)) is item.get(name, find({}, (name,)))
