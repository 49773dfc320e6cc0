"""The helper is killed again and again, at any moment, while the network changes and packets flow."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from random import Random

import pytest
from msgspec.structs import replace
from tests.kernel.test_dataplane_lifecycle import eventually, held_namespaces
from tests.support.kernel_network import KernelNetwork
from tests.support.reference import DYNAMODB, reference_network

from casemate.dataplane.kernel.client import ApplyError, HelperError, HelperLostError
from casemate.model.faults import Fault, FaultKind
from casemate.model.network import NetworkSnapshot

pytestmark = pytest.mark.kernel
KILLS = 8


def changed(number: int) -> NetworkSnapshot:
    """The reference network with more or fewer instances, with or without its endpoint's route, seldom with a fault."""
    extra = {f"eni-{one}": f"interface subnet-b 10.0.2.{100 + one} sg-open" for one in range(number % 5)}
    routes = ["pl-4ca54025 -> vpce-ddb"] if number % 3 else []
    snapshot = reference_network({"vpc-main": {"interfaces": extra, "tables": {"rtb-private": routes}}})
    if number % 4:
        return snapshot
    fault = Fault(fault_id="fault-1", kind=FaultKind.ENDPOINT_DOWN, target="vpce-ddb")
    return replace(snapshot, vpcs={"vpc-main": replace(snapshot.vpcs["vpc-main"], faults=(fault,))})


async def test_whatever_is_killed_when_the_kernel_ends_with_the_last_snapshot_and_nothing_leaks() -> None:
    rng = Random(20261121)
    before, descriptors = held_namespaces(), len(os.listdir("/proc/self/fd"))
    async with KernelNetwork.running(changed(1)) as net:
        stopped = asyncio.Event()

        async def change() -> int:
            number = 1
            while not stopped.is_set():
                number += 1
                with contextlib.suppress(ApplyError):
                    await net.dataplane.apply(changed(number))
                await asyncio.sleep(0)
            return number

        answered = 0

        async def flow() -> None:
            """Connections, one after the other, through whatever is there."""
            nonlocal answered
            while not stopped.is_set():
                try:
                    outcome = await asyncio.wait_for(net.connect("eni-instance", DYNAMODB, timeout=0.05), 1.0)
                    answered += isinstance(outcome, list)
                except (HelperError, HelperLostError, OSError, TimeoutError, ValueError):
                    net.forget_probe()
                await asyncio.sleep(0)

        changing, flowing = asyncio.create_task(change()), asyncio.create_task(flow())
        try:
            for number in range(KILLS):
                if number % 2:  # every other time not before packets have flowed again
                    seen = answered
                    await eventually(lambda seen=seen: answered > seen)
                await asyncio.sleep(rng.uniform(0.0, 0.25))
                victim = net.dataplane.helper_pid
                if victim:
                    os.kill(victim, signal.SIGKILL)
                    await eventually(lambda victim=victim: net.dataplane.helper_pid not in (victim, 0))
        finally:
            stopped.set()  # or a failure would wait for them for ever
        changes, _ = await asyncio.gather(changing, flowing)
        assert changes > KILLS // 2
        net.forget_probe()
        for number in (1, 3):  # with the endpoint's route, and without
            await net.dataplane.apply(changed(number))
            outcome = await net.connect("eni-instance", DYNAMODB)
            assert (outcome == "timeout") == (number == 3)
        assert await net.connect("eni-2", DYNAMODB) == "timeout"
    await eventually(lambda: held_namespaces() == before)
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 2, "descriptors do not pile up with the helpers"
