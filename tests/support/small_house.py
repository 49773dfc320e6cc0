"""The reference architecture in small, for tests of policies."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.instance import REGION, WORKLOAD
from tests.support.private_table import PrivateTable, Vpc


@dataclass(frozen=True, kw_only=True)
class SmallHouse:
    """A function behind a gateway endpoint, one outside any VPC with the same role, and a table."""

    vpc: Vpc
    endpoint: str
    table: str
    inside: str
    outside: str

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{REGION}:{WORKLOAD}:table/{self.table}"


def small_house(world: PrivateTable) -> SmallHouse:
    vpc = world.vpc()
    subnet = vpc.subnet("private")
    endpoint = vpc.endpoint("private")
    role = world.role()
    return SmallHouse(
        vpc=vpc,
        endpoint=endpoint,
        table=world.table(),
        inside=world.function(subnets=[subnet], groups=[vpc.group()], role=role),
        outside=world.function(role=role),
    )
