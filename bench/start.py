"""Start to ready, many times, in processor time: what a busy machine does not change.

Each start is of an empty directory. Bytecode must be there (`make setup` compiles it): a start that compiles its own
sources takes twice as long.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.peers import Peer, casemate, family

_SETTLED = 2.5
"""Seconds until what is loaded after the ready line is loaded."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench start", description=__doc__)
    parser.add_argument("--starts", type=int, default=9)
    options, passed_on = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="casemate-bench-") as directory:
        casemate(Path(directory), *passed_on).stop()  # files are read from disk, not measured
    figures = [_start(*passed_on) for _ in range(options.starts)]
    for number, name in enumerate(("ready after", "processor time, front door", "and what it started")):
        column = [each[number] for each in figures]
        print(f"{name:>28}: {median(column):.2f} s (least {min(column):.2f})")
    print(f"{'idle memory (PSS)':>28}: {_idle(*passed_on):.0f} MiB")
    return 0


def _start(*options: str) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory(prefix="casemate-bench-") as directory:
        peer = casemate(Path(directory), *options)
        try:
            front = _processor_seconds(peer.process.pid)
            others = sum(_processor_seconds(pid) for pid in family(peer.process.pid)[1:])
            return peer.seconds_to_ready, front, others
        finally:
            _stop(peer)


def _idle(*options: str) -> float:
    with tempfile.TemporaryDirectory(prefix="casemate-bench-") as directory:
        peer = casemate(Path(directory), *options)
        try:
            time.sleep(_SETTLED)
            return peer.memory_mib()
        finally:
            _stop(peer)


def _processor_seconds(pid: int) -> float:
    """Of its threads, finer than the ticks of proc(5)'s stat: the first field of schedstat, in nanoseconds."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except OSError:
        return 0.0


def _stop(peer: Peer) -> None:
    peer.stop()
    assert peer.process.stdout is not None
    peer.process.stdout.close()
