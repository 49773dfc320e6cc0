"""Quotas. Sources as in `casemate.policy.sizes`."""

from __future__ import annotations

import pytest

from casemate.policy.errors import PolicyTooLarge
from casemate.policy.sizes import SIZE_LIMITS, PolicyUse, check_size, size_of


def test_iam_does_not_count_white_space() -> None:
    assert size_of("{ }\n\t", PolicyUse.MANAGED) == 2
    check_size(PolicyUse.MANAGED, "x" * 6144 + " " * 1000)


def test_organizations_and_endpoints_count_every_character() -> None:
    assert size_of("{ }\n\t", PolicyUse.SCP) == 5
    with pytest.raises(PolicyTooLarge) as caught:
        check_size(PolicyUse.SCP, " " * 10241)
    assert (caught.value.size, caught.value.limit) == (10241, 10240)


def test_inline_policies_count_together() -> None:
    check_size(PolicyUse.ROLE_INLINE, "x" * 5000, "x" * 5240)
    with pytest.raises(PolicyTooLarge):
        check_size(PolicyUse.ROLE_INLINE, "x" * 5000, "x" * 5241)


@pytest.mark.parametrize("use", list(PolicyUse))
def test_the_quota_itself_is_allowed_and_one_more_is_not(use: PolicyUse) -> None:
    limit = SIZE_LIMITS[use].limit
    check_size(use, "x" * limit)
    with pytest.raises(PolicyTooLarge):
        check_size(use, "x" * (limit + 1))
