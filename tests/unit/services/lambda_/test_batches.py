"""What is left of a batch after an attempt."""

from __future__ import annotations

from casemate.services.lambda_.event_sources.batches import (
    LONGEST_PAUSE,
    Entry,
    Piece,
    after_attempt,
    pause,
    young,
)


def entries(*numbers: int) -> tuple[Entry, ...]:
    return tuple(Entry(sequence=one, text=str(one), at=float(one), data=b"{}") for one in numbers)


def given(*numbers: int, failures: int = 0) -> Piece:
    return Piece(entries=entries(*numbers), failures=failures)


def test_success_leaves_nothing() -> None:
    left = after_attempt(given(1, 2), None, bisect=True, retries=3)
    assert (left.pieces, left.discarded, left.wait) == ((), (), False)


def test_a_failure_is_tried_again_whole_after_a_pause() -> None:
    left = after_attempt(given(1, 2), 0, bisect=False, retries=-1)
    assert left.pieces == (given(1, 2, failures=1),)
    assert left.wait


def test_attempts_end_with_the_batch_given_up() -> None:
    assert after_attempt(given(1, 2, failures=1), 0, bisect=False, retries=2).pieces
    left = after_attempt(given(1, 2, failures=2), 0, bisect=False, retries=2)
    assert left.pieces == ()
    assert left.discarded == entries(1, 2)
    assert after_attempt(given(1), 0, bisect=False, retries=0).discarded == entries(1)


def test_a_bisection_is_no_attempt() -> None:
    left = after_attempt(given(1, 2, 3, failures=2), 0, bisect=True, retries=2)
    assert left.pieces == (given(1, failures=2), given(2, 3, failures=2))
    assert not left.wait
    assert after_attempt(given(1, failures=2), 0, bisect=True, retries=2).discarded == entries(1)


def test_what_precedes_the_first_failure_is_processed() -> None:
    left = after_attempt(given(1, 2, 3, failures=5), 1, bisect=False, retries=5)
    assert left.pieces == (given(2, 3, failures=1),)
    assert left.wait
    bisected = after_attempt(given(1, 2, 3), 1, bisect=True, retries=0)
    assert bisected.pieces == (given(2, 3),)
    assert after_attempt(given(1, 2), 1, bisect=False, retries=0).discarded == entries(2)


def test_records_grow_old() -> None:
    assert young(entries(10, 50, 100), now=110, max_age=60) == entries(50, 100)
    assert young(entries(10, 50, 100), now=110, max_age=-1) == entries(10, 50, 100)
    assert young(entries(10), now=10 + 24 * 3600 + 1, max_age=-1) == ()


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause(failures) for failures in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert pause(8) == pause(10_000) == LONGEST_PAUSE
