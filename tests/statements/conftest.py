"""One ephemeral instance on the kernel data plane for all statements; each test builds its own VPC and table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.instance import Instance
from tests.support.private_table import PrivateTable
from tests.support.small_house import SmallHouse, small_house


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    data: Path = tmp_path_factory.mktemp("statements")
    # One Region for every test's VPCs: more gateway endpoints than the quota of 20 (tests/services/ec2 has the quota).
    quota = ("--quota", "gateway_endpoints=200")
    running = Instance(data, "--ephemeral", "--dataplane", "kernel", *quota).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def world(instance: Instance) -> PrivateTable:
    return PrivateTable(instance)


@pytest.fixture(scope="module")
def house(world: PrivateTable) -> SmallHouse:
    """One for each module, to be left as it was found."""
    return small_house(world)


@pytest.fixture
def scps(world: PrivateTable) -> Iterator[list[str]]:
    """Policies attached during a test, detached after it."""
    attached: list[str] = []
    yield attached
    for policy_id in attached:
        world.detach(policy_id)
