"""The reconciler against a scripted kernel: what fails, what dies, what is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from tests.support.vpc_builder import ALL_OUT, VpcBuilder, network

from casemate.dataplane import operations as ops
from casemate.dataplane.kernel import messages
from casemate.dataplane.kernel.connection import HelperLostError
from casemate.dataplane.kernel.reconciler import Reconciler


class ScriptedKernel:
    """Knows which groups it holds. `deadly` groups end it; `failing` ones are refused so many times."""

    def __init__(self) -> None:
        self.holds: set[str] = set()
        self.calls: list[list[str]] = []
        self.deaths = 0
        self.deadly: set[str] = set()
        self.failing: dict[str, int] = {}
        self.on_death: Callable[[], None] = lambda: None

    async def send(self, request: messages.Apply) -> dict[str, str]:
        await asyncio.sleep(0)
        self.calls.append([change.group for change in request.changes])
        failed: dict[str, str] = {}
        for change in request.changes:
            steps = (*change.structure, *change.contents)
            builds = any(isinstance(step, ops.CreateNamespaces) for step in steps)
            if builds and change.group in self.deadly:
                self.holds.clear()
                self.deaths += 1
                self.on_death()
                raise HelperLostError("gone")
            if builds and self.failing.get(change.group, 0):
                self.failing[change.group] -= 1
                failed[change.group] = "refused"
            elif builds:
                self.holds.add(change.group)
            elif any(isinstance(step, ops.DeleteNamespaces) for step in steps):
                self.holds.discard(change.group)
        return failed


@pytest.fixture
def kernel() -> ScriptedKernel:
    return ScriptedKernel()


@pytest.fixture
def reconciler(kernel: ScriptedKernel) -> Reconciler:
    made = Reconciler(kernel.send, lambda _: None)
    kernel.on_death = made.forget
    return made


def vpc(number: int, *groups: str) -> VpcBuilder:
    made = (
        VpcBuilder(f"vpc-{number}")
        .table(f"rtb-{number}")
        .subnet(f"subnet-{number}", "10.0.1.0/24", f"rtb-{number}")
    )
    made.group("sg-1", *ALL_OUT)
    for group in groups:
        made.group(group)
    return made.interface(f"eni-{number}", f"subnet-{number}", "10.0.1.10", "sg-1", *groups)


async def test_only_what_changed_is_sent(kernel: ScriptedKernel, reconciler: Reconciler) -> None:
    one = vpc(1).build()
    assert await reconciler.apply(network(one)) == {}
    assert await reconciler.apply(network(one, vpc(2))) == {}
    assert await reconciler.apply(network(one)) == {}
    assert kernel.calls == [["internet", "vpc-1"], ["vpc-2"], ["vpc-2"]]


async def test_a_group_that_kills_the_helper_is_found_and_left_out(
    kernel: ScriptedKernel, reconciler: Reconciler
) -> None:
    kernel.deadly = {"vpc-2"}
    deadly = vpc(2).build()
    assert set(await reconciler.apply(network(vpc(1), deadly, vpc(3)))) == {"vpc-2"}
    assert kernel.holds == {"internet", "vpc-1", "vpc-3"}
    assert kernel.deaths == 2, "once in company, once alone"
    assert set(await reconciler.apply(network(vpc(1), deadly, vpc(3), vpc(4)))) == {"vpc-2"}
    assert kernel.deaths == 2, "it is not tried again as it is"
    kernel.deadly = set()
    assert await reconciler.apply(network(vpc(1), vpc(2, "sg-2"), vpc(3))) == {}, (
        "it changed, so it is tried again"
    )
    assert "vpc-2" in kernel.holds


async def test_a_group_that_fails_once_is_built_anew(kernel: ScriptedKernel, reconciler: Reconciler) -> None:
    kernel.failing = {"vpc-2": 1}
    assert await reconciler.apply(network(vpc(1), vpc(2))) == {}
    assert kernel.calls == [["internet", "vpc-1", "vpc-2"], ["vpc-2"], ["vpc-2"]], "built, cleared, built"
    assert kernel.holds == {"internet", "vpc-1", "vpc-2"}


async def test_a_group_that_keeps_failing_is_reported_and_tried_with_the_next_change(
    kernel: ScriptedKernel, reconciler: Reconciler
) -> None:
    kernel.failing = {"vpc-2": 2}
    assert await reconciler.apply(network(vpc(1), vpc(2))) == {"vpc-2": "refused"}
    assert kernel.holds == {"internet", "vpc-1"}
    assert await reconciler.apply(network(vpc(1), vpc(2))) == {}
    assert kernel.holds == {"internet", "vpc-1", "vpc-2"}


async def test_waiting_snapshots_are_merged_and_the_newest_wins(
    kernel: ScriptedKernel, reconciler: Reconciler
) -> None:
    results = await asyncio.gather(*(reconciler.apply(network(vpc(number))) for number in range(1, 9)))
    assert results == [{}] * 8
    assert kernel.holds == {"internet", "vpc-8"}
    assert len(kernel.calls) <= 2


async def test_after_a_loss_everything_is_built_again(kernel: ScriptedKernel, reconciler: Reconciler) -> None:
    await reconciler.apply(network(vpc(1), vpc(2)))
    kernel.holds.clear()
    reconciler.forget()
    assert await reconciler.reconcile() == {}
    assert kernel.holds == {"internet", "vpc-1", "vpc-2"}
