"""How an interface is written in the rules of its VPC's router."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Self

from msgspec import Struct

from casemate.dataplane.plan import names
from casemate.dataplane.plan.topology import Topology, addresses_of, device_of, is_unchecked
from casemate.model.network import InterfaceKind, NetworkInterface


class GroupSet(Struct, frozen=True, kw_only=True, order=True):
    """Security groups that interfaces have together: interfaces of one kind with the same groups share their chains."""

    groups: tuple[str, ...]
    always_tracked: bool
    """Lambda's interfaces and those of endpoints; and appliances, which are neither end of what they pass on."""

    @property
    def chain(self) -> str:
        name = _chain_of(self.groups)
        return name if self.always_tracked else f"{name}_plain"


@lru_cache(maxsize=4096)
def _chain_of(groups: tuple[str, ...]) -> str:
    return "groups_" + sha256(" ".join(groups).encode()).hexdigest()[:16]


@lru_cache(maxsize=4096)
def _group_set(groups: tuple[str, ...], always_tracked: bool) -> GroupSet:  # noqa: FBT001 - lru_cache wants it so
    return GroupSet(groups=tuple(sorted(set(groups))), always_tracked=always_tracked)


class Written(Struct, frozen=True, kw_only=True):
    """What follows from an interface alone. Made once, kept while the interface is the same."""

    device: str
    """The router's device towards it, in quotes."""
    address: str
    pairs: tuple[str, ...]
    """Its device with each private address; none when it may send and receive packets of any address."""
    pairs_6: tuple[str, ...]
    """The same with each IPv6 address."""
    dual_stack: bool
    unchecked: bool
    is_gateway: bool
    """Of a NAT gateway, which has no security groups."""
    groups: GroupSet
    chain: str
    """That judge for its security groups, without the suffix."""
    subnet: str
    """That judge for its subnet, without the suffix."""

    @classmethod
    def of(cls, interface: NetworkInterface) -> Self:
        device, unchecked = f'"{device_of(interface)}"', is_unchecked(interface)
        groups = _group_set(interface.groups, interface.kind is not InterfaceKind.INTERFACE or unchecked)
        return cls(
            device=device,
            address=str(interface.address),
            pairs=() if unchecked else tuple(f"{device} . {address}" for address in addresses_of(interface)),
            pairs_6=() if unchecked else tuple(f"{device} . {address}" for address in interface.ipv6),
            dual_stack=bool(interface.ipv6),
            unchecked=unchecked,
            is_gateway=interface.kind is InterfaceKind.NAT_GATEWAY,
            groups=groups,
            chain=groups.chain,
            subnet=f"subnet_{names.safe(interface.subnet_id)}",
        )


def attached(topology: Topology) -> tuple[Written, ...]:
    """The interfaces with a device."""
    return _written(topology, topology.attached)


def endpoints(topology: Topology) -> tuple[Written, ...]:
    """The interfaces behind the device of the VPC's services."""
    return _written(topology, topology.endpoint_interfaces)


def _written(topology: Topology, interfaces: tuple[NetworkInterface, ...]) -> tuple[Written, ...]:
    recall = topology.memory.recall
    return tuple(
        # What is made is made before the name is bound anew.
        recall(("written", item.interface_id), (item,), lambda item=item: Written.of(item))
        for item in interfaces
    )
