"""Faults in the kernel: rules that come and go while connections live."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from msgspec.structs import replace
from tests.kernel.test_dataplane_lifecycle import eventually
from tests.support.instance import ROOT
from tests.support.kernel_network import KernelNetwork
from tests.support.reference import DYNAMODB, reference_network

from casemate.dataplane.kernel.detect import detect
from casemate.model.faults import Fault, FaultKind
from casemate.model.network import NetworkSnapshot

pytestmark = pytest.mark.kernel
OPEN: dict[str, Any] = {
    "tables": {"rtb-private": ["pl-4ca54025 -> vpce-ddb", "0.0.0.0/0 -> nat-main"]},
    "interfaces": {
        "eni-b": "interface subnet-b 10.0.2.20 sg-open",
        "eni-kms": "endpoint subnet-b 10.0.2.30 sg-open",
    },
    "endpoints": {"vpce-kms": "interface kms eni-kms private-dns"},
}
IPV6: dict[str, Any] = {
    "cidr6": "2600:1f00:0:100::/56",
    "subnets": {
        "subnet-a": "10.0.1.0/24 rtb-private zone=a six=2600:1f00:0:101::/64",
        "subnet-b": "10.0.2.0/24 rtb-private zone=b six=2600:1f00:0:102::/64",
    },
    "groups": {"sg-open": ["out all 0.0.0.0/0", "in all 0.0.0.0/0", "out all ::/0", "in all ::/0"]},
    "interfaces": {
        "eni-instance": "interface subnet-a 10.0.1.20 sg-open six=2600:1f00:0:101::14",
        "eni-b": "interface subnet-b 10.0.2.20 sg-open six=2600:1f00:0:102::14",
    },
}
WAYS = {"vpce-ddb": str(DYNAMODB), "vpce-kms": "10.0.2.30", "nat-main": "203.0.113.7"}


def network(*faults: tuple[FaultKind, str]) -> NetworkSnapshot:
    snapshot = reference_network({"vpc-main": OPEN})
    asked = tuple(
        Fault(fault_id=f"fault-{n}", kind=kind, target=target) for n, (kind, target) in enumerate(faults)
    )
    return replace(snapshot, vpcs={"vpc-main": replace(snapshot.vpcs["vpc-main"], faults=asked)})


@pytest.mark.parametrize("failed", WAYS)
async def test_what_fails_loses_new_and_open_connections_and_gives_the_open_ones_back(failed: str) -> None:
    kind = FaultKind.NAT_FAILURE if failed == "nat-main" else FaultKind.ENDPOINT_DOWN
    async with KernelNetwork.running(network()) as net:
        for name, address in WAYS.items():
            assert isinstance(await net.connect("eni-instance", address, name=name), list)
        await net.dataplane.apply(network((kind, failed)))
        for name, address in WAYS.items():
            lost = name == failed
            assert (await net.connect("eni-instance", address) == "timeout") == lost
            answer = await net.ask(None, {"do": "again", "name": name})
            assert answer["outcome"] == ("timeout" if lost else "connected"), name
        counted = await net.dataplane.counters("vpc-main")
        assert counted["fault-drops"].packets > 0
        await net.dataplane.apply(network())
        answer = await net.ask(None, {"do": "again", "name": failed, "timeout": 5})
        assert answer["outcome"] == "connected", "a connection outlives a short outage: TCP sends again"
        assert "fault-drops" not in await net.dataplane.counters("vpc-main")


async def test_a_zone_that_is_out_takes_all_that_is_in_it() -> None:
    async with KernelNetwork.running(network((FaultKind.AZ_OUTAGE, "us-east-2-a"))) as net:
        await net.listen("eni-b", 8080)
        await net.listen("eni-instance", 8080)
        assert await net.connect("eni-instance", "10.0.0.2", 53) == "timeout", "the resolver"
        assert await net.connect("eni-instance", "10.0.2.20", 8080) == "timeout"
        assert await net.connect("eni-b", "10.0.1.20", 8080) == "timeout"
        assert await net.connect("eni-b", "203.0.113.7") == "timeout", "the NAT gateway is in it"
        assert isinstance(await net.connect("eni-b", DYNAMODB), list)
        assert isinstance(await net.connect("eni-b", "10.0.2.30"), list)
        await net.dataplane.apply(network((FaultKind.AZ_OUTAGE, "us-east-2-b")))
        assert await net.connect("eni-instance", "10.0.2.30") == "timeout", (
            "the endpoint's interface is in it"
        )
        assert isinstance(await net.connect("eni-instance", "203.0.113.7"), list)


async def test_a_fault_survives_the_helper() -> None:
    async with KernelNetwork.running(network((FaultKind.NAT_FAILURE, "nat-main"))) as net:
        first = net.dataplane.helper_pid
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: net.dataplane.helper_pid not in (first, 0))
        await net.dataplane.apply(network((FaultKind.NAT_FAILURE, "nat-main")))
        assert await net.connect("eni-instance", "203.0.113.7") == "timeout"
        assert isinstance(await net.connect("eni-instance", DYNAMODB), list)


@pytest.mark.parametrize("ipv6", [False, True])
async def test_latency_adds_to_each_round_trip(ipv6: bool) -> None:
    """By the kernel's scheduler where it has one, else by the helper. Nothing is lost, however large."""
    assert detect().no_latency == ""
    slow = Fault(fault_id="fault-1", kind=FaultKind.LATENCY, target="subnet-b", milliseconds=120)
    snapshot = reference_network({"vpc-main": IPV6}) if ipv6 else network()
    slower = replace(slow, milliseconds=200)
    vpc = snapshot.vpcs["vpc-main"]
    delayed, more = (
        replace(snapshot, vpcs={"vpc-main": replace(vpc, faults=(fault,))}) for fault in (slow, slower)
    )
    there = "2600:1f00:0:102::14" if ipv6 else "10.0.2.20"
    async with KernelNetwork.running(snapshot) as net:
        await net.of("eni-b", {"do": "listen", "port": 8080, "address": "::" if ipv6 else "0.0.0.0"})
        for applied, least, most in (
            (delayed, 0.12, 0.6), (more, 0.2, 0.8), (snapshot, 0.0, 0.1), (delayed, 0.12, 0.6)
        ):  # fmt: skip
            await net.dataplane.apply(applied)
            began = time.monotonic()
            assert isinstance(await net.connect("eni-instance", there, 8080, timeout=2), list)
            assert least <= time.monotonic() - began < most
        assert await net.connect("eni-instance", there, 8080, timeout=2, name="kept")
        said = await net.of("eni-instance", {"do": "bulk", "name": "kept", "size": 1_000_000})
        assert said == {"outcome": "connected", "said": "1000000"}
        # The interface goes, and with it what was held for it.
        gone = {key: each for key, each in vpc.interfaces.items() if key != "eni-b"}
        without = replace(snapshot, vpcs={"vpc-main": replace(vpc, interfaces=gone, faults=(slow,))})
        await net.dataplane.apply(without)
        await net.dataplane.apply(delayed)
        assert await net.connect("eni-instance", there, 8081, timeout=2) == "ECONNREFUSED"


def test_schedulers_are_made_and_taken_away() -> None:
    """The message of `Delay`, with a scheduler that every kernel has (pfifo takes its limit alone)."""
    everything = subprocess.run(
        ["unshare", *(["--user", "--map-root-user"] if os.geteuid() else []), "--net", sys.executable, "-c", _SCHEDULERS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *sys.path[1:]])},
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert everything.stdout.split() == ["pfifo", "gone"], everything.stdout + everything.stderr


_SCHEDULERS = """
import struct, subprocess
from casemate.dataplane.kernel import rtnetlink
from casemate.dataplane.kernel.netlink import NETLINK_ROUTE, NetlinkSocket
def shown():
    return subprocess.run(["tc", "qdisc", "show", "dev", "lo"], capture_output=True, text=True, check=True).stdout
with NetlinkSocket(NETLINK_ROUTE) as netlink:
    netlink.run([rtnetlink.link_up(1)])
    netlink.run([rtnetlink.scheduler("pfifo", struct.pack("=I", 77), 1)])
    print("pfifo" if "pfifo" in shown() and "limit 77p" in shown() else shown())
    netlink.run([rtnetlink.scheduler("pfifo", b"", 1, delete=True)])
    print("gone" if "pfifo" not in shown() else shown())
"""
