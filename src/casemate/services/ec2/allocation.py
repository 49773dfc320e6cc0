"""Choosing addresses: private ones in a subnet, public ones in a Region, MAC addresses.

AWS's choice is arbitrary; Casemate takes the lowest free one, so that a test sees the same address each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from casemate.model.ids import RandomBytes
from casemate.model.regions import public_pool
from casemate.services.ec2 import errors
from casemate.services.ec2.records import Place, Subnet
from casemate.services.ec2.state import Ec2State

RESERVED = 5
"""Of each subnet AWS keeps the first four addresses and the last. Source: VPC User Guide, "Subnet sizing"."""


def taken(state: Ec2State, subnet: Subnet) -> set[IPv4Address]:
    """Addresses of the subnet that interfaces have."""
    return {
        IPv4Address(each.address)
        for interface in state.interfaces_in_subnet(subnet)
        for each in interface.addresses
    }


def available_count(state: Ec2State, subnet: Subnet) -> int:
    """`AvailableIpAddressCount`."""
    return IPv4Network(subnet.cidr).num_addresses - RESERVED - len(taken(state, subnet))


def _usable(network: IPv4Network) -> Iterator[IPv4Address]:
    first = int(network.network_address)
    return map(IPv4Address, range(first + 4, first + network.num_addresses - 1))


def pick(
    state: Ec2State, subnet: Subnet, count: int, *, besides: set[IPv4Address] | None = None
) -> list[str]:
    """The `count` lowest free addresses; AwsError InsufficientFreeAddressesInSubnet."""
    used = taken(state, subnet) | (besides or set())
    found: list[str] = []
    candidates = _usable(IPv4Network(subnet.cidr))
    while len(found) < count:
        address = next(candidates, None)
        if address is None:
            raise errors.subnet_full(subnet.id)
        if address not in used:
            found.append(str(address))
    return found


def claim(state: Ec2State, subnet: Subnet, text: str) -> str:
    """An address the caller asks for; AwsError when it is malformed, outside the subnet, reserved or taken."""
    try:
        address = IPv4Address(text)
    except ValueError as error:
        raise errors.invalid_value(f"Invalid IPv4 address: {text}") from error
    network = IPv4Network(subnet.cidr)
    if address not in network:
        raise errors.address_outside(text)
    if int(address) - int(network[0]) < 4 or address == network[-1]:
        raise errors.invalid_value(f"Address {text} is in subnet's reserved address range")
    if address in taken(state, subnet):
        raise errors.address_in_use(text)
    return str(address)


def public_address(state: Ec2State, place: Place) -> str:
    """The lowest free elastic address of the Region, over all accounts."""
    used = {each.public_ip for each in state.addresses.everywhere()}
    # Those of instances are not allocated to anybody, only in use.
    used |= {
        address.public.public_ip
        for interface in state.interfaces.everywhere()
        for address in interface.addresses
        if address.public
    }
    for address in public_pool(place.region).hosts():
        if str(address) not in used:
            return str(address)
    raise errors.limit("InsufficientAddressCapacity", "addresses")


def mac(random_bytes: RandomBytes) -> str:
    """A locally administered unicast MAC address, as AWS's are (02:...)."""
    return "02:" + ":".join(f"{byte:02x}" for byte in random_bytes(5))
