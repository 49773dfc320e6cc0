"""The kernel and the pure verdict are made from one snapshot by two pieces of code, on purpose. They must agree.

More than the suite's share: `PYTHONPATH=src:. python tests/differential/dataplane_reachability.py SEED TOPOLOGIES`.
"""

from __future__ import annotations

import pytest
from tests.support.kernel_differential import EVERYTHING, compare
from tests.support.topologies import DEFAULT_FEATURES

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(("seed", "features"), [(20261121, DEFAULT_FEATURES), (7, EVERYTHING)])
async def test_the_kernel_does_what_the_verdict_says(seed: int, features) -> None:
    comparison, found = await compare(seed, topologies=8, flows=40, features=features)
    assert not found, "\n".join(found[:5])
    assert comparison.flows == 320
    assert 0.1 < comparison.answered / comparison.flows < 0.85, "flows that all end alike prove little"
