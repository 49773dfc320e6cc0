"""A quick key is the key: the same bytes, and none where a key is wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from casemate.model.errors import AwsError
from casemate.tables.keys import check_key, item_key
from casemate.tables.quick_keys import quick_key
from casemate.tables.schema import KeyAttribute, KeySchema, TableSchema
from casemate.tables.values import item_from_wire

values = st.one_of(
    st.text(max_size=300).map(lambda text: {"S": text}),
    st.sampled_from(["0", "1", "007", "-1", "1.50", "1e3", "x", "", "٣", "9" * 18, "9" * 19]).map(
        lambda text: {"N": text}
    ),
    st.sampled_from([{"S": "x", "N": "1"}, {}, {"B": b"x"}, {"S": 1}, {"N": 1}, "x", None, {"S": "\x00"}]),
)
keys = st.dictionaries(st.sampled_from("psx"), values, max_size=3)
types = st.sampled_from(["S", "N", "B"])


@given(types, st.none() | types, keys)
def test_a_quick_key_is_the_key(partition: Any, sort: Any, wire: dict[str, Any]) -> None:
    table = TableSchema(
        table_id=b"t" * 16,
        name="table",
        key=KeySchema(
            partition=(KeyAttribute(name="p", type=partition),),
            sort=() if sort is None else (KeyAttribute(name="s", type=sort),),
        ),
    )
    quick = quick_key(table, wire)
    if quick is None:
        return
    try:
        item = item_from_wire(wire)
        check_key(table, item)
    except AwsError as error:
        raise AssertionError(wire) from error
    assert quick == item_key(table, item)
