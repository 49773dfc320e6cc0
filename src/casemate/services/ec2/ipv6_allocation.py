"""Choosing IPv6 addresses in a subnet. As with IPv4 Casemate takes the lowest free one."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network
from itertools import count as counting
from itertools import islice
from typing import Any

from casemate.services.ec2 import errors
from casemate.services.ec2.cidrs import ipv6_address
from casemate.services.ec2.records import Subnet
from casemate.services.ec2.state import Ec2State

_RESERVED = 4
"""The first four addresses of a subnet's block; the last one is AWS's too. Source: VPC User Guide, "Subnet sizing for IPv6"."""
_MOST = 256
"""Of an interface. Casemate's own: AWS's depends on the type of the instance, and is less for all of them."""


def wanted_ipv6(state: Ec2State, subnet: Subnet, params: Mapping[str, Any]) -> list[str]:
    """The IPv6 addresses of a new interface: those asked for, else one where the subnet assigns it on creation.

    Source: API Reference, CreateNetworkInterface: a count of 0 overrides AssignIpv6AddressOnCreation.
    """
    listed: list[Mapping[str, str]] = list(params.get("Ipv6Addresses") or ())
    if any(not each.get("Ipv6Address") for each in listed):
        raise errors.missing_parameter("ipv6Addresses.ipv6Address")
    given = [each["Ipv6Address"] for each in listed]
    number = params.get("Ipv6AddressCount")
    if given and number:
        raise errors.combination("Specify either ipv6Addresses or ipv6AddressCount, not both.")
    if given:
        check_number(len(given))
        return [claim_ipv6(state, subnet, each) for each in dict.fromkeys(given)]
    if number is None:
        number = 1 if subnet.assign_ipv6 else 0
    return pick_ipv6(state, subnet, number) if number else []


def pick_ipv6(state: Ec2State, subnet: Subnet, number: int) -> list[str]:
    """The `number` lowest free addresses of the subnet's block."""
    if number < 0:
        raise errors.bad_value(number, "ipv6AddressCount", "It must not be negative.")
    check_number(number)
    network, used = _block(subnet), taken_ipv6(state, subnet)
    first = int(network.network_address) + _RESERVED
    free = (each for each in map(IPv6Address, counting(first)) if each not in used)
    return [str(each) for each in islice(free, number)]


def check_number(number: int) -> None:
    """AwsError when an interface would have more addresses than any may."""
    if number > _MOST:
        raise errors.too_many_ipv6()


def claim_ipv6(state: Ec2State, subnet: Subnet, text: str) -> str:
    """An address the caller asks for; AwsError when it is malformed, outside the subnet's block, reserved or taken."""
    try:
        address = ipv6_address(text)
    except ValueError as error:
        raise errors.invalid_value(f"Invalid IPv6 address: {text}") from error
    network = _block(subnet)
    if address not in network:
        raise errors.address_outside(text)
    if int(address) - int(network[0]) < _RESERVED or address == network[-1]:
        raise errors.invalid_value(f"Address {text} is in subnet's reserved address range")
    if address in taken_ipv6(state, subnet):
        raise errors.address_in_use(text)
    return str(address)


def taken_ipv6(state: Ec2State, subnet: Subnet) -> set[IPv6Address]:
    """Addresses of the subnet that interfaces have."""
    return {IPv6Address(each) for interface in state.interfaces_in_subnet(subnet) for each in interface.ipv6}


def _block(subnet: Subnet) -> IPv6Network:
    if not subnet.ipv6:
        raise errors.no_ipv6_block(subnet.id)
    return IPv6Network(subnet.ipv6[0].cidr)
