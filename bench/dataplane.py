"""What the data plane costs: `PYTHONPATH=src:. python bench/dataplane.py [INTERFACES]`. Medians, in milliseconds."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

from msgspec.structs import replace
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import ALL_OUT, VpcBuilder, network, rule

from casemate.dataplane.diff import diff
from casemate.dataplane.plan import Planner
from casemate.model.network import VpcSnapshot

ROUNDS = 15


def small(number: int) -> VpcSnapshot:
    vpc = (
        VpcBuilder(f"vpc-{number}")
        .table(f"rtb-{number}")
        .subnet(f"subnet-{number}", "10.0.1.0/24", f"rtb-{number}")
    )
    vpc.group("sg-1", *ALL_OUT).interface(f"eni-v{number}", f"subnet-{number}", "10.0.1.10", "sg-1")
    return vpc.build()


def large(interfaces: int) -> VpcBuilder:
    vpc = VpcBuilder("vpc-big", igw=True).table("rtb-1")
    for block in range(4):
        vpc.subnet(f"subnet-{block}", f"10.0.{block * 4}.0/22", "rtb-1")
    vpc.group("sg-1", rule("in", "sg-1", "443"), *ALL_OUT).group("sg-2", rule("in", "10.0.0.0/8", "5432"))
    for number in range(interfaces):
        block = number % 4
        address = f"10.0.{block * 4 + number // 800}.{10 + number // 4 % 200}"
        vpc.interface(f"eni-{number}", f"subnet-{block}", address, "sg-1", "sg-2")
    return vpc.gateway_endpoint("vpce-1", "rtb-1")


def report(name: str, seconds: list[float], divided_by: int = 1) -> None:
    print(f"{name:58} {statistics.median(seconds) * 1000 / divided_by:8.2f} ms")


async def timed(awaitable) -> float:
    started = time.perf_counter()
    await awaitable
    return time.perf_counter() - started


async def main(interfaces: int) -> None:
    started = time.perf_counter()
    async with KernelNetwork.running() as net:
        apply = net.dataplane.apply
        report(f"helper start ({net.dataplane.mode.name})", [time.perf_counter() - started])
        vpcs = [small(number) for number in range(20)]
        report("20 small VPCs at once, each", [await timed(apply(network(*vpcs)))], 20)
        report(
            "one more small VPC", [await timed(apply(network(*vpcs, small(100 + i)))) for i in range(ROUNDS)]
        )
        await apply(network())
        big = large(interfaces)
        report(
            f"VPC with {interfaces} interfaces at once, each", [await timed(apply(network(big)))], interfaces
        )
        base = big.build()

        def grown(number: int) -> VpcSnapshot:
            extra = large(0).interface(f"eni-x{number}", "subnet-0", f"10.0.2.{number + 1}", "sg-1", "sg-2")
            return replace(base, interfaces={**base.interfaces, **extra.interfaces})

        def ruled(number: int) -> VpcSnapshot:
            rules = (rule("out", f"10.{number}.0.0/16", "443"), *ALL_OUT)
            return replace(base, groups={**base.groups, "sg-1": replace(base.groups["sg-1"], rules=rules)})

        def routed(number: int) -> VpcSnapshot:
            table = base.route_tables["rtb-1"]
            kept = table.routes if number % 2 else table.routes[:-1]
            return replace(base, route_tables={"rtb-1": replace(table, routes=kept)})

        await apply(network(base))
        report("a changed rule", [await timed(apply(network(ruled(i)))) for i in range(ROUNDS)])
        report(
            "an interface replaced by another", [await timed(apply(network(grown(i)))) for i in range(ROUNDS)]
        )
        report(
            "a gateway endpoint's route, on 4 subnets",
            [await timed(apply(network(routed(i)))) for i in range(ROUNDS)],
        )
        attached = [await timed(net.dataplane.attach_environment(None)) for _ in range(ROUNDS)]
        report("an execution environment attached", attached)
        print(f"{'helper memory (RSS)':58} {memory(net.dataplane.helper_pid):8.1f} MB")
    planner, plans, diffs = Planner(), [], []
    before = planner.plan(network(base))
    for number in range(ROUNDS):
        snapshot = network(ruled(number))
        started = time.perf_counter()
        after = planner.plan(snapshot)
        plans.append(time.perf_counter() - started)
        started = time.perf_counter()
        diff(before, after)
        diffs.append(time.perf_counter() - started)
    report(f"plan of a changed VPC with {interfaces} interfaces", plans)
    report("its diff", diffs)


def memory(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
