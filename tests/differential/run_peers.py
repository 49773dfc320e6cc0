"""The long run: other engines of DynamoDB are asked what Casemate is asked, and the answers compared.

PYTHONPATH=src:. python tests/differential/run_peers.py [--requests 10000] [--seed N] [--families items,spoiled,settings] [--peers dynalite] [--all]

A disagreement says that somebody is wrong, not who: AWS decides, by its documentation or an answer of it that was
recorded. What is the peer's fault is in `tests/support/peers/known.py` with its reason; a run that finds no other ends
with 0. Requests of `spoiled` have several faults, and those of `settings` follow each other: of these more is to be looked
at than is written down as known. Peers are installed by `bench/peers.py` on first use (npm, PyPI).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

from bench import peers  # noqa: E402
from tests.support.peers import items, settings, tables  # noqa: E402
from tests.support.peers.answers import difference  # noqa: E402
from tests.support.peers.engines import Answer, Engine  # noqa: E402
from tests.support.peers.known import reason_for  # noqa: E402
from tests.support.peers.spoiling import spoil  # noqa: E402

_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"})
_LIFE = 40
"""Requests between two restorations of the items."""
_RARE = 6
_BOTH_REFUSE = re.compile(r"^400 \w+ .*\|  400 ", re.DOTALL)


@dataclass(kw_only=True, slots=True)
class Group:
    """Disagreements that look alike."""

    count: int = 0
    example: bytes = b""
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])


class Running(Engine):
    """An engine in a process of its own, started again when it has ended."""

    def __init__(self, name: str) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="casemate-peers-")
        self._begin(name)
        self.ended = 0

    def _begin(self, name: str) -> None:
        directory = Path(tempfile.mkdtemp(dir=self._directory.name))
        if name == "casemate":
            self._peer = peers.casemate(directory, "--ephemeral", "--dataplane", "off")
        elif name == "dynalite":
            self._peer = peers.dynalite(directory, disk=False)
        else:
            self._peer = getattr(peers, name)(directory)
        super().__init__(name, self._peer.endpoint, self._peer.key, self._peer.secret)
        tables.begin(self)

    def revive(self) -> None:
        """It has ended, or does not answer any more."""
        self.ended += 1
        self._peer.stop()
        self._begin(self.name)

    def stop(self) -> None:
        self.close()
        self._peer.stop()
        self._directory.cleanup()


class Comparison:
    """Casemate and its peers, asked in step."""

    def __init__(self, engines: list[Running], dice: random.Random) -> None:
        self._engines = engines
        self._dice = dice
        self.groups: dict[tuple[str, str, str], Group] = {}
        self.compared = 0

    def ask(self, operation: str, params: dict[str, Any]) -> None:
        body = json.dumps(params).encode()
        answers = {engine.name: engine.send(operation, body) for engine in self._engines}
        ours = answers["casemate"]
        agreed, died = True, False
        for engine in self._engines[1:]:
            if answers[engine.name].status == 0:
                engine.revive()
                died = True
                continue
            self.compared += 1
            found = difference(ours, answers[engine.name], operation)
            if found is None:
                continue
            agreed = agreed and (ours.status == 200) == (answers[engine.name].status == 200)
            group = self.groups.setdefault((engine.name, operation, found), Group())
            group.count += 1
            if not group.example or len(body) < len(group.example):
                group.example, group.answers = body, answers
        if died or (operation in _WRITES and not agreed):
            self.restore()

    def restore(self) -> None:
        for engine in self._engines:
            tables.restore(engine)

    def settle(self) -> None:
        """What tables the requests made is taken away."""
        for engine in self._engines:
            tables.settle(engine, "made1")

    def remove(self) -> None:
        for engine in self._engines:
            for name in engine.call("ListTables", {}).body["TableNames"]:
                if name not in tables.TABLES:
                    tables.settle(engine, name)
                    engine.call("DeleteTable", {"TableName": name})
                    while engine.call("DescribeTable", {"TableName": name}).status == 200:
                        time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--families", default="items")
    parser.add_argument("--peers", default="dynalite")
    parser.add_argument("--all", action="store_true", help="print the known disagreements too")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    dice = random.Random(options.seed)
    with ExitStack() as stack:
        engines = [Running(name) for name in ("casemate", *options.peers.split(","))]
        for engine in engines:
            stack.callback(engine.stop)
        comparison = Comparison(engines, dice)
        families = options.families.split(",")
        started = time.monotonic()
        for number in range(options.requests):
            if number % _LIFE == 0:
                comparison.restore()
            family = families[number // _LIFE % len(families)]
            if family == "settings":
                if dice.random() < 0.15:
                    comparison.remove()
                operation, params = settings.setting(dice)
                comparison.ask(operation, spoil(dice, params) if dice.random() < 0.2 else params)
                comparison.settle()
                continue
            operation, params = dice.choice(items.WRITERS)(dice)
            comparison.ask(operation, spoil(dice, params) if family == "spoiled" else params)
        print(f"{comparison.compared} compared in {time.monotonic() - started:.0f} s")
        print(
            {engine.name: engine.ended for engine in engines if engine.ended}, "ended and were started again"
        )
    sys.exit(1 if report(comparison, everything=options.all) else 0)


def report(comparison: Comparison, *, everything: bool) -> int:
    """What is not known, the most frequent first; how many they are."""
    unknown = 0
    for (peer, operation, found), group in sorted(
        comparison.groups.items(), key=lambda entry: -entry[1].count
    ):
        reason = reason_for(peer, found)
        if reason is None and group.count < _RARE and _BOTH_REFUSE.match(found):
            reason = (
                "rare, and both refuse: requests at random have several faults, and another one is told first"
            )
        unknown += reason is None
        if reason is not None and not everything:
            continue
        print(f"\n{group.count} times, {peer}, {operation}: {found}")
        if reason is not None:
            print(f"   known: {reason}")
        print(f"   {group.example[:700].decode()}")
        for name, answer in group.answers.items():
            print(f"   {name}: {answer.status} {json.dumps(answer.body)[:400]}")
    print(f"{len(comparison.groups)} kinds of disagreements, {unknown} of them not known")
    return unknown


if __name__ == "__main__":
    main()
