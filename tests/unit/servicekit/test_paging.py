from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.servicekit.paging import InvalidTokenError, page


@given(items=st.sets(st.text(min_size=1)), limit=st.integers(min_value=1, max_value=7))
def test_pages_together_are_the_sorted_list(items: set[str], limit: int) -> None:
    seen: list[str] = []
    token = None
    while True:
        chosen, token = page(items, key=str, limit=limit, token=token)
        assert len(chosen) <= limit
        seen += chosen
        if token is None:
            break
    assert seen == sorted(items)


@pytest.mark.parametrize("token", ["", "!", "MA==", "é", "AAAA", "_w=="])
def test_a_token_that_was_never_given_is_refused(token: str) -> None:
    with pytest.raises(InvalidTokenError):
        page(["a"], key=str, limit=1, token=token)
