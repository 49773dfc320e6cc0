"""Many random networks: `python tests/differential/dataplane_reachability.py SEED TOPOLOGIES [FLOWS]`."""

from __future__ import annotations

import asyncio
import sys
import time

from tests.support.kernel_differential import DUAL_STACK, compare


def main() -> int:
    seed, topologies = int(sys.argv[1]), int(sys.argv[2])
    flows = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    started = time.monotonic()
    comparison, found = asyncio.run(compare(seed, topologies, flows, DUAL_STACK))
    for text in found[:10]:
        print(text)
    print(
        f"{topologies} topologies, {comparison.flows} flows, {comparison.answered} answered, "
        f"{len(found)} disagreements, {time.monotonic() - started:.1f} s"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
