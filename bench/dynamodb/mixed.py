"""Readers beside as many writers, of other items and of the very items that are being written.

`python -m bench.dynamodb.mixed`: the rate and the times of all requests, and processor time for each.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from bench import peers
from bench.dynamodb import load, requests
from bench.dynamodb.engines import prepare


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.dynamodb.mixed", description=__doc__)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="casemate-bench-") as name:
        peer = peers.casemate(Path(name))
        try:
            prepare(peer, Path(name))
            load.send_all(peer.endpoint, requests.filling(peer), 4)
            print(f"{'items read':12} {'cpu us':>8} {'rate':>8} {'p50':>7} {'p99':>7}")
            for _ in range(options.rounds):
                for kind in ("other", "the same"):
                    _measure(peer, kind, options)
        finally:
            peer.stop()
    return 0


def _measure(peer: peers.Peer, kind: str, options: argparse.Namespace) -> None:
    writes = requests.signed(peer, "PutItem")
    sign = requests.signer(peer)
    # The writes are of the first half of the items, in their order.
    away = requests.ITEMS // 2 if kind == "other" else 0
    keys = [requests.key(number % (requests.ITEMS // 2) + away) for number in range(len(writes))]
    reads = [sign("GetItem", {"TableName": requests.TABLE, "Key": key}) for key in keys]
    both = list(chain.from_iterable(zip(writes, reads, strict=True)))
    load.drive(peer.endpoint, both[-500:], options.connections, 0.3)
    before = sum(peer.processor_time())
    measured = load.drive(peer.endpoint, both, options.connections, options.seconds)
    spent = (sum(peer.processor_time()) - before) / measured.count * 1e6
    print(f"{kind:12} {spent:8.0f} {measured.rate:8.0f} {measured.p50:7.2f} {measured.p99:7.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
