"""The network interfaces of interface endpoints: one per subnet, one subnet per zone."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from casemate.services.ec2 import errors
from casemate.services.ec2.interface_making import checked_groups, make_interface, unmake_interface
from casemate.services.ec2.records import Subnet, Vpc, VpcEndpoint
from casemate.services.ec2.registry import Ctx


def endpoint_subnets(ctx: Ctx, vpc: Vpc, subnet_ids: Sequence[str], *, zones: set[str]) -> list[Subnet]:
    """The subnets for an endpoint: of its VPC, none in a zone it already has."""
    found: list[Subnet] = []
    taken = set(zones)
    for subnet_id in dict.fromkeys(subnet_ids):
        subnet = ctx.state.subnets.get(ctx, subnet_id)
        if subnet.vpc_id != vpc.id:
            raise errors.invalid_parameter(f"The subnet {subnet.id} does not belong to the VPC {vpc.id}.")
        if subnet.zone in taken:
            raise errors.zone_taken(subnet.id)
        taken.add(subnet.zone)
        found.append(subnet)
    return found


def endpoint_groups(ctx: Ctx, vpc: Vpc, group_ids: Sequence[str]) -> tuple[str, ...]:
    """Security groups for an endpoint; without any, the VPC's default group."""
    if not group_ids:
        return (ctx.state.default_group(vpc).id,)
    for group_id in group_ids:
        if ctx.state.groups.get(ctx, group_id).vpc_id != vpc.id:
            raise errors.invalid_parameter(
                f"The security group {group_id} does not belong to the VPC {vpc.id}."
            )
    return tuple(dict.fromkeys(group_ids))


def add_subnets(ctx: Ctx, endpoint: VpcEndpoint, subnets: Sequence[Subnet]) -> VpcEndpoint:
    """Make an interface in each subnet; gives the changed endpoint, not yet stored."""
    made: list[str] = []
    for subnet in subnets:
        groups = checked_groups(ctx.state, subnet, endpoint.group_ids)
        interface = make_interface(
            ctx.state,
            subnet,
            ctx.random_bytes,
            groups=groups,
            description=f"VPC Endpoint Interface {endpoint.id}",
            kind="vpc_endpoint",
            owner=endpoint.id,
            requester_id="amazon-aws",
            attached=ctx.now,
        )
        made.append(interface.id)
    return replace(
        endpoint,
        subnet_ids=(*endpoint.subnet_ids, *(subnet.id for subnet in subnets)),
        interface_ids=(*endpoint.interface_ids, *made),
    )


def remove_subnets(ctx: Ctx, endpoint: VpcEndpoint, subnet_ids: Sequence[str]) -> VpcEndpoint:
    """Delete the interfaces in those subnets; gives the changed endpoint, not yet stored."""
    kept: list[tuple[str, str]] = []
    for subnet_id, interface_id in zip(endpoint.subnet_ids, endpoint.interface_ids, strict=True):
        if subnet_id not in subnet_ids:
            kept.append((subnet_id, interface_id))
            continue
        unmake_interface(ctx.state, ctx.state.interfaces.get(ctx, interface_id))
    return replace(
        endpoint, subnet_ids=tuple(each for each, _ in kept), interface_ids=tuple(each for _, each in kept)
    )


def set_groups(ctx: Ctx, endpoint: VpcEndpoint, group_ids: tuple[str, ...]) -> VpcEndpoint:
    """Give all of the endpoint's interfaces these groups; gives the changed endpoint, not yet stored."""
    for interface_id in endpoint.interface_ids:
        interface = ctx.state.interfaces.get(ctx, interface_id)
        ctx.state.interfaces.put(replace(interface, groups=group_ids))
    return replace(endpoint, group_ids=group_ids)
