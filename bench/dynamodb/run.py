"""Measure and print. Engines take turns within every operation, so that a slow minute of the machine hits all."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import peers
from bench.dynamodb import load, requests
from bench.dynamodb.engines import ENGINES, Engine, prepare
from bench.peers import Peer


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One engine's turn at an operation."""

    load: load.Measured
    processor: float
    """Microseconds of processor time that the engine's processes took for a request."""


Results = dict[tuple[str, int, str], list[Turn]]
"""By operation, connections and engine."""


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench dynamodb", description=__doc__)
    parser.add_argument("--engines", nargs="*", default=[engine.name for engine in ENGINES])
    parser.add_argument("--operations", nargs="*", default=list(requests.OPERATIONS))
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="medians are taken over them")
    parser.add_argument("--million", action="store_true", help="load a million items into casemate instead")
    options = parser.parse_args(argv)
    if options.million:
        return million()
    with ExitStack() as stack:
        running = _start([engine for engine in ENGINES if engine.name in options.engines], stack)
        results: Results = {}
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for operation in options.operations:
                for connections in options.connections:
                    _measure(running, operation, connections, options.seconds, results)
        _print(results, [engine for engine, _ in running])
        for engine, peer in running:
            print(f"{engine.name:16} {peer.memory_mib():7.0f} MiB PSS after the run")
    return 0


def _start(engines: Iterable[Engine], stack: ExitStack) -> list[tuple[Engine, Peer]]:
    running: list[tuple[Engine, Peer]] = []
    for engine in engines:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="casemate-bench-")))
        try:
            peer = engine.start(directory)
        except RuntimeError as error:
            print(f"{engine.name}: not measured, it cannot be had here: {error}", file=sys.stderr)
            continue
        stack.callback(peer.stop)
        prepare(peer, directory)
        load.send_all(peer.endpoint, requests.filling(peer), 4)
        running.append((engine, peer))
    return running


def _measure(
    running: Sequence[tuple[Engine, Peer]], operation: str, connections: int, seconds: float, results: Results
) -> None:
    for engine, peer in running:
        try:
            prepared = requests.signed(peer, operation)
            before = sum(peer.processor_time())
            measured = load.drive(peer.endpoint, prepared, connections, seconds)
            spent = sum(peer.processor_time()) - before
        except (load.LoadError, TimeoutError, OSError) as error:
            print(f"{engine.name}: {operation}: {str(error)[-200:]}", file=sys.stderr)
            continue
        results.setdefault((operation, connections, engine.name), []).append(
            Turn(load=measured, processor=spent / measured.count * 1e6)
        )


def _print(results: Results, engines: Sequence[Engine]) -> None:
    print(
        "operations per second (p50/p99 ms) and microseconds of the engine's processor time per operation, medians;\n"
        "x: casemate's rate over this engine's; * durable"
    )
    names = [engine.name + ("*" if engine.durable else "") for engine in engines]
    print(f"{'':18} " + " ".join(f"{name:>34}" for name in names))
    for operation, connections in dict.fromkeys((key[0], key[1]) for key in results):
        cells: list[str] = []
        own = _median(turn.load.rate for turn in results.get((operation, connections, "casemate"), []))
        for engine in engines:
            found = results.get((operation, connections, engine.name), [])
            cells.append(_cell(found, None if engine.name == "casemate" else own))
        print(f"{operation:14} {connections:3} " + " ".join(f"{cell:>34}" for cell in cells))
    client = _median(turn.load.client for turns in results.values() for turn in turns)
    print(f"the client itself: {client:.0f} us per operation")


def _cell(found: Sequence[Turn], own: float | None) -> str:
    if not found:
        return "-"
    rate = _median(turn.load.rate for turn in found)
    ratio = f" x{own / rate:.1f}" if own else ""
    p50, p99 = _median(turn.load.p50 for turn in found), _median(turn.load.p99 for turn in found)
    return f"{rate:,.0f} ({p50:.2f}/{p99:.2f}) {_median(turn.processor for turn in found):,.0f} us{ratio}"


def _median(found: Iterable[float]) -> float:
    numbers = list(found)
    return statistics.median(numbers) if numbers else 0.0


def million(count: int = 1_000_000) -> int:
    """Load a million items of 1 KB by BatchWriteItem; then memory, and the time of a restart that keeps them."""
    with tempfile.TemporaryDirectory(prefix="casemate-bench-") as name:
        directory = Path(name)
        peer = peers.casemate(directory)
        try:
            prepare(peer, directory)
            seconds = 0.0
            for start in range(0, count, 100_000):
                sign = requests.signer(peer)
                bodies = (sign("BatchWriteItem", _batch(start + offset)) for offset in range(0, 100_000, 25))
                seconds += load.send_all(peer.endpoint, list(bodies), 16)
            print(f"{count:,} items loaded in {seconds:.0f} s: {count / seconds:,.0f}/s")
            print(f"{peer.memory_mib():.0f} MiB PSS")
            size = sum(one.stat().st_size for one in (directory / "items").rglob("*")) >> 20
            print(f"{size} MiB on disk")
        finally:
            peer.stop()
        started = time.perf_counter()
        peer = peers.casemate(directory)
        print(f"restart to ready {time.perf_counter() - started:.2f} s")
        peer.stop()
    return 0


def _batch(start: int) -> requests.Params:
    filling = requests.item(0, 0)
    puts = [
        {"PutRequest": {"Item": {**filling, "p": {"S": f"m{number // 10}"}, "s": {"N": str(number % 10)}}}}
        for number in range(start, start + 25)
    ]
    return {"RequestItems": {requests.TABLE: puts}}
