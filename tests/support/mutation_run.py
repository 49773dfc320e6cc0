"""Does the differential test see a planted mistake? One answer for each mutant, with the flows it took."""

from __future__ import annotations

from random import Random

from casemate.reachability import reach
from tests.support.kernel_differential import EVERYTHING, Comparison, agree
from tests.support.kernel_mutants import Mutant
from tests.support.kernel_network import KernelNetwork
from tests.support.topologies import Features, Topology, random_topology
from tests.support.verdict_mutants import mistaken_verdict


async def verdict_mutants(
    mutants: dict[str, Mutant], *, seed: int, topologies: int, flows: int
) -> dict[str, int]:
    """Mutant -> flows on which the mistaken verdict differs from the one kernel they are all held against."""
    rng = Random(seed)
    seen = dict.fromkeys(mutants, 0)
    async with KernelNetwork.running() as net:
        comparison = Comparison(net)
        for _ in range(topologies):
            topology = random_topology(rng, flows=flows, features=EVERYTHING)
            assert await comparison.run(topology) == [], "without a mistake they agree"
            for name, mutant in mutants.items():
                with mistaken_verdict(mutant):
                    seen[name] += _differing(topology, comparison)
    return seen


def _differing(topology: Topology, comparison: Comparison) -> int:
    return sum(not agree(reach(topology.snapshot, flow), comparison.said[flow]) for flow in topology.flows)


async def kernel_mutant(
    mutant: Mutant, *, seed: int, topologies: int, flows: int, features: Features = EVERYTHING
) -> int | None:
    """The flows tried until the mistaken kernel was caught; None when it never was."""
    rng = Random(seed)
    with mutant():
        async with KernelNetwork.running() as net:
            comparison = Comparison(net)
            for _ in range(topologies):
                topology = random_topology(rng, flows=flows, features=features)
                if await comparison.run(topology):
                    return comparison.flows
    return None
