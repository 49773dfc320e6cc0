"""Every planted mistake, on either side: `PYTHONPATH=src:. python tests/differential/run_network_mutants.py [SEED]`."""

from __future__ import annotations

import asyncio
import sys

from tests.support.kernel_differential import DUAL_STACK, EVERYTHING
from tests.support.kernel_mutants import KERNEL_MUTANTS
from tests.support.mutation_run import kernel_mutant, verdict_mutants
from tests.support.verdict_mutants import VERDICT_MUTANTS


async def run(seed: int) -> int:
    survived = 0
    seen = await verdict_mutants(VERDICT_MUTANTS, seed=seed, topologies=30, flows=200)
    for name, differing in seen.items():
        survived += not differing
        print(f"verdict: {name}: " + (f"{differing} of 6000 flows differ" if differing else "NOT CAUGHT"))
    for name, mutant in KERNEL_MUTANTS.items():
        features = DUAL_STACK if name.startswith("IPv6") else EVERYTHING
        flows = await kernel_mutant(mutant, seed=seed, topologies=40, flows=200, features=features)
        survived += flows is None
        print(f"kernel: {name}: " + (f"caught within {flows} flows" if flows else "NOT CAUGHT"))
    print(f"{len(VERDICT_MUTANTS) + len(KERNEL_MUTANTS)} mutants, {survived} not caught")
    return survived


if __name__ == "__main__":
    sys.exit(asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1)))
