"""1,000 asynchronous events at concurrency 50, something killed in the middle: none may be lost. Takes minutes.

PYTHONPATH=src python -m tests.differential.run_lambda_durability [EVENTS] [CONCURRENCY] [everything|forkserver|helper]
"""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.statements.test_lambda_durability import FORK_SERVER, HELPER, burst, everything, kill_part
from tests.support.instance import Instance

ENDS = {
    "everything": everything,
    "forkserver": partial(kill_part, program=FORK_SERVER),
    "helper": partial(kill_part, program=HELPER),
}


def main(events: int, concurrency: int, end: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        instance = Instance(Path(directory) / "data", "--dataplane", "kernel").start()
        began = time.monotonic()
        try:
            accepted, answers = burst(
                instance,
                events=events,
                callers=concurrency,
                concurrency=concurrency,
                seconds=1800,
                end=ENDS[end],
            )
        finally:
            if instance.process is not None:
                instance.stop()
    seconds = time.monotonic() - began
    print(
        f"{end} killed: {len(accepted)} events accepted, all processed, in {seconds:.0f} s; synchronous callers: {answers}"
    )


if __name__ == "__main__":
    arguments = sys.argv[1:] + ["1000", "50", "everything"][len(sys.argv) - 1 :]
    main(int(arguments[0]), int(arguments[1]), arguments[2])
