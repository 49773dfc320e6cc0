"""Order of bytes is order of values."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from casemate.tables.keys import after, escape, sort_component, successor
from casemate.tables.numbers import add, bounded, encode_number, number_text, parse_number, subtract

digits = st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)
numbers = st.builds(
    lambda coefficient, exponent: bounded(Decimal(coefficient).scaleb(exponent)),
    st.integers(min_value=-(10**12), max_value=10**12),
    st.integers(min_value=-118, max_value=110),
) | st.builds(lambda coefficient: bounded(Decimal(coefficient)), digits)
strings = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12)
binaries = st.binary(max_size=8) | st.lists(st.sampled_from([0, 1, 2, 254, 255]), max_size=5).map(bytes)


@given(numbers, numbers)
def test_numbers_sort_as_numbers(one: Decimal, two: Decimal) -> None:
    assert (encode_number(one) < encode_number(two)) == (one < two)
    assert (encode_number(one) == encode_number(two)) == (one == two)


@given(binaries, binaries)
def test_closed_components_sort_as_binaries(one: bytes, two: bytes) -> None:
    assert (sort_component(one) < sort_component(two)) == (one < two)


@given(strings, strings)
def test_closed_components_sort_as_the_utf8_of_strings(one: str, two: str) -> None:
    assert (sort_component(one) < sort_component(two)) == (one.encode() < two.encode())
    # What conditions use is the same order.
    assert (one < two) == (one.encode() < two.encode())


@given(binaries, binaries, binaries, binaries)
def test_components_in_a_row_sort_one_after_the_other(a: bytes, b: bytes, c: bytes, d: bytes) -> None:
    left, right = sort_component(a) + sort_component(b), sort_component(c) + sort_component(d)
    assert (left < right) == ((a, b) < (c, d))


@given(binaries, binaries, binaries)
def test_bounds_hold_what_they_should(value: bytes, other: bytes, rest: bytes) -> None:
    closed, entry = sort_component(value), sort_component(other) + rest
    assert (closed <= entry < after(closed)) == (other == value)


@given(binaries, binaries)
def test_a_prefix_range_holds_exactly_the_values_that_begin_with_it(prefix: bytes, value: bytes) -> None:
    start = b"i" + escape(prefix)
    held = start <= b"i" + sort_component(value) < successor(start)
    assert held == value.startswith(prefix)


@given(numbers)
def test_text_of_a_number_reads_back(number: Decimal) -> None:
    text = number_text(number)
    assert "E" not in text
    assert parse_number(text) == number


@given(st.integers(-(10**18), 10**18), st.integers(-(10**18), 10**18), st.integers(-19, 0))
def test_addition_is_exact_and_subtraction_undoes_it(one: int, two: int, exponent: int) -> None:
    left, right = bounded(Decimal(one).scaleb(exponent)), bounded(Decimal(two).scaleb(exponent))
    assert add(left, right) == bounded(Decimal(one + two).scaleb(exponent))
    assert subtract(add(left, right), right) == left
