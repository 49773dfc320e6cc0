"""Whatever is sent, the answer is a result or AWS's error: never a traceback."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.model.errors import AwsError
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.paths import project
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.values import from_wire, item_from_wire, same, to_wire

WORDS = """
    a b c.d a[0] a[1].b #n :v :w :x ( ) , = <> < >= + - AND OR NOT BETWEEN IN SET REMOVE ADD DELETE size(
    attribute_exists( attribute_type( begins_with( contains( if_not_exists( list_append( a[999999999999999999999]
    name ! " é . [ ] 12 # :
"""
words = st.sampled_from(WORDS.split())
texts = st.lists(words, max_size=14).map(" ".join) | st.text(max_size=30)
VALUES = {":v": {"N": "1"}, ":w": {"S": "x"}, ":x": {"L": [{"S": "y"}]}}
ITEM = item_from_wire(
    {"a": {"L": [{"S": "q"}, {"M": {"b": {"N": "1"}}}]}, "b": {"N": "2"}, "c": {"M": {"d": {"SS": ["x"]}}}}
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(["condition", "update", "projection", "key_condition"]), texts)
def test_expressions(kind: str, text: str) -> None:
    compiler = Compiler(read_placeholders({"#n": "b"}, VALUES))
    try:
        compiled: Any = getattr(compiler, kind)(text)
        if kind == "condition":
            assert compiled.holds(ITEM, compiler.placeholders.values) in (True, False)
        elif kind == "update":
            new = compiled.apply(ITEM, compiler.placeholders.values)
            assert same(item_from_wire({name: to_wire(value) for name, value in new.items()}), new)
        elif kind == "projection":
            assert project(ITEM, compiled.tree).keys() <= ITEM.keys()
    except AwsError as refusal:
        refused = refusal
    else:
        return
    assert refused.code == "ValidationException"
    assert refused.message


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M", "q"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=600, deadline=None)
@given(json_like)
def test_attribute_values(wire: Any) -> None:
    try:
        value = from_wire(wire)
    except AwsError as refusal:
        refused = refusal
    else:
        assert same(from_wire(to_wire(value)), value)
        return
    assert refused.code in ("ValidationException", "SerializationException")
