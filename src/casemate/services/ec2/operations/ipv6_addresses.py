"""Network interfaces: IPv6 addresses."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.cidrs import ipv6_address
from casemate.services.ec2.ipv6_allocation import check_number, claim_ipv6, pick_ipv6
from casemate.services.ec2.operations.interface_attributes import editable
from casemate.services.ec2.registry import Ctx, on, operation, refuse

_INTERFACE = (on("network-interface", "NetworkInterfaceId"),)


@operation("AssignIpv6Addresses", on=_INTERFACE)
def assign_ipv6_addresses(ctx: Ctx, params: Params) -> Output:
    """Source: API Reference, AssignIpv6Addresses: specific addresses of the subnet's block, or a number of any."""
    refuse(params, ("Ipv6Prefixes", "Ipv6PrefixCount"))
    interface = editable(ctx, params)
    subnet = ctx.state.subnets.get(ctx, interface.subnet_id)
    asked: list[str] = list(params.get("Ipv6Addresses") or ())
    number = params.get("Ipv6AddressCount")
    if bool(asked) == bool(number):
        raise errors.combination("Exactly one of ipv6Addresses and ipv6AddressCount must be given")
    check_number(len(interface.ipv6) + len(asked) + max(0, number or 0))
    if number:
        new = pick_ipv6(ctx.state, subnet, number)
    else:
        new = [claim_ipv6(ctx.state, subnet, each) for each in dict.fromkeys(asked)]
    ctx.state.interfaces.put(replace(interface, ipv6=(*interface.ipv6, *new)))
    return {"NetworkInterfaceId": interface.id, "AssignedIpv6Addresses": new, "AssignedIpv6Prefixes": []}


@operation("UnassignIpv6Addresses", on=_INTERFACE)
def unassign_ipv6_addresses(ctx: Ctx, params: Params) -> Output:
    refuse(params, ("Ipv6Prefixes",))
    interface = editable(ctx, params)
    asked: list[str] = list(params.get("Ipv6Addresses") or ())
    if not asked:
        raise errors.missing_parameter("ipv6Addresses")
    try:
        gone = {str(ipv6_address(each)) for each in asked}
    except ValueError as error:
        raise errors.invalid_value(f"Invalid IPv6 address: {error}") from error
    if not gone <= set(interface.ipv6):
        raise errors.invalid_value(
            "Some of the specified addresses are not assigned to interface " + interface.id
        )
    kept = tuple(each for each in interface.ipv6 if each not in gone)
    ctx.state.interfaces.put(replace(interface, ipv6=kept))
    return {
        "NetworkInterfaceId": interface.id,
        "UnassignedIpv6Addresses": sorted(gone),
        "UnassignedIpv6Prefixes": [],
    }
