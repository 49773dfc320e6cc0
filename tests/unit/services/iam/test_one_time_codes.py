"""Codes of MFA devices against the vectors of RFC 6238, appendix B (SHA-1, the last six of eight digits)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from casemate.services.iam.one_time_codes import code_at, pair_shown, step_of, step_shown

SEED = b"12345678901234567890"
NOW = datetime(2026, 11, 21, 9, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    assert code_at(SEED, seconds // 30) == code


@pytest.mark.parametrize("drift", [-2, -1, 0, 1, 2])
def test_a_clock_may_be_a_minute_off(drift: int) -> None:
    step = step_of(NOW) + drift
    assert step_shown(SEED, code_at(SEED, step), now=NOW) == step


@pytest.mark.parametrize("drift", [-3, 3, 1000])
def test_but_no_more(drift: int) -> None:
    assert step_shown(SEED, code_at(SEED, step_of(NOW) + drift), now=NOW) is None


def test_no_code_is_good_twice_nor_one_before_it() -> None:
    present = step_of(NOW)
    assert step_shown(SEED, code_at(SEED, present), now=NOW, after=present) is None
    assert step_shown(SEED, code_at(SEED, present - 1), now=NOW, after=present) is None
    assert step_shown(SEED, code_at(SEED, present + 1), now=NOW, after=present) == present + 1


@pytest.mark.parametrize("text", ["", "12345", "1234567", "abcdef", "٠١٢٣٤٥", "\x00"])
def test_what_is_no_code_is_never_good(text: str) -> None:
    assert step_shown(SEED, text, now=NOW) is None


@pytest.mark.parametrize("drift", [-15, -2, 0, 15])
def test_a_pair_of_codes_finds_a_clock_that_is_minutes_off(drift: int) -> None:
    step = step_of(NOW) + drift
    assert pair_shown(SEED, code_at(SEED, step), code_at(SEED, step + 1), now=NOW) == step + 1


def test_a_pair_must_be_consecutive_and_new() -> None:
    step = step_of(NOW)
    first, second, third = (code_at(SEED, step + each) for each in range(3))
    assert pair_shown(SEED, first, third, now=NOW) is None
    assert pair_shown(SEED, second, first, now=NOW) is None
    assert pair_shown(SEED, first, second, now=NOW, after=step) is None
    assert pair_shown(SEED, first, second, now=NOW.replace(hour=10)) is None
