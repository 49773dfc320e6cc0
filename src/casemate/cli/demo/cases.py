"""The cases of the access matrix: who asks, from where, and what is expected to happen.

What is expected is written down; what happened and why is found out: the first from the SDK's own answer, the second
by asking the running instance. A case whose outcome is not the expected one makes the demo fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from casemate.cli.demo.architecture import OTHER_REGION, REGION


class Expected(Enum):
    """What the SDK should see."""

    WORKS = "works"
    REFUSED = "refused"
    TIMES_OUT = "times out"


class Phase(Enum):
    """The state of things in which a case is tried."""

    PERIMETER = "with the SCP attached"
    ROUTE_REMOVED = "the endpoint's route taken away"
    SCP_DETACHED = "the SCP detached"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One row of the matrix."""

    title: str
    source: str
    """`lambda:NAME`, `laptop` or `role:NAME`, as `casemate explain --from` takes it."""
    expected: Expected
    phase: Phase = Phase.PERIMETER
    subnets: tuple[str, ...] = ()
    """Of the function, by name; none: outside any VPC."""
    group: str = "open"
    region: str = REGION
    """Of the table."""
    checkip: bool = False
    """Also ask the internet for the public address."""


CASES: tuple[Case, ...] = (
    Case(
        title="private subnets, gateway endpoint",
        source="lambda:orders",
        expected=Expected.WORKS,
        subnets=("private-a", "private-b"),
    ),
    Case(
        title="egress only to the prefix list",
        source="lambda:list-only",
        expected=Expected.WORKS,
        subnets=("private-a", "private-b"),
        group="list-only",
    ),
    Case(
        title="security group without egress",
        source="lambda:closed-group",
        expected=Expected.TIMES_OUT,
        subnets=("private-a",),
        group="closed",
    ),
    Case(
        title="endpoint on another route table",
        source="lambda:isolated",
        expected=Expected.TIMES_OUT,
        subnets=("isolated",),
    ),
    Case(
        title="NAT gateway instead of endpoint",
        source="lambda:through-nat",
        expected=Expected.REFUSED,
        subnets=("nat",),
        checkip=True,
    ),
    Case(
        title="public subnet, internet gateway",
        source="lambda:public-subnet",
        expected=Expected.TIMES_OUT,
        subnets=("public",),
    ),
    Case(
        title="endpoint policy for another table",
        source="lambda:other-endpoint",
        expected=Expected.REFUSED,
        subnets=("archive",),
    ),
    Case(
        title=f"endpoint here, table in {OTHER_REGION}",
        source="lambda:orders",
        expected=Expected.TIMES_OUT,
        subnets=("private-a", "private-b"),
        region=OTHER_REGION,
    ),
    Case(title="function outside any VPC", source="lambda:no-vpc", expected=Expected.REFUSED),
    Case(title="administrator on the laptop", source="laptop", expected=Expected.REFUSED),
    Case(title="break-glass role on the laptop", source="role:break-glass", expected=Expected.WORKS),
    Case(
        title="the endpoint's route removed",
        source="lambda:orders",
        expected=Expected.TIMES_OUT,
        phase=Phase.ROUTE_REMOVED,
        subnets=("private-a", "private-b"),
    ),
    Case(
        title="NAT gateway, SCP detached",
        source="lambda:through-nat",
        expected=Expected.WORKS,
        phase=Phase.SCP_DETACHED,
        subnets=("nat",),
        checkip=True,
    ),
)
