"""1,000 asynchronous events at concurrency 50, everything killed in the middle: none may be lost. Takes minutes.

PYTHONPATH=src python -m tests.differential.run_lambda_durability [EVENTS] [CONCURRENCY]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.statements.test_lambda_durability import burst
from tests.support.instance import Instance


def main(events: int, concurrency: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        instance = Instance(Path(directory) / "data", "--dataplane", "kernel").start()
        began = time.monotonic()
        try:
            accepted, answers = burst(
                instance, events=events, callers=concurrency, concurrency=concurrency, seconds=1800
            )
        finally:
            if instance.process is not None:
                instance.stop()
    seconds = time.monotonic() - began
    print(
        f"{len(accepted)} events accepted, all processed, in {seconds:.0f} s; synchronous callers: {answers}"
    )


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]]
    main(*(arguments + [1000, 50][len(arguments) :]))
