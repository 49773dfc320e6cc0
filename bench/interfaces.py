"""Five hundred interfaces in ten VPCs: `python -m bench dataplane [INTERFACES] [VPCS]`.

The floors are those of the feasibility spike (raw netlink in one process, no plan, no diff): what the kernel itself
takes for the same objects.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec.structs import replace
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import ALL_OUT, VpcBuilder, network, rule

from casemate.model.network import VpcSnapshot

ROUNDS = 15
CONNECTS = 2000
PORT = 8080
FLOORS = {
    "create": "1.2-2.2 ms",
    "one more": "1.2-2.2 ms",
    "memory": "0.3-0.4 MB",
    "rule": "2.1 ms (one element, libnftables)",
    "new": "176 us (105 over loopback)",
    "open": "24 us (17 over loopback)",
}


def vpc(number: int, interfaces: int) -> VpcBuilder:
    """Four subnets, three security groups that name each other and a prefix list, a gateway endpoint."""
    built = VpcBuilder(f"vpc-{number}", igw=True).table("rtb-1")
    for block in range(4):
        built.subnet(f"subnet-{block}", f"10.0.{block}.0/24", "rtb-1")
    built.group("sg-1", rule("in", "sg-2", f"{PORT}"), *ALL_OUT).group("sg-2", *ALL_OUT)
    for each in range(interfaces):
        block = each % 4
        built.interface(
            f"eni-{number}-{each}", f"subnet-{block}", f"10.0.{block}.{10 + each // 4}", "sg-1", "sg-2"
        )
    return built.gateway_endpoint(f"vpce-{number}", "rtb-1")


_OF_THE_KERNEL = ("Slab", "Percpu", "KernelStack", "PageTables", "VmallocUsed")


def kernel_memory() -> float:
    """What the kernel holds for itself, in MB: namespaces live there, in nobody's RSS."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return sum(kilobytes[name] for name in _OF_THE_KERNEL) / 1024


async def timed(awaitable: Awaitable[object]) -> float:
    started = time.perf_counter()
    await awaitable
    return time.perf_counter() - started


async def main(interfaces: int, vpcs: int) -> None:
    each = interfaces // vpcs
    rows: list[tuple[str, str, str]] = []
    async with KernelNetwork.running() as net:
        apply = net.dataplane.apply
        networks = [vpc(number, each).build() for number in range(vpcs)]
        before = kernel_memory() + memory(net.dataplane.helper_pid)
        seconds = await timed(apply(network(*networks)))
        rows.append(
            (
                f"{interfaces} interfaces in {vpcs} VPCs at once, each",
                f"{seconds * 1000 / interfaces:.2f} ms",
                FLOORS["create"],
            )
        )
        used = (kernel_memory() + memory(net.dataplane.helper_pid) - before) / interfaces
        rows.append(
            ("memory of one interface: the kernel's and the helper's", f"{used:.2f} MB", FLOORS["memory"])
        )
        first = networks[0]

        def grown(number: int) -> VpcSnapshot:
            built = vpc(0, 0)
            for each in range(number + 1):
                built.interface(f"eni-x{each}", "subnet-0", f"10.0.0.{200 + each}", "sg-1")
            return replace(first, interfaces={**first.interfaces, **built.build().interfaces})

        def ruled(number: int) -> VpcSnapshot:
            rules = (rule("in", f"10.{number}.0.0/16", "443"), *first.groups["sg-1"].rules)
            return replace(first, groups={**first.groups, "sg-1": replace(first.groups["sg-1"], rules=rules)})

        async def changes(make: Callable[[int], VpcSnapshot]) -> str:
            """Median, least, and the processor time of the two processes: the first depends on who else is busy."""
            found: list[float] = []
            snapshots = [network(make(number), *networks[1:]) for number in range(ROUNDS)]
            spent = processor_time(os.getpid(), net.dataplane.helper_pid)
            for snapshot in snapshots:
                found.append(await timed(apply(snapshot)))
                await asyncio.sleep(0.02)
            spent = (processor_time(os.getpid(), net.dataplane.helper_pid) - spent) / ROUNDS
            await apply(network(*networks))
            median, least = statistics.median(found) * 1000, min(found) * 1000
            return f"{median:.2f} ms (least {least:.2f}, processor {spent * 1000:.2f})"

        rows.append(("one more interface, with them all there", await changes(grown), FLOORS["one more"]))
        rows.append(("one changed rule, with them all there", await changes(ruled), FLOORS["rule"]))
        connected = await connects(net, "eni-0-0", "eni-0-1", "10.0.1.10")
        for kind, words in (("new", "a new connection and one byte"), ("open", "one byte on an open one")):
            through, plain = connected["vpc"][kind], connected["loopback"][kind]
            rows.append(
                (
                    f"{words}, there and back",
                    f"{through:.0f} us ({plain:.0f} over loopback: x{through / plain:.2f})",
                    FLOORS[kind],
                )
            )
        rows.append(("helper memory (RSS)", f"{memory(net.dataplane.helper_pid):.0f} MB", ""))
    for words, measured, floor in rows:
        print(f"{words:56} {measured:44} {floor}")


async def connects(net: KernelNetwork, client: str, server: str, address: str) -> dict[str, dict[str, float]]:
    """From one interface to another of the same VPC, across subnets."""
    reading, writing = os.pipe()
    fds = [await net.dataplane.interface_namespace(name) for name in (client, server)]
    program = Path(__file__).with_name("connects.py")
    argv = [sys.executable, str(program), address, str(PORT), str(CONNECTS)]
    await net.dataplane.spawn(argv, env=dict(os.environ), fds=[*fds, writing])
    for fd in (*fds, writing):
        os.close(fd)
    with os.fdopen(reading) as answer:
        return json.loads(await asyncio.to_thread(answer.read))


def processor_time(*pids: int) -> float:
    """Seconds; /proc/PID/schedstat counts nanoseconds, where `stat` counts hundredths."""
    texts = (Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii") for pid in pids)
    return sum(int(text.split()[0]) for text in texts) / 1e9


def memory(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(arguments: list[str]) -> int:
    """`[INTERFACES] [VPCS]`."""
    asyncio.run(
        main(
            int(arguments[0]) if arguments else 500,
            int(arguments[1]) if len(arguments) > 1 else 10,
        )
    )
    return 0
