"""The long run: hostile input to the tables, in this process and over sockets. No 500, no hang.

PYTHONPATH=src:. python tests/differential/run_fuzz.py [--inputs 1000000] [--processes 2] [--seed N] [--sockets 0.02]

What fails is printed once of each kind, with the seed of its batch: `--batch SEED` repeats that one alone.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from tests.support.fuzz.service import Finding, fuzz  # noqa: E402
from tests.support.fuzz.sockets import fuzz_sockets  # noqa: E402
from tests.support.instance import Instance  # noqa: E402

BATCH = 5000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--sockets", type=float, default=0.02, help="share that goes over sockets")
    parser.add_argument("--batch", help="repeat this batch alone")
    options = parser.parse_args()
    if options.batch is not None:
        findings, codes, slowest = fuzz(options.batch, BATCH)
        sys.exit(_report(findings, Counter(codes), slowest))
    print(f"seed {options.seed}", flush=True)
    over_sockets = int(options.inputs * options.sockets)
    findings, codes, slowest = _in_process(options, options.inputs - over_sockets)
    print("over sockets", flush=True)
    more, other_codes, other_slowest = _over_sockets(f"{options.seed}-sockets", over_sockets)
    sys.exit(_report(findings + more, codes + other_codes, max(slowest, other_slowest)))


def _in_process(options: argparse.Namespace, inputs: int) -> tuple[list[Finding], Counter[str], float]:
    findings: list[Finding] = []
    codes: Counter[str] = Counter()
    slowest, done, started = 0.0, 0, time.monotonic()
    batches = [f"{options.seed}-{number}" for number in range(-(-inputs // BATCH))]
    # A new process now and then: what a batch leaves in caches is not another one's.
    with get_context("spawn").Pool(options.processes, maxtasksperchild=20) as pool:
        for seed, (found, counted, longest) in zip(
            batches, pool.imap(partial(fuzz, count=BATCH), batches), strict=True
        ):
            known = {finding.what for finding in findings}
            for finding in found:
                if finding.what not in known:
                    _show(finding, seed)
                    known.add(finding.what)
            findings += found
            codes.update(counted)
            slowest = max(slowest, longest)
            done += BATCH
            if done % 50_000 == 0:
                seconds = time.monotonic() - started
                print(
                    f"{done} inputs, {len(findings)} findings, slowest {slowest:.2f} s, {seconds:.0f} s",
                    flush=True,
                )
    return findings, codes, slowest


def _over_sockets(seed: str, inputs: int) -> tuple[list[Finding], Counter[str], float]:
    with tempfile.TemporaryDirectory(prefix="casemate-fuzz-") as name:
        instance = Instance(Path(name) / "data", "--ephemeral", "--dataplane", "off").start()
        try:
            findings, codes, slowest = fuzz_sockets(instance, seed, inputs)
        finally:
            instance.stop()
    for what in {finding.what for finding in findings}:
        _show(next(finding for finding in findings if finding.what == what), seed)
    return findings, Counter(codes), slowest


def _show(finding: Finding, seed: str) -> None:
    print(
        f"\n{finding.what}\n  batch {seed}, {finding.given.operation}\n  {finding.given.body[:600]!r}",
        flush=True,
    )
    print("\n".join(f"  {line}" for line in finding.trace.splitlines()[-24:]), flush=True)


def _report(findings: list[Finding], codes: Counter[str], slowest: float) -> int:
    print(f"{codes.total()} inputs, the slowest answer {slowest:.2f} s")
    for code, count in codes.most_common():
        print(f"  {count:8} {code}")
    for what, count in Counter(finding.what for finding in findings).most_common():
        print(f"FOUND {count} times: {what}")
    return 1 if findings else 0


if __name__ == "__main__":
    main()
