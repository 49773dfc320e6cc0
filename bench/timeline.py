"""One warm invocation, hop by hop: `python -m bench timeline [--count 500]` (as root, or rootless).

A Casemate in a process of its own has the places below wrapped, so that each notes the machine's monotonic clock; the
function returns that clock, and the client has its own two readings. Printed is, for each place, when it was passed after
boto3 was called: the least, the tenth, the half; and what the front door worked since the place before. Then the
processor time of each process, which depends less on who else is busy.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.httpsession import URLLib3Session

from bench.functions import Bench
from bench.peers import Peer, casemate, family

SOURCE = "import time\ndef handler(event, context):\n    return time.monotonic_ns()\n"
NODE = "exports.handler = async () => Number(process.hrtime.bigint())\n"
STAMPS = "CASEMATE_BENCH_STAMPS"
_Stamp = tuple[str, int, int]
"""What was passed; when, by the machine's monotonic clock; how long the front door's thread had worked until then."""
_stamps: list[_Stamp] = []


# In the process that is measured


def serve() -> int:
    """`casemate` with its stamps; they are written down when it ends."""
    from casemate.cli.main import main

    _wrap_all()
    atexit.register(lambda: Path(os.environ[STAMPS]).write_text(json.dumps(_stamps)))
    return main(sys.argv[1:])


def _wrap_all() -> None:
    from casemate.execution import aftermath, environment, runtime_server
    from casemate.gateway import http, pipeline, readmission

    _wrap(http.HttpConnection, "data_received", before="request read")
    _wrap(readmission.Readmission, "admit", after="looked at for readmission")
    _wrap(environment.Environment, "run", before="environment chosen")
    _wrap(environment.Environment, "_deliver", before="delivery begins", after="invocation written")
    _wrap(runtime_server._Connection, "data_received", before="runtime read", after="runtime handled")  # noqa: SLF001 - from inside
    _wrap(environment.Environment, "_complete", after="outcome known")
    _wrap(pipeline.Pipeline, "_conclude", before="operation done", after="answer made")
    _wrap(aftermath.Aftermath, "_note", before="aftermath begins")
    _wrap(aftermath.Aftermath, "_write", after="aftermath done")


def _wrap(owner: type, name: str, *, before: str = "", after: str = "") -> None:
    wrapped: Callable[..., Any] = getattr(owner, name)

    def stamped(*arguments: Any, **named: Any) -> Any:
        if before:
            _stamps.append((before, time.monotonic_ns(), time.thread_time_ns()))
        try:
            return wrapped(*arguments, **named)
        finally:
            if after:
                _stamps.append((after, time.monotonic_ns(), time.thread_time_ns()))

    setattr(owner, name, stamped)


# In the client


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench timeline", description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--node", action="store_true", help="a function of Node.js instead of one of Python")
    parser.add_argument("--no-stamps", action="store_true", help="processor time alone")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="casemate-bench-") as directory:
        stamps = Path(directory) / "stamps"
        os.environ[STAMPS] = str(stamps)
        program = "casemate.cli.main" if options.no_stamps else "bench.timeline"
        peer = casemate(Path(directory), program=program)
        try:
            bench = Bench(peer)
            changes = {"Runtime": "nodejs20.x"} if options.node else {}
            name = bench.function(NODE if options.node else SOURCE, **changes)
            rounds, spent = _rounds(peer, bench, name, options.count)
            floor = _floor(bench, options.count)
        finally:
            peer.stop()
        if not options.no_stamps:
            _print_timeline(rounds, json.loads(stamps.read_text()))
    whole = [one["answered"] - one["called"] for one in rounds]
    print(f"whole: {_figures(whole)}; an operation that does nothing: {_figures(floor)}")
    print("processor time per invocation: " + ", ".join(f"{who} {us:.0f} us" for who, us in spent.items()))
    return 0


def _rounds(peer: Peer, bench: Bench, name: str, count: int) -> tuple[list[dict[str, int]], dict[str, float]]:
    rounds: list[dict[str, int]] = []
    real = URLLib3Session.send

    def send(*arguments: Any, **named: Any) -> Any:
        rounds[-1]["signed"] = time.monotonic_ns()
        try:
            return real(*arguments, **named)
        finally:
            rounds[-1]["head received"] = time.monotonic_ns()

    URLLib3Session.send = send
    try:
        for number in range(count + 50):
            if number == 50:
                rounds.clear()
                before = _processor_time(peer)
            rounds.append({"called": time.monotonic_ns()})
            payload = bench.lambda_.invoke(FunctionName=name)["Payload"].read()
            rounds[-1]["answered"] = time.monotonic_ns()
            rounds[-1]["function runs"] = int(payload)
        time.sleep(0.5)  # what is put off is work, too
        after = _processor_time(peer)
    finally:
        URLLib3Session.send = real
    spent = {who: (after[who] - before.get(who, 0)) / count / 1000 for who in after}
    return rounds, {who: us for who, us in spent.items() if us >= 5}


def _floor(bench: Bench, count: int) -> list[int]:
    """What boto3 and the front door take for an operation that does nothing."""
    times: list[int] = []
    for _ in range(count + 50):
        began = time.monotonic_ns()
        bench.lambda_.get_account_settings()
        times.append(time.monotonic_ns() - began)
    return times[50:]


def _processor_time(peer: Peer) -> dict[str, int]:
    """Nanoseconds by process; the client's own, too."""
    spent: dict[str, int] = {"client": time.process_time_ns()}
    for number, pid in enumerate(family(peer.process.pid)):
        try:
            what = Path(f"/proc/{pid}/comm").read_text().strip() if number else "front door"
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            spent[what if not number else f"{what} {pid}"] = sum(
                int((task / "schedstat").read_text().split()[0]) for task in tasks
            )
        except OSError:
            continue  # ended meanwhile
    return spent


