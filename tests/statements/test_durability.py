"""T02: items survive a crash of everything; and so does every acknowledged resource. Nothing is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.instance import Instance
from tests.support.leftovers import mounts, settle, strangers
from tests.support.private_table import PrivateTable

ROUNDS = 7
"""`tests/differential/run_durability.py` kills two hundred times, under sixteen writers."""
MakeInstance = Callable[..., Instance]


@pytest.fixture
def make_instance(tmp_path: Path) -> Iterator[MakeInstance]:
    """Instances that are ended whatever becomes of the test."""
    made: list[Instance] = []

    def make(*options: str) -> Instance:
        made.append(Instance(tmp_path / "data", *options))
        return made[-1]

    yield make
    for instance in made:
        if instance.process is not None:
            instance.kill()


def _write_until_dead(
    instance: Instance, table: str, round_number: int, acknowledged: list[str], vpcs: list[str]
) -> None:
    dynamodb, ec2 = instance.client("dynamodb"), instance.client("ec2")
    for number in range(10_000):
        key = f"{round_number}-{number}"
        try:
            dynamodb.put_item(TableName=table, Item={"id": {"S": key}})
            acknowledged.append(key)
            if number % 5 == 0:
                group = ec2.create_security_group(GroupName=f"g{key}", Description="test", VpcId=vpcs[0])[
                    "GroupId"
                ]
                acknowledged.append(group)
        except Exception:  # the instance was killed: whatever was not acknowledged does not count
            return


@pytest.mark.kernel
def test_t02_no_acknowledged_write_is_lost_by_kill_9_again_and_again(make_instance: MakeInstance) -> None:
    instance = make_instance("--dataplane", "off").start()
    world = PrivateTable(instance)
    table, vpc = world.table(), world.vpc().vpc_id
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        writer = threading.Thread(
            target=_write_until_dead, args=(instance, table, number, acknowledged, [vpc])
        )
        before = len(acknowledged)
        writer.start()
        # Kill in the middle of writing, a little later each round.
        while writer.is_alive() and len(acknowledged) < before + 3 + 3 * number:
            writer.join(0.002)
        instance.kill()
        writer.join()
        instance.start()
    keys = [text for text in acknowledged if not text.startswith("sg-")]
    groups = [text for text in acknowledged if text.startswith("sg-")]
    dynamodb: Any = instance.client("dynamodb")
    items = {
        item["id"]["S"]
        for page in dynamodb.get_paginator("scan").paginate(TableName=table)
        for item in page["Items"]
    }
    assert set(keys) <= items
    described: Any = instance.client("ec2").get_paginator("describe_security_groups")
    present = {group["GroupId"] for page in described.paginate() for group in page["SecurityGroups"]}
    assert set(groups) <= present
    assert len(keys) >= 3 * ROUNDS
    instance.stop()


@pytest.mark.kernel
def test_nothing_is_left_after_down_nor_after_kill_9_and_up(make_instance: MakeInstance) -> None:
    before, mounted = strangers(), mounts()
    instance = make_instance("--dataplane", "kernel").start()
    world = PrivateTable(instance)
    table, vpc = world.table(), world.vpc()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    vpc.endpoint("private")
    assert world.get(function, table)["ok"]
    assert strangers() - before, "the function ran in a namespace of its own"
    instance.kill()
    assert settle(instance.data, before) == set()
    instance.start()
    assert PrivateTable(instance).get(function, table)["response"]["Item"]["what"]["S"] == "it"
    instance.stop()
    assert settle(instance.data, before) == set()
    assert mounts() == mounted
