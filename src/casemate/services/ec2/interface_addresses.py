"""Which private addresses a new interface gets."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from casemate.services.ec2 import errors
from casemate.services.ec2.allocation import claim, pick
from casemate.services.ec2.records import Subnet
from casemate.services.ec2.registry import Ctx


def wanted_addresses(ctx: Ctx, subnet: Subnet, params: Mapping[str, Any]) -> list[str]:
    """The addresses of a new interface, the primary one first."""
    state = ctx.state
    given = list(params.get("PrivateIpAddresses") or ())
    if any(not each.get("PrivateIpAddress") for each in given):
        raise errors.missing_parameter("privateIpAddresses.privateIpAddress")
    first = params.get("PrivateIpAddress")
    asked: list[str] = [first] if first else []
    asked += [each["PrivateIpAddress"] for each in given if each.get("Primary")]
    asked += [each["PrivateIpAddress"] for each in given if not each.get("Primary")]
    if sum(bool(each.get("Primary")) for each in given) + bool(first) > 1:
        raise errors.combination("Only one primary private IP address can be specified.")
    claimed = [claim(state, subnet, each) for each in dict.fromkeys(asked)]
    more = params.get("SecondaryPrivateIpAddressCount") or 0
    missing = more + (0 if claimed else 1)
    from_pool = pick(state, subnet, missing, besides=as_addresses(claimed))
    return claimed + from_pool


def as_addresses(texts: list[str]) -> set[IPv4Address]:
    """Parsed."""
    return {IPv4Address(each) for each in texts}