def _print_timeline(rounds: list[dict[str, int]], stamps: list[_Stamp]) -> None:
    """Every stamp belongs to the last call before it: calls come one after the other."""
    passed: defaultdict[str, list[int]] = defaultdict(list)
    worked: defaultdict[str, list[int]] = defaultdict(list)
    place = 0
    ends = [one["called"] for one in rounds[1:]] + [rounds[-1]["answered"] + 5_000_000]
    for one, end in zip(rounds, ends, strict=True):
        for what, at in one.items():
            passed[what].append(at - one["called"])
        seen: defaultdict[str, int] = defaultdict(int)
        while place < len(stamps) and stamps[place][1] < one["called"]:
            place += 1
        while place < len(stamps) and stamps[place][1] < end:
            what, at, work = stamps[place]
            seen[what] += 1
            name = what if seen[what] == 1 else f"{what} ({seen[what]})"
            passed[name].append(at - one["called"])
            worked[name].append(work - stamps[place - 1][2])
            place += 1
    print(f"{'':32}{'least':>8}{'tenth':>8}{'half':>8}{'work':>8}   microseconds after the call")
    for what, times in sorted(passed.items(), key=lambda pair: statistics.median(pair[1])):
        if len(times) * 2 > len(rounds):
            times.sort()
            least, tenth, half = (times[int(len(times) * part)] / 1000 for part in (0, 0.1, 0.5))
            work = f"{statistics.median(worked[what]) / 1000:8.0f}" if what in worked else ""
            print(f"{what:32}{least:8.0f}{tenth:8.0f}{half:8.0f}{work}")


def _figures(times: list[int]) -> str:
    ordered = sorted(times)
    tenth, half = (ordered[int(len(ordered) * part)] / 1e6 for part in (0.1, 0.5))
    return f"least {ordered[0] / 1e6:.2f}, tenth {tenth:.2f}, half {half:.2f} ms"


if __name__ == "__main__":
    sys.exit(serve())
