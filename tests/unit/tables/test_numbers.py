"""Numbers that are not for reading."""

from __future__ import annotations

import pytest

from casemate.model.errors import AwsError
from casemate.tables.numbers import parse_number


@pytest.mark.parametrize("text", ["1" * 400_000 + "x", "1" * 400_000 + ".x", "1." + "1" * 400_000 + "e-x"])
def test_a_long_text_is_refused_in_the_time_it_takes_to_look_at_it_once(text: str) -> None:
    """Where digits could be read in two ways this took minutes: half a megabyte of them stopped the process."""
    with pytest.raises(AwsError, match="cannot be converted to a numeric value"):
        parse_number(text)
