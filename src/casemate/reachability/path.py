"""What is known of a packet's way while it is being walked."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from msgspec import Struct

from casemate.model.network import (
    Address,
    InterfaceKind,
    NetworkAclEntry,
    NetworkInterface,
    Route,
    SecurityGroupRule,
    Subnet,
)
from casemate.reachability.verdict import Hop, HopKind, Outcome, ReasonCode, Verdict

if TYPE_CHECKING:
    from casemate.reachability.index import NetworkIndex, VpcIndex


class Drop(Struct, frozen=True, kw_only=True):
    """Why the walk ends here."""

    reason: ReasonCode
    explanation: str
    remedy: str


class Stop(Struct, frozen=True, kw_only=True):
    """Where a packet leaves a subnet from: a network interface or a NAT gateway."""

    name: str
    """`eni-...` or `nat-...`."""
    kind: InterfaceKind
    vpc: VpcIndex
    subnet: Subnet
    public: IPv4Address | None
    """What an internet gateway translates the private address to."""
    visited: tuple[str, ...] = ()
    """NAT gateways passed so far; passing one twice is a loop."""


class Path:
    """The hops so far, the checks that the answer will meet, and what the far end sees. Mutable; lives for one walk."""

    __slots__ = (
        "back", "closed", "destination_interface", "hops", "network", "returning", "sender", "source_seen",
        "via_endpoint",
    )  # fmt: skip

    def __init__(self, network: NetworkIndex) -> None:
        self.network = network
        self.hops: list[Hop] = []
        self.back: list[Callable[[], Drop | None]] = []
        """What the answer meets, in reverse: each stage that lets a request pass adds its counterpart."""
        self.returning = False
        self.closed: Drop | None = None
        """Set when the far end was reached and refuses."""
        self.sender: NetworkInterface | None = None
        """The interface that sent it; None for the internet."""
        self.source_seen: Address | None = None
        self.via_endpoint: str | None = None
        self.destination_interface: str | None = None

    def met(
        self,
        kind: HopKind,
        component: str,
        *,
        passed: bool,
        matched: str = "",
        lost: tuple[str, ...] = (),
        rule: Route | NetworkAclEntry | SecurityGroupRule | None = None,
    ) -> None:
        """Record a hop."""
        self.hops.append(
            Hop(
                kind=kind,
                component=component,
                passed=passed,
                matched=matched,
                lost=lost,
                returning=self.returning,
                rule=rule,
            )
        )

    def walk_back(self) -> Drop | None:
        """Take the answer through everything it meets; None when it comes back."""
        self.returning = True
        for check in reversed(self.back):
            drop = check()
            if drop is not None:
                return drop
        return None

    def verdict(self, drop: Drop | None) -> Verdict:
        """The verdict on what was walked."""
        outcome = Outcome.REACHED
        if drop is not None:
            outcome = Outcome.DROPPED
        elif self.closed is not None:
            outcome, drop = Outcome.REFUSED, self.closed
        return Verdict(
            outcome=outcome,
            hops=tuple(self.hops),
            reason=drop.reason if drop else None,
            explanation=drop.explanation if drop else "",
            remedy=drop.remedy if drop else "",
            source_seen=self.source_seen,
            via_endpoint=self.via_endpoint,
            destination_interface=self.destination_interface,
        )
