"""The secondary addresses of a NAT gateway. Source: VPC User Guide, "NAT gateway basics"; EC2 API reference.

They are on record and on the gateway's interface. Packets leave with the primary one: AWS promises no other choice.
"""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.ids import resource_id
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.allocation import claim, pick
from casemate.services.ec2.interface_making import attach_public, detach_public
from casemate.services.ec2.operations.nat_gateways import address_output
from casemate.services.ec2.records import Address, Interface, NatAddress, NatGateway, PrivateAddress
from casemate.services.ec2.registry import Ctx, on, operation, required

_MOST = 8
"""Of all kinds: "You can associate up to eight IP addresses" (one primary and seven secondary)."""


def _gateway(ctx: Ctx, params: Params, connectivity: str) -> tuple[NatGateway, Interface]:
    nat = ctx.state.nat_gateways.get(ctx, required(params, "NatGatewayId"))
    if nat.state != "available":
        raise errors.NAT_GATEWAY.missing(nat.id)
    if nat.connectivity != connectivity:
        raise errors.invalid_parameter(f"NAT gateway {nat.id} is not a {connectivity} NAT gateway.")
    return nat, ctx.state.interfaces.get(ctx, nat.addresses[0].interface_id)


def _new_addresses(ctx: Ctx, nat: NatGateway, params: Params, count: int) -> list[str]:
    if len(nat.addresses) + count > _MOST:
        raise errors.limit("NatGatewayLimitExceeded", f"addresses of {nat.id}")
    subnet = ctx.state.subnets.get(ctx, nat.subnet_id)
    asked = list(dict.fromkeys(params.get("PrivateIpAddresses") or ()))
    if asked and len(asked) != count:
        raise errors.combination("As many private IP addresses as allocations must be given.")
    return [claim(ctx.state, subnet, each) for each in asked] or pick(ctx.state, subnet, count)


def _answer(nat: NatGateway, status: str, ids: set[str]) -> Output:
    """The gateway, and what has just become of these addresses."""
    shown = [
        {**address_output(nat, number, each), "Status": status}
        for number, each in enumerate(nat.addresses)
        if each.private_ip in ids
    ]
    return {"NatGatewayId": nat.id, "NatGatewayAddresses": shown}


def _grow(ctx: Ctx, interface: Interface, new: list[str]) -> Interface:
    added = tuple(PrivateAddress(address=each) for each in new)
    return ctx.state.interfaces.put(replace(interface, addresses=(*interface.addresses, *added)))


@operation(
    "AssociateNatGatewayAddress", on=(on("natgateway", "NatGatewayId"), on("elastic-ip", "AllocationIds"))
)
def associate_nat_gateway_address(ctx: Ctx, params: Params) -> Output:
    nat, interface = _gateway(ctx, params, "public")
    ids = list(dict.fromkeys(params.get("AllocationIds") or ()))
    if not ids:
        raise errors.missing_parameter("allocationId")
    held: list[Address] = [ctx.state.addresses.get(ctx, each) for each in ids]
    for each in held:
        if each.association_id:
            raise errors.address_associated(each.id)
    new = _new_addresses(ctx, nat, params, len(held))
    interface = _grow(ctx, interface, new)
    addresses = nat.addresses
    for private_ip, address in zip(new, held, strict=True):
        association_id = resource_id("eipassoc", ctx.random_bytes)
        owned = replace(address, nat_gateway_id=nat.id)
        interface = attach_public(ctx.state, interface, private_ip, owned, association_id)
        addresses += (
            NatAddress(
                interface_id=interface.id,
                private_ip=private_ip,
                public_ip=address.public_ip,
                allocation_id=address.id,
                association_id=association_id,
            ),
        )
    nat = ctx.state.nat_gateways.put(replace(nat, addresses=addresses))
    return _answer(nat, "associating", set(new))


@operation("DisassociateNatGatewayAddress", on=(on("natgateway", "NatGatewayId"),))
def disassociate_nat_gateway_address(ctx: Ctx, params: Params) -> Output:
    nat, _ = _gateway(ctx, params, "public")
    asked = list(dict.fromkeys(params.get("AssociationIds") or ()))
    if not asked:
        raise errors.missing_parameter("associationId")
    known = {each.association_id: each for each in nat.addresses[1:]}
    for association_id in asked:
        if association_id == nat.addresses[0].association_id:
            raise errors.invalid_parameter("The primary address of a NAT gateway cannot be disassociated.")
        if association_id not in known:
            raise errors.association_missing(association_id)
    gone = [known[each] for each in asked]
    for each in gone:
        detach_public(ctx.state, ctx.state.addresses.get(ctx, each.allocation_id))
    return _shrunk(ctx, nat, gone, "disassociating")


def _shrunk(ctx: Ctx, nat: NatGateway, gone: list[NatAddress], status: str) -> Output:
    private = {each.private_ip for each in gone}
    interface = ctx.state.interfaces.get(ctx, nat.addresses[0].interface_id)
    kept = tuple(each for each in interface.addresses if each.address not in private)
    ctx.state.interfaces.put(replace(interface, addresses=kept))
    left = tuple(each for each in nat.addresses if each.private_ip not in private)
    ctx.state.nat_gateways.put(replace(nat, addresses=left))
    return _answer(nat, status, private)


@operation("AssignPrivateNatGatewayAddress", on=(on("natgateway", "NatGatewayId"),))
def assign_private_nat_gateway_address(ctx: Ctx, params: Params) -> Output:
    nat, interface = _gateway(ctx, params, "private")
    asked, count = params.get("PrivateIpAddresses") or (), params.get("PrivateIpAddressCount")
    if bool(asked) == bool(count):
        raise errors.combination("Exactly one of privateIpAddresses and privateIpAddressCount must be given")
    if count is not None and not 1 <= count < _MOST:
        raise errors.bad_value(count, "privateIpAddressCount", "It is between 1 and 7.")
    new = _new_addresses(ctx, nat, params, count or len(set(asked)))
    _grow(ctx, interface, new)
    added = tuple(NatAddress(interface_id=interface.id, private_ip=each) for each in new)
    nat = ctx.state.nat_gateways.put(replace(nat, addresses=(*nat.addresses, *added)))
    return _answer(nat, "assigning", set(new))


@operation("UnassignPrivateNatGatewayAddress", on=(on("natgateway", "NatGatewayId"),))
def unassign_private_nat_gateway_address(ctx: Ctx, params: Params) -> Output:
    nat, _ = _gateway(ctx, params, "private")
    asked = list(dict.fromkeys(params.get("PrivateIpAddresses") or ()))
    if not asked:
        raise errors.missing_parameter("privateIpAddress")
    known = {each.private_ip: each for each in nat.addresses[1:]}
    missing = next((each for each in asked if each not in known), None)
    if missing is not None:
        raise errors.invalid_value(f"{missing} is not a secondary private address of {nat.id}.")
    return _shrunk(ctx, nat, [known[each] for each in asked], "unassigning")
