"""CIDR blocks as callers write them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

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
        return IPv6Network(text, strict=False)
    except ValueError as error:
        raise errors.not_a_cidr(text, parameter) from error


def any_network(text: str, parameter: str) -> IPv4Network | IPv6Network:
    """Parse a block of either family."""
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise errors.not_a_cidr(text, parameter) from error
