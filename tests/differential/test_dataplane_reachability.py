"""The kernel and the pure verdict are made from one snapshot by two pieces of code, on purpose. They must agree.

More than the suite's share: `PYTHONPATH=src:. python tests/differential/dataplane_reachability.py SEED TOPOLOGIES`, and
`python tests/differential/run_network_mutants.py` for every planted mistake.
"""

from __future__ import annotations

import pytest
from tests.support.kernel_differential import DUAL_STACK, EVERYTHING, compare
from tests.support.kernel_mutants import KERNEL_MUTANTS
from tests.support.mutation_run import kernel_mutant, verdict_mutants
from tests.support.topologies import DEFAULT_FEATURES
from tests.support.verdict_mutants import VERDICT_MUTANTS

pytestmark = pytest.mark.kernel

OFTEN_SEEN = {
    "network ACLs are stateful",
    "security groups admit whatever comes",
    "a rule that names a group admits nobody",
    "the shortest prefix wins",
    "answers find their way whatever the routes",
    "the internet gateway translates nothing",
}
"""Verdict mutants that differ in one flow of a hundred; the rarer ones need the long run."""


@pytest.mark.parametrize(
    ("seed", "features", "topologies"),
    [(20261121, DEFAULT_FEATURES, 5), (7, EVERYTHING, 20), (4, DUAL_STACK, 10)],
)
async def test_the_kernel_does_what_the_verdict_says(seed: int, features, topologies: int) -> None:
    comparison, found = await compare(seed, topologies=topologies, flows=200, features=features)
    assert not found, "\n".join(found[:5])
    assert comparison.flows == topologies * 200
    assert 0.1 < comparison.answered / comparison.flows < 0.85, "flows that all end alike prove little"


async def test_mistakes_planted_in_the_verdict_are_seen() -> None:
    mutants = {name: mutant for name, mutant in VERDICT_MUTANTS.items() if name in OFTEN_SEEN}
    assert len(mutants) == len(OFTEN_SEEN)
    seen = await verdict_mutants(mutants, seed=2, topologies=5, flows=200)
    assert [name for name, differing in seen.items() if not differing] == []


@pytest.mark.parametrize(
    "name",
    [
        "network ACLs are stateful",
        "an ACL's closing deny is forgotten",
        "the receiver's security groups are not asked",
        "a port range begins one port late",
        "IPv6: network ACLs are stateful",
    ],
)
async def test_mistakes_planted_in_the_kernels_plan_are_seen(name: str) -> None:
    features = DUAL_STACK if name.startswith("IPv6") else EVERYTHING
    assert await kernel_mutant(KERNEL_MUTANTS[name], seed=2, topologies=12, flows=200, features=features)
