"""Processor time of a request by piece: a whole Casemate in this process, fed bytes of requests without a socket.

`python -m bench.dynamodb.inside` prints, for each operation, the least and the median of rounds, in microseconds of
processor time of the whole process; `--profile` adds where the time goes, by function (cProfile makes calls dearer than
they are: look for what is there at all, then measure without it).
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import json
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, cast

import uvloop

from bench.dynamodb import requests
from bench.dynamodb.engines import prepare
from bench.peers import Peer
from casemate.app import House, Options
from casemate.gateway.admission import Unlimited
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.certificates import CertificateAuthority
from casemate.gateway.data_directory import DataDirectory
from casemate.gateway.http import HttpConnection
from casemate.gateway.instance import Instance

_LOCAL = IPv4Address("127.0.0.1")
_ROUNDS = 8


class _Transport:
    """Takes what is written."""

    def __init__(self) -> None:
        self.answers = 0
        self.last = b""
        self.answered = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.answers += 1
        self.last = data
        self.answered.set()

    def resume_reading(self) -> None:
        """Nothing is ever held back."""


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.dynamodb.inside", description=__doc__)
    parser.add_argument("--operations", nargs="*", default=list(requests.OPERATIONS))
    parser.add_argument("--count", type=int, default=2_000, help="requests of a round")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args(argv)
    gc.set_threshold(50_000, 50, 100)  # as `app.serving` does
    with (
        tempfile.TemporaryDirectory(prefix="casemate-bench-") as name,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,  # as `casemate up` does
    ):
        runner.run(_measure(Path(name), options))
    return 0


async def _measure(path: Path, options: argparse.Namespace) -> None:
    directory = DataDirectory(path)
    directory.acquire()
    authority = CertificateAuthority(path / "ca")
    houses: list[House] = []

    def make() -> House:
        houses.append(House(Options(port=0, data=path, dataplane="off"), directory, authority))
        return houses[-1]

    instance = Instance(port=0, directory=directory, ephemeral=False, make_house=make, version="bench")
    await instance.start()
    try:
        keys = json.loads((path / "credentials.json").read_text())["000000000000"]
        process = cast("subprocess.Popen[str]", None)
        peer = Peer(
            "casemate", instance.endpoint, keys["access_key_id"], keys["secret_access_key"], process, 0
        )
        await asyncio.to_thread(prepare, peer, path)
        client = _Client(houses[-1])
        await client.send(requests.filling(peer))
        print(f"{'':14} {'least us':>8} {'median':>8}   (user of those, system of those)")
        for operation in options.operations:
            await _one(client, peer, operation, options)
    finally:
        await instance.close()
        directory.release()


async def _one(client: _Client, peer: Peer, operation: str, options: argparse.Namespace) -> None:
    count = options.count // (5 if operation.startswith(("Batch", "Transact", "Query")) else 1)
    prepared = requests.signed(peer, operation)
    await client.send(prepared[-300:])
    users: list[float] = []
    systems: list[float] = []
    for number in range(_ROUNDS):
        at = number * count % len(prepared)
        some = (prepared + prepared)[at : at + count]
        before = resource.getrusage(resource.RUSAGE_SELF)
        await client.send(some)
        after = resource.getrusage(resource.RUSAGE_SELF)
        users.append((after.ru_utime - before.ru_utime) / count * 1e6)
        systems.append((after.ru_stime - before.ru_stime) / count * 1e6)
    whole = [user + system for user, system in zip(users, systems, strict=True)]
    print(
        f"{operation:14} {min(whole):8.1f} {statistics.median(whole):8.1f}   "
        f"({min(users):.1f}, {min(systems):.1f})",
        flush=True,
    )
    if options.profile:
        profile = cProfile.Profile()
        profile.enable()
        await client.send(prepared[:count])
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)


class _Client:
    """One connection without a socket."""

    def __init__(self, house: House) -> None:
        front = cast("Any", house.front)  # what it gives its listeners
        arrival = Arrival(
            side=Side.LAPTOP, vpc_id=None, peer=_LOCAL, destination=_LOCAL, port=4566, tls=False
        )
        self._transport = _Transport()
        self._connection = HttpConnection(front._handler, arrival, set(), Unlimited(), front._short)  # noqa: SLF001
        self._connection.connection_made(cast("asyncio.BaseTransport", self._transport))

    async def send(self, prepared: Sequence[bytes]) -> None:
        """One after the other, each answered before the next."""
        transport, receive = self._transport, self._connection.data_received
        for data in prepared:
            expected = transport.answers + 1
            transport.answered.clear()
            receive(data)
            if transport.answers < expected:
                await (
                    transport.answered.wait()
                )  # not by turning round: the thread that syncs needs the interpreter
        assert transport.last.startswith(b"HTTP/1.1 200 "), transport.last


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
