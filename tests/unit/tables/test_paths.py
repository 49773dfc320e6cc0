"""Overlapping paths: the same pairs are found as by comparing every two, without doing that."""

from __future__ import annotations

from itertools import product
from string import ascii_lowercase, digits

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.naive_expressions import overlaps

from casemate.tables.expressions.errors import Problems, Rank
from casemate.tables.expressions.paths import Path, check_distinct, path_text

paths = st.builds(
    lambda first, rest: (first, *rest),
    st.sampled_from("abcd"),
    st.lists(st.sampled_from(("a", "b", 0, 1)), max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(paths, max_size=8))
def test_the_first_overlapping_pair_is_reported_and_the_first_that_conflicts_otherwise(
    found: list[Path],
) -> None:
    problems = Problems(label="UpdateExpression")
    check_distinct(found, problems)
    ordered = [(one, two) for place, two in enumerate(found) for one in found[:place]]
    for rank, kind in ((Rank.OVERLAP, "overlap"), (Rank.CONFLICT, "conflict")):
        pairs = [pair for pair in ordered if kind in overlaps(list(pair))]
        if pairs:
            one, two = pairs[0]
            told = min(problems.found)
            assert told[0] is rank
            assert told[2].endswith(f"path one: {path_text(one)}, path two: {path_text(two)}")
            return
    assert not problems.found


def test_thousands_of_paths_are_looked_at_once() -> None:
    """What an expression of four kilobytes holds: comparing every two of them took a second, or three where they overlap."""
    names = [(one + two,) for one, two in product(ascii_lowercase + digits, repeat=2)]
    problems = Problems(label="ProjectionExpression")
    check_distinct(names * 100, problems)
    assert len(problems.found) == 1
