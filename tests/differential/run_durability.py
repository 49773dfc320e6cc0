"""The long run: `kill -9` at random moments under sixteen writers.

PYTHONPATH=src:. python tests/differential/run_durability.py [--rounds 200] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from tests.support.durability import Acknowledged, make_table, one_round  # noqa: E402
from tests.support.instance import Instance  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    dice, told, started = random.Random(options.seed), Acknowledged(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="casemate-durability-") as name:
        instance = Instance(Path(name) / "data", "--dataplane", "off").start()
        try:
            make_table(instance)
            for number in range(options.rounds):
                one_round(instance, number, told, dice=dice)
                if number % 10 == 9:
                    print(
                        f"{number + 1} kills, {told.writes} acknowledged writes, {time.monotonic() - started:.0f} s",
                        flush=True,
                    )
        finally:
            if instance.process is not None:
                instance.kill()
    records = sum(replay.records for replay in told.replays.values())
    print(
        f"nothing acknowledged was lost: {len(told.put)} puts, {len(told.deleted)} deletions, {sum(told.added)} increments, "
        f"{len(told.transactions)} transactions; {told.counted} additions under tokens were made once; indexes agree, and {records} stream records"
    )


if __name__ == "__main__":
    main()
