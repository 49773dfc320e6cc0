"""Processor time of Casemate per request, by operation and number of connections.

Wall-clock rates on a machine that others keep busy say little; the time the kernel charges to the process travels. The
whole process is counted: its event loop, its threads, the batches of the journal, RocksDB's flushes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import peers
from bench.dynamodb import load, requests
from bench.dynamodb.engines import prepare


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.dynamodb.processor", description=__doc__)
    parser.add_argument("--operations", nargs="*", default=list(requests.OPERATIONS))
    parser.add_argument("--connections", nargs="*", type=int, default=[1, 16])
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="casemate-bench-") as name:
        directory = Path(name)
        peer = peers.casemate(directory)
        try:
            _measure(peer, directory, options)
        finally:
            peer.stop()
    return 0


def _measure(peer: peers.Peer, directory: Path, options: argparse.Namespace) -> None:
    prepare(peer, directory)
    load.send_all(peer.endpoint, requests.filling(peer), 4)
    print(f"{'':14} {'':4} {'user us':>8} {'system':>8} {'rate':>8} {'p50':>7} {'p99':>7}")
    for operation in options.operations:
        for connections in options.connections:
            prepared = requests.signed(peer, operation)
            load.drive(peer.endpoint, prepared[-500:], connections, 0.3)
            before = peer.processor_time()
            measured = load.drive(peer.endpoint, prepared, connections, options.seconds)
            after = peer.processor_time()
            user, system = (
                (late - early) / measured.count * 1e6 for early, late in zip(before, after, strict=True)
            )
            print(
                f"{operation:14} {connections:4} {user:8.0f} {system:8.0f} {measured.rate:8.0f} "
                f"{measured.p50:7.2f} {measured.p99:7.2f}"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
