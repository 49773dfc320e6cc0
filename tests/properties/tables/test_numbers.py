"""Numbers against Python's `decimal` and fractions: which are taken, how they are written, how they sort and add up."""

from __future__ import annotations

import os
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, InvalidOperation
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.tables import query, update

from casemate.model.errors import AwsError
from casemate.tables.engine import TablesEngine
from casemate.tables.numbers import encode_number, number_text, parse_number
from casemate.tables.schema import KeyAttribute, KeySchema, TableSchema
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.values import from_wire, item_from_wire, same

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))
"""A long run sets more."""
_WIDE = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
TABLE = TableSchema(
    table_id=bytes(16),
    name="numbers",
    key=KeySchema(partition=(KeyAttribute(name="p", type="S"),), sort=(KeyAttribute(name="s", type="N"),)),
)
digits = (
    st.integers(0, 10**9).map(str)
    | st.text("0123456789", min_size=1, max_size=42)
    | st.sampled_from(("9" * 38, "0", "000", "1" + "0" * 37))
)
exponents = (
    st.integers(-8, 8) | st.integers(-175, 175) | st.sampled_from((-130, -131, 125, 126, 87, 88, -92, -93))
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Decimal notation in any of its forms."""
    text = draw(digits)
    if draw(st.booleans()):
        place = draw(st.integers(0, len(text)))
        text = f"{text[:place]}.{text[place:]}"
    if draw(st.booleans()):
        text += draw(st.sampled_from("eE")) + draw(st.sampled_from(("", "+"))) + str(draw(exponents))
        text = text.replace("+-", "-")
    return draw(st.sampled_from(("", "", "-", "+"))) + text


def expected(text: str) -> Decimal | None:
    """The number, or None where DynamoDB has none: 38 significant digits, magnitudes from 1E-130 to 9.9...E+125.

    Developer Guide, "Supported data types and naming rules", Number.
    """
    number = Decimal(text)
    if not number:
        return Decimal(0)
    _, found, _ = number.as_tuple()
    significant = len("".join(map(str, found)).strip("0"))
    return number if significant <= 38 and -130 <= number.adjusted() <= 125 else None


def parsed(text: str) -> Decimal | None:
    try:
        return parse_number(text)
    except AwsError as refusal:
        assert refusal.code == "ValidationException"  # noqa: PT017  # the refusal is one of two answers
        return None


def plain(number: Decimal) -> str:
    """Without exponent, zeros that say nothing, or a sign of zero, worked out digit by digit."""
    sign, found, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, found))
    if exponent >= 0:
        whole, rest = text + "0" * exponent, ""
    else:
        text = text.rjust(1 - exponent, "0")
        whole, rest = text[:exponent], text[exponent:]
    whole, rest = whole.lstrip("0") or "0", rest.rstrip("0")
    shown = f"{whole}.{rest}" if rest else whole
    return f"-{shown}" if sign and number else shown


good = texts().filter(lambda text: expected(text) is not None)


@settings(max_examples=EXAMPLES, deadline=None)
@given(texts())
def test_what_is_a_number_and_how_it_is_written(text: str) -> None:
    wanted, found = expected(text), parsed(text)
    assert (found is None) == (wanted is None)
    if wanted is not None and found is not None:
        assert _WIDE.compare(found, wanted) == 0
        assert number_text(found) == plain(wanted)
        assert parse_number(number_text(found)) == found


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text("0123456789.eE+-_ x٣", max_size=6))
def test_what_is_no_number_for_decimal_is_none(text: str) -> None:
    try:
        is_number = Decimal(text).is_finite()
    except InvalidOperation:
        is_number = False
    # decimal forgives surrounding blanks, underscores and digits of other scripts.
    is_number = is_number and text.isascii() and "_" not in text and text == text.strip()
    assert (parsed(text) is not None) == (is_number and expected(text) is not None)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(good, min_size=2, max_size=8))
def test_bytes_sort_as_decimal_compares(given_texts: list[str]) -> None:
    numbers = sorted(
        given_texts, key=cmp_to_key(lambda one, two: int(_WIDE.compare(Decimal(one), Decimal(two))))
    )
    encoded = [encode_number(parse_number(text)) for text in numbers]
    assert encoded == sorted(encoded)
    for one, two, left, right in zip(numbers, numbers[1:], encoded, encoded[1:], strict=False):
        assert (left == right) == (_WIDE.compare(Decimal(one), Decimal(two)) == 0)


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(st.lists(good, min_size=1, max_size=8), good, good)
def test_a_query_gives_numbers_in_the_order_of_their_values(stored: list[str], low: str, high: str) -> None:
    low, high = sorted((low, high), key=Fraction)
    engine = TablesEngine(MemoryStorage())
    for text in stored:
        engine.put_item(TABLE, item_from_wire({"p": {"S": "a"}, "s": {"N": text}}))
    values = {":p": {"S": "a"}, ":l": {"N": low}, ":h": {"N": high}}
    page = query(engine, "p = :p AND s BETWEEN :l AND :h", values, table=TABLE)
    wanted = sorted({Fraction(text) for text in stored if Fraction(low) <= Fraction(text) <= Fraction(high)})
    assert [Fraction(item["s"]["N"]) for item in page.items] == wanted


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(good, min_size=1, max_size=4), st.lists(good, min_size=1, max_size=4))
def test_sets_are_equal_when_their_numbers_are(one: list[str], two: list[str]) -> None:
    def read(texts_: list[str]) -> Any:
        try:
            return from_wire({"NS": texts_})
        except AwsError:
            return None

    left, right = read(one), read(two)
    assert (left is None) == (len({Fraction(text) for text in one}) < len(one))
    if left is not None and right is not None:
        assert same(left, right) == ({Fraction(text) for text in one} == {Fraction(text) for text in two})
    if left is not None:
        assert same(left, from_wire({"NS": [number_text(parse_number(text)) for text in reversed(one)]}))


@settings(max_examples=EXAMPLES, deadline=None)
@given(good, good, st.sampled_from(("SET n = n + :v", "SET n = n - :v", "ADD n :v")))
def test_sums_are_exact_or_refused(one: str, two: str, text: str) -> None:
    """Never rounded: a sum of more than 38 digits is no number."""
    engine = TablesEngine(MemoryStorage())
    key = {"p": {"S": "a"}, "s": {"N": "0"}}
    engine.put_item(TABLE, item_from_wire({**key, "n": {"N": one}}))
    exact = (
        _WIDE.subtract(Decimal(one), Decimal(two)) if "-" in text else _WIDE.add(Decimal(one), Decimal(two))
    )
    wanted = expected(str(exact))
    try:
        written = update(engine, key, text, {":v": {"N": two}}, table=TABLE)
    except AwsError:
        assert wanted is None
        return
    assert wanted is not None
    assert written.new_item is not None
    assert written.new_item["n"]["N"] == plain(wanted)
