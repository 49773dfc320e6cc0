"""Where a connection was accepted: the one thing about a caller that the caller cannot choose."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from casemate.model.network import Address


class Side(Enum):
    """Which listener accepted the connection."""

    LAPTOP = "laptop"
    """The front door on the loopback address: the developer's machine, outside AWS."""
    INTERNET = "internet"
    """A public address, reached from inside the emulated network: NAT, elastic IP, a function outside any VPC."""
    VPC = "vpc"
    """The endpoints of one VPC."""


class Arrival(Struct, frozen=True, kw_only=True):
    """One accepted connection."""

    side: Side
    vpc_id: str | None
    """Of VPC arrivals."""
    peer: Address
    """Source address as it arrived."""
    destination: Address
    """The address the client connected to: inside the network, the original destination."""
    port: int
    tls: bool

    @property
    def holder(self) -> tuple[str | None, Address]:
        """Who answers for what this connection takes of the process."""
        return self.vpc_id, self.peer
