"""What the kernel can be told to hold. Two objects with one key are the same thing in two states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

from msgspec import Struct

from casemate.dataplane.plan.ruleset import Ruleset

Key = tuple[object, ...]

MAIN = "main"
LOCAL = "local"
LOOPBACK = "lo"


class Namespace(Struct, frozen=True, kw_only=True):
    """A network namespace, held open as a descriptor of the helper and nowhere else. Its loopback is up."""

    name: str
    sysctls: tuple[tuple[str, str], ...] = ()
    """Written before any link exists; path under /proc/sys/net."""
    conntrack: tuple[tuple[str, str], ...] = ()
    """Written once the rules are in: the files appear with the first rule that tracks connections."""

    @property
    def key(self) -> Key:
        return ("namespace", self.name)


class LinkEnd(Struct, frozen=True, kw_only=True):
    namespace: str
    device: str
    mac: str


class Link(Struct, frozen=True, kw_only=True):
    """A pair of connected devices, both up."""

    near: LinkEnd
    far: LinkEnd

    @property
    def key(self) -> Key:
        return ("link", self.near.namespace, self.near.device)


class DualStack(Struct, frozen=True, kw_only=True):
    """IPv6 on a device. Namespaces are made without it: it costs nothing where no VPC has an IPv6 block."""

    namespace: str
    device: str
    forwards: bool = False
    """Packets may go from this device to others of the namespace."""

    @property
    def key(self) -> Key:
        return ("dual-stack", self.namespace, self.device)


class Address(Struct, frozen=True, kw_only=True):
    namespace: str
    device: str
    address: IPv4Address | IPv6Address

    @property
    def key(self) -> Key:
        return ("address", self.namespace, self.device, self.address)


class Neighbour(Struct, frozen=True, kw_only=True):
    """A permanent neighbour entry: nobody asks by ARP or neighbour discovery here, so nobody can answer falsely."""

    namespace: str
    device: str
    address: IPv4Address | IPv6Address
    mac: str

    @property
    def key(self) -> Key:
        return ("neighbour", self.namespace, self.device, self.address)


class Delay(Struct, frozen=True, kw_only=True):
    """What leaves by a device waits so long: the scheduler netem as the device's only one, or the helper (`delay_line`)."""

    namespace: str
    device: str
    milliseconds: int
    inside: str
    """The namespace at the other end of the link,"""
    end: str
    """and the device there."""

    @property
    def key(self) -> Key:
        return ("delay", self.namespace, self.device)


class RouteKind(Enum):
    UNICAST = "unicast"
    LOCAL = "local"
    """Delivered to whoever listens in this namespace, whatever the address."""
    BLACKHOLE = "blackhole"
    """Silence, as on AWS; a missing route would give the sender an error instead."""
    THROW = "throw"
    """Not for this table: go on to the next rule."""


class Route(Struct, frozen=True, kw_only=True):
    namespace: str
    table: str = MAIN
    """`main`, `local`, or a subnet's id: each subnet has a table of its own, so that an association never moves."""
    destination: IPv4Network | IPv6Network
    kind: RouteKind
    device: str | None = None
    via: IPv4Address | IPv6Address | None = None
    endpoint: str | None = None
    """Gateway endpoint it leads to. Flows that were open are cut when this changes, as AWS does."""
    sources: IPv4Network | None = None
    """For an endpoint's route: the subnet whose flows it carries."""

    @property
    def key(self) -> Key:
        return ("route", self.namespace, self.table, self.destination)


class RoutingRule(Struct, frozen=True, kw_only=True):
    """Packets from `source`, or that came in by `device`, are routed by `table`."""

    namespace: str
    table: str
    source: IPv4Network | IPv6Network | None = None
    device: str | None = None
    ipv6: bool = False
    """A rule by device for IPv6 packets; one by source is for those of its source's family."""

    @property
    def key(self) -> Key:
        return ("rule", self.namespace, self.table, self.source, self.device, self.ipv6)

    @property
    def priority(self) -> int:
        """A rule by device goes before one by source: what an appliance forwards has any source.

        It is followed by one for `main`, where `throw` leads: not to the table of the source's subnet.
        """
        if self.device is None:
            return 1000
        return 901 if self.table == MAIN else 900


class Listener(Struct, frozen=True, kw_only=True):
    """A listening socket that the front door is given."""

    name: str
    namespace: str
    vpc_id: str | None
    """None: the internet."""
    protocol: Literal["tcp", "udp"]
    address: IPv4Address | IPv6Address
    port: int

    @property
    def key(self) -> Key:
        return ("listener", self.name)


KernelObject = (
    Namespace | Link | DualStack | Address | Neighbour | Delay | Route | RoutingRule | Ruleset | Listener
)


Part = Mapping[Key, KernelObject]
"""Objects that come from one thing of the model. While this does not change, every plan has the same `Part` object."""


def part(objects: Iterable[KernelObject]) -> Part:
    """INVARIANT: no two objects share a key."""
    listed = tuple(objects)
    keyed = {item.key: item for item in listed}
    assert len(keyed) == len(listed), "an object is planned twice"
    return keyed


class Group(Struct, frozen=True, kw_only=True):
    """Objects that are applied, and fail, together."""

    name: str
    """A VPC's id, a peering connection's id, or `internet`."""
    parts: tuple[Part, ...]
    """In the order in which they are made."""
    objects: Mapping[Key, KernelObject]
    """Those of all parts."""

    @classmethod
    def of(cls, name: str, *parts: Part, before: Group | None = None) -> Group:
        """INVARIANT: no two objects of a group share a key. `before`: a group that has most of `parts` already."""
        kept = {id(each) for each in parts}
        known = {id(each) for each in before.parts} if before else set[int]()
        objects = dict(before.objects) if before else {}
        for each in before.parts if before else ():
            if id(each) not in kept:
                for key in each:
                    del objects[key]
        count = len(objects)
        for each in parts:
            if id(each) not in known:
                objects.update(each)
                count += len(each)
        assert len(objects) == count, f"{name}: an object is planned twice"
        return cls(name=name, parts=parts, objects=objects)
