"""NAT gateways. They pass through `pending` and `deleting` at once."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from casemate.model.ids import resource_id
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.allocation import available_count, claim, pick
from casemate.services.ec2.costs import meters
from casemate.services.ec2.interface_making import attach_public, make_interface, unmake_interface
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.records import Address, NatAddress, NatGateway, Subnet
from casemate.services.ec2.registry import Ctx, on, operation, refuse, remember, replayed, required
from casemate.services.ec2.state import Ec2State

NAT_FILTERS = {
    "nat-gateway-id": "NatGatewayId",
    "state": "State",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}
_SHOWN_AFTER = timedelta(hours=1)
"""A deleted or failed gateway "remains visible ... for a short while (usually about an hour)". Source: VPC User Guide."""


def address_output(nat: NatGateway, number: int, each: NatAddress) -> Rendered:
    return {
        "AllocationId": each.allocation_id or None,
        "AssociationId": each.association_id or None,
        "NetworkInterfaceId": each.interface_id or None,
        "PrivateIp": each.private_ip or None,
        "PublicIp": each.public_ip or None,
        "IsPrimary": number == 0,
        "Status": "succeeded" if nat.state != "failed" else "failed",
    }


def nat_output(state: Ec2State, nat: NatGateway) -> Rendered:
    """As DescribeNatGateways shows it."""
    return {
        "NatGatewayId": nat.id,
        "VpcId": nat.vpc_id,
        "SubnetId": nat.subnet_id,
        "ConnectivityType": nat.connectivity,
        "AvailabilityMode": "zonal",
        "State": nat.state,
        "CreateTime": nat.created,
        "DeleteTime": nat.deleted,
        "FailureCode": nat.failure_code or None,
        "FailureMessage": nat.failure_message or None,
        "NatGatewayAddresses": [
            address_output(nat, number, each) for number, each in enumerate(nat.addresses)
        ],
        "Tags": tags.rendered(state, nat, nat.id),
    }


@operation(
    "CreateNatGateway",
    on=(on("subnet", "SubnetId"), on("elastic-ip", "AllocationId")),
    creates=("natgateway",),
)
def create_nat_gateway(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    known = state.nat_gateways.find(ctx, replayed(ctx, "CreateNatGateway", params) or "")
    if known is None:
        known = _create(ctx, params)
        remember(ctx, "CreateNatGateway", params, known.id)
    return {"NatGateway": nat_output(state, known), "ClientToken": params.get("ClientToken")}


def _create(ctx: Ctx, params: Params) -> NatGateway:
    if params.get("AvailabilityMode") == "regional":
        raise errors.unsupported("regional NAT gateways")
    refuse(
        params, ("SecondaryAllocationIds", "SecondaryPrivateIpAddresses", "SecondaryPrivateIpAddressCount")
    )
    if params.get("VpcId"):
        raise errors.nat_vpc()
    subnet = ctx.state.subnets.get(ctx, required(params, "SubnetId"))
    connectivity = params.get("ConnectivityType") or "public"
    if connectivity not in {"public", "private"}:
        raise errors.bad_value(connectivity, "connectivityType", "Accepted values are private and public.")
    address = _elastic_address(ctx, params, connectivity)
    in_zone = [
        nat
        for nat in ctx.state.nat_gateways.all(ctx)
        if nat.state == "available" and ctx.state.subnets.get(ctx, nat.subnet_id).zone == subnet.zone
    ]
    if len(in_zone) >= ctx.state.quotas.nat_gateways:
        raise errors.limit("NatGatewayLimitExceeded", f"NAT gateways in {subnet.zone}")
    labels = tags.specified(params, "natgateway")
    nat_id = ctx.new_id("nat")
    failure = _failure(ctx, params, subnet, address)
    if failure is not None:
        nat = _failed(ctx, nat_id, subnet, address, failure)
    else:
        wanted = params.get("PrivateIpAddress")
        private_ip = claim(ctx.state, subnet, wanted) if wanted else pick(ctx.state, subnet, 1)[0]
        nat = _made(ctx, nat_id, subnet, private_ip, address)
    meters.follow(ctx.state, ctx.state.nat_gateways.put(nat), ctx.now)
    tags.put(ctx.state, ctx, nat.id, labels)
    return nat


def _failure(ctx: Ctx, params: Params, subnet: Subnet, address: Address | None) -> tuple[str, str] | None:
    """Why AWS would make the gateway and let it fail: (code, message).

    Source: API reference, NatGateway, FailureCode and FailureMessage.
    """
    vpc = ctx.state.vpcs.get(ctx, subnet.vpc_id)
    if address is not None and ctx.state.gateway_of(vpc) is None:
        return "Gateway.NotAttached", f"Network {vpc.id} has no Internet gateway attached"
    if address is not None and address.association_id:
        return "Resource.AlreadyAssociated", f"Elastic IP address {address.id} is already associated"
    if available_count(ctx.state, subnet) == 0 and not params.get("PrivateIpAddress"):
        return (
            "InsufficientFreeAddressesInSubnet",
            "Subnet has insufficient free addresses to create this NAT gateway",
        )
    return None


def _elastic_address(ctx: Ctx, params: Params, connectivity: str) -> Address | None:
    if connectivity == "private":
        if params.get("AllocationId"):
            raise errors.combination(
                "The parameter AllocationId cannot be used with the connectivity type private"
            )
        return None
    return ctx.state.addresses.get(ctx, required(params, "AllocationId"))


def _failed(
    ctx: Ctx, nat_id: str, subnet: Subnet, address: Address | None, failure: tuple[str, str]
) -> NatGateway:
    code, message = failure
    return NatGateway(
        id=nat_id,
        account=ctx.account,
        region=ctx.region,
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        state="failed",
        created=ctx.now,
        deleted=ctx.now,
        addresses=(NatAddress(interface_id="", private_ip="", allocation_id=address.id if address else ""),),
        failure_code=code,
        failure_message=message,
    )


def _made(ctx: Ctx, nat_id: str, subnet: Subnet, private_ip: str, address: Address | None) -> NatGateway:
    interface = make_interface(
        ctx.state,
        subnet,
        ctx.random_bytes,
        addresses=[private_ip],
        description=f"Interface for NAT Gateway {nat_id}",
        kind="nat_gateway",
        owner=nat_id,
        requester_id="amazon-aws",
        attached=ctx.now,
    )
    held = NatAddress(interface_id=interface.id, private_ip=private_ip)
    if address is not None:
        association_id = resource_id("eipassoc", ctx.random_bytes)
        attach_public(
            ctx.state, interface, private_ip, replace(address, nat_gateway_id=nat_id), association_id
        )
        held = replace(
            held, public_ip=address.public_ip, allocation_id=address.id, association_id=association_id
        )
    return NatGateway(
        id=nat_id,
        account=ctx.account,
        region=ctx.region,
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        connectivity="public" if address else "private",
        addresses=(held,),
        created=ctx.now,
    )


def _visible(ctx: Ctx) -> list[NatGateway]:
    return [
        nat
        for nat in ctx.state.nat_gateways.all(ctx)
        if nat.deleted is None or ctx.now - nat.deleted < _SHOWN_AFTER
    ]


@operation("DescribeNatGateways")
def describe_nat_gateways(ctx: Ctx, params: Params) -> Output:
    visible = _visible(ctx)
    ids = params.get("NatGatewayIds")
    if ids:
        by_id = {nat.id: nat for nat in visible}
        missing = next((each for each in ids if each not in by_id), None)
        if missing is not None:
            raise errors.NAT_GATEWAY.missing(missing)
        visible = [by_id[each] for each in ids]
    # Alone among EC2's operations this one calls the parameter `Filter`.
    asked = {"Filters": params.get("Filter")}
    outputs = filtered((nat_output(ctx.state, each) for each in visible), asked, NAT_FILTERS)
    return paged(outputs, params, "NatGateways")


@operation("DeleteNatGateway", on=(on("natgateway", "NatGatewayId"),))
def delete_nat_gateway(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    nat = state.nat_gateways.get(ctx, required(params, "NatGatewayId"))
    if nat.state != "deleted":
        for each in nat.addresses:
            interface = state.interfaces.find(ctx, each.interface_id)
            if interface is not None:
                unmake_interface(state, interface)
        gone = state.nat_gateways.put(replace(nat, state="deleted", deleted=ctx.now))
        meters.follow(state, gone, ctx.now)
    return {"NatGatewayId": nat.id}
