"""CIDR blocks as callers write them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network

from casemate.services.ec2 import errors


def ipv4_network(text: str, parameter: str = "cidrBlock") -> IPv4Network:
    """Parse an IPv4 block; host bits are cleared, as AWS does (100.68.0.18/18 becomes 100.68.0.0/18)."""
    if "/" not in text:
        raise errors.not_a_cidr(text, parameter)
    try:
        return IPv4Network(text, strict=False)
    except ValueError as error:
        raise errors.not_a_cidr(text, parameter) from error


def ipv6_network(text: str, parameter: str = "ipv6CidrBlock") -> IPv6Network:
    """Parse an IPv6 block; host bits are cleared."""
    if "/" not in text:
        raise errors.not_a_cidr(text, parameter)
    try:
        return IPv6Network(without_zone(text), strict=False)
    except ValueError as error:
        raise errors.not_a_cidr(text, parameter) from error


def ipv6_address(text: str) -> IPv6Address:
    """Parse an IPv6 address; ValueError when it is none."""
    return IPv6Address(without_zone(text))


def without_zone(text: str) -> str:
    """The text, unless it names a zone (RFC 4007, "%eth0"): ValueError.

    A zone is any text at all, and Python keeps it in the address: it would be written into the rules of the kernel.
    """
    if "%" in text:
        raise ValueError("an address of a VPC has no zone")
    return text


def any_network(text: str, parameter: str) -> IPv4Network | IPv6Network:
    """Parse a block of either family."""
    try:
        return ip_network(without_zone(text), strict=False)
    except ValueError as error:
        raise errors.not_a_cidr(text, parameter) from error


_PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))


def _private_range(network: IPv4Network) -> IPv4Network | None:
    return next((each for each in _PRIVATE if network.subnet_of(each)), None)


def restricted(present: Sequence[IPv4Network], added: IPv4Network) -> bool:
    """Whether a VPC with the blocks `present` (the primary one first) may not have `added` as a secondary block.

    Source: VPC User Guide, "IPv4 CIDR block association restrictions".
    """
    if added.subnet_of(IPv4Network("198.19.0.0/16")):
        return True
    wanted = _private_range(added)
    if wanted is None:
        return False
    if wanted != _private_range(present[0]):
        return True
    if any(each.subnet_of(IPv4Network("10.0.0.0/15")) for each in present):
        return added.subnet_of(IPv4Network("10.0.0.0/16"))
    return added.subnet_of(IPv4Network("172.31.0.0/16"))
