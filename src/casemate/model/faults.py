"""Faults that a user asks for, to see whether what is built survives them.

A fault is an experiment and no configuration: it is kept in memory only, and ends with the instance.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class FaultKind(Enum):
    """The value is the word of `casemate fault`."""

    AZ_OUTAGE = "az-outage"
    """Every subnet of an Availability Zone loses all its packets, in both directions."""
    NAT_FAILURE = "nat-failure"
    """A NAT gateway loses every packet; routes still lead to it."""
    ENDPOINT_DOWN = "endpoint-down"
    """A VPC endpoint loses every packet; routes and names still lead to it."""
    LATENCY = "latency"
    """Round trips take longer; nothing is lost."""


class Fault(Struct, frozen=True, kw_only=True):
    fault_id: str
    """`fault-1`."""
    kind: FaultKind
    target: str
    """Id of an Availability Zone (`use2-az1`), a NAT gateway or an endpoint; for latency of a zone, a subnet or an endpoint."""
    milliseconds: int = 0
    """LATENCY: added to each round trip; of an endpoint, to each answer."""

    @property
    def words(self) -> str:
        """As it was asked for: `az-outage use2-az1`."""
        added = f" {self.milliseconds}ms" if self.kind is FaultKind.LATENCY else ""
        return f"{self.kind.value} {self.target}{added}"
