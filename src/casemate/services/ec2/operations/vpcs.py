"""VPCs, their attributes and CIDR blocks."""

from __future__ import annotations

from ipaddress import IPv4Network

from msgspec.structs import replace

from casemate.model.ids import resource_id
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.cidrs import ipv4_network, ipv6_network, restricted
from casemate.services.ec2.default_vpc import ensure_home, make_default_vpc, make_vpc, open_to_ipv6
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.records import CidrAssociation, Vpc
from casemate.services.ec2.registry import Ctx, behind, on, operation, refuse, required
from casemate.services.ec2.state import Ec2State

VPC_FILTERS = {
    "cidr": "CidrBlock",
    "cidr-block": "CidrBlock",
    "cidrBlock": "CidrBlock",
    "cidr-block-association.association-id": "CidrBlockAssociationSet.AssociationId",
    "cidr-block-association.cidr-block": "CidrBlockAssociationSet.CidrBlock",
    "cidr-block-association.state": "CidrBlockAssociationSet.CidrBlockState.State",
    "dhcp-options-id": "DhcpOptionsId",
    "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
    "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
    "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
    "is-default": "IsDefault",
    "isDefault": "IsDefault",
    "owner-id": "OwnerId",
    "state": "State",
    "vpc-id": "VpcId",
}

_POOLS = ("Ipv4IpamPoolId", "Ipv6IpamPoolId", "Ipv6Pool")

_ATTRIBUTES = {
    "enableDnsSupport": ("EnableDnsSupport", "dns_support"),
    "enableDnsHostnames": ("EnableDnsHostnames", "dns_hostnames"),
    "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", "usage_metrics"),
}


def ipv4_association(each: CidrAssociation) -> Rendered:
    return {
        "AssociationId": each.association_id,
        "CidrBlock": each.cidr,
        "CidrBlockState": {"State": each.state},
    }


def ipv6_association(vpc: Vpc, each: CidrAssociation) -> Rendered:
    return {
        "AssociationId": each.association_id,
        "Ipv6CidrBlock": each.cidr,
        "Ipv6CidrBlockState": {"State": each.state},
        "NetworkBorderGroup": vpc.region,
        "Ipv6Pool": "Amazon",
    }


def vpc_output(state: Ec2State, vpc: Vpc) -> Rendered:
    """As DescribeVpcs shows it."""
    return {
        "VpcId": vpc.id,
        "OwnerId": vpc.account,
        "CidrBlock": vpc.cidr,
        "CidrBlockAssociationSet": [ipv4_association(each) for each in vpc.ipv4],
        "Ipv6CidrBlockAssociationSet": [ipv6_association(vpc, each) for each in vpc.ipv6],
        "DhcpOptionsId": vpc.dhcp_options_id,
        "InstanceTenancy": vpc.tenancy,
        "IsDefault": vpc.is_default,
        "State": "available",
        "Tags": tags.rendered(state, vpc, vpc.id),
    }


def amazon_ipv6(state: Ec2State) -> str:
    """A /56 of Amazon's, not yet given to another VPC."""
    used = {block.cidr for vpc in state.vpcs.everywhere() for block in vpc.ipv6}
    number = 0
    while (block := f"2600:1f{number >> 8 & 0xFF:02x}:{number & 0xFF:x}:100::/56") in used:
        number += 1
    return block


@operation("CreateVpc", creates=("vpc",))
def create_vpc(ctx: Ctx, params: Params) -> Output:
    refuse(params, _POOLS)
    block = ipv4_network(required(params, "CidrBlock"), "cidrBlock")
    if not 16 <= block.prefixlen <= 28:
        raise errors.vpc_range(str(block))
    tenancy = params.get("InstanceTenancy") or "default"
    if tenancy not in {"default", "dedicated", "host"}:
        raise errors.bad_value(tenancy, "instanceTenancy", "Accepted values are default and dedicated.")
    if len(ctx.state.vpcs.all(ctx)) >= ctx.state.quotas.vpcs:
        raise errors.limit("VpcLimitExceeded", "VPCs")
    labels = tags.specified(params, "vpc")
    ipv6 = amazon_ipv6(ctx.state) if params.get("AmazonProvidedIpv6CidrBlock") else None
    home = ensure_home(ctx.state, ctx, ctx.random_bytes)
    vpc = make_vpc(ctx.state, home, ctx.random_bytes, cidr=str(block), tenancy=tenancy, ipv6=ipv6)
    tags.put(ctx.state, ctx, vpc.id, labels)
    return {"Vpc": vpc_output(ctx.state, vpc)}


@operation("CreateDefaultVpc")
def create_default_vpc(ctx: Ctx, _: Params) -> Output:
    if any(vpc.is_default for vpc in ctx.state.vpcs.all(ctx)):
        raise errors.default_vpc_exists()
    home = ensure_home(ctx.state, ctx, ctx.random_bytes)
    return {"Vpc": vpc_output(ctx.state, make_default_vpc(ctx.state, home, ctx.random_bytes))}


@operation("DescribeVpcs")
def describe_vpcs(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.vpcs,
        ctx,
        params,
        member="Vpcs",
        ids="VpcIds",
        render=lambda vpc: vpc_output(ctx.state, vpc),
        paths=VPC_FILTERS,
    )


@operation("DeleteVpc", on=(on("vpc", "VpcId"),))
def delete_vpc(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    vpc = state.vpcs.get(ctx, required(params, "VpcId"))
    holders = (state.subnets, state.egress_gateways, state.interfaces, state.endpoints)
    in_the_way = (
        any(each.vpc_id == vpc.id for shelf in holders for each in shelf.all(vpc))
        or state.gateway_of(vpc) is not None
        or any(not table.is_main for table in state.tables_in(vpc))
        or any(not acl.is_default for acl in state.acls_in(vpc))
        or any(group.name != "default" for group in state.groups_in(vpc))
    )
    if in_the_way:
        raise errors.VPC.in_use(vpc.id)
    group = state.default_group(vpc)
    for rule in group.rules:
        tags.forget(state, vpc, rule.rule_id)
    state.discard(state.route_tables, state.main_table(vpc))
    state.discard(state.acls, state.acls_in(vpc)[0])
    state.discard(state.groups, group)
    state.discard(state.vpcs, vpc)
    for log in state.flow_logs.all(ctx):
        if log.resource_id == vpc.id:
            state.discard(state.flow_logs, log)
    # A peering connection ends with either of its VPCs. Source: VPC Peering Guide, "lifecycle".
    for peering in state.peerings.everywhere():
        if vpc.id in {peering.requester_vpc, peering.accepter_vpc} and peering.ended is None:
            state.peerings.put(replace(peering, status="deleted", ended=ctx.now))
    return {}


@operation("DescribeVpcAttribute", on=(on("vpc", "VpcId"),))
def describe_vpc_attribute(ctx: Ctx, params: Params) -> Output:
    vpc = ctx.state.vpcs.get(ctx, required(params, "VpcId"))
    attribute = required(params, "Attribute")
    if attribute not in _ATTRIBUTES:
        raise errors.bad_value(attribute, "attribute", "Unknown attribute.")
    member, name = _ATTRIBUTES[attribute]
    return {"VpcId": vpc.id, member: {"Value": getattr(vpc, name)}}


@operation("ModifyVpcAttribute", on=(on("vpc", "VpcId"),))
def modify_vpc_attribute(ctx: Ctx, params: Params) -> Output:
    vpc = ctx.state.vpcs.get(ctx, required(params, "VpcId"))
    given = [(member, name) for member, name in _ATTRIBUTES.values() if params.get(member) is not None]
    if len(given) != 1:
        # API reference: "You can't modify the DNS resolution and DNS hostnames attributes in the same request."
        raise errors.combination(
            "Fields for multiple attribute types specified" if given else "No attributes specified."
        )
    member, name = given[0]
    value = params[member].get("Value")
    if value is not None:
        ctx.state.vpcs.put(replace(vpc, **{name: bool(value)}))
    return {}


@operation("ModifyVpcTenancy", on=(on("vpc", "VpcId"),))
def modify_vpc_tenancy(ctx: Ctx, params: Params) -> Output:
    vpc = ctx.state.vpcs.get(ctx, required(params, "VpcId"))
    if params.get("InstanceTenancy") != "default":
        raise errors.bad_value(params.get("InstanceTenancy"), "instanceTenancy", "Only default is supported.")
    ctx.state.vpcs.put(replace(vpc, tenancy="default"))
    return {"ReturnValue": True}


@operation("AssociateVpcCidrBlock", on=(on("vpc", "VpcId"),))
def associate_vpc_cidr_block(ctx: Ctx, params: Params) -> Output:
    vpc = ctx.state.vpcs.get(ctx, required(params, "VpcId"))
    refuse(params, _POOLS)
    association_id = resource_id("vpc-cidr-assoc", ctx.random_bytes)
    if params.get("AmazonProvidedIpv6CidrBlock") or params.get("Ipv6CidrBlock"):
        if params.get("Ipv6CidrBlock"):
            # API Reference, AssociateVpcCidrBlock: "You must also specify Ipv6Pool in the request", and there is none.
            raise errors.missing_parameter("ipv6Pool")
        if len(vpc.ipv6) >= ctx.state.quotas.cidrs:
            raise errors.cidr_limit(vpc.id, ctx.state.quotas.cidrs)
        made = CidrAssociation(association_id=association_id, cidr=amazon_ipv6(ctx.state))
        changed = ctx.state.vpcs.put(replace(vpc, ipv6=(*vpc.ipv6, made)))
        if not vpc.ipv6:
            open_to_ipv6(ctx.state, changed, ctx.random_bytes)
        return {"VpcId": vpc.id, "Ipv6CidrBlockAssociation": ipv6_association(changed, made)}
    network = ipv4_network(required(params, "CidrBlock"), "cidrBlock")
    if not 16 <= network.prefixlen <= 28:
        raise errors.vpc_range(str(network))
    if restricted([IPv4Network(cidr) for cidr in vpc.cidrs], network):
        raise errors.cidr_restricted(str(network))
    if any(network.overlaps(IPv4Network(cidr)) for cidr in vpc.cidrs):
        raise errors.cidr_conflict(str(network))
    if len(vpc.ipv4) >= ctx.state.quotas.cidrs:
        raise errors.cidr_limit(vpc.id, ctx.state.quotas.cidrs)
    made = CidrAssociation(association_id=association_id, cidr=str(network))
    ctx.state.vpcs.put(replace(vpc, ipv4=(*vpc.ipv4, made)))
    return {"VpcId": vpc.id, "CidrBlockAssociation": ipv4_association(made)}


def _associated(ctx: Ctx, association_id: str) -> str | None:
    """The VPC that a CIDR block is associated with."""
    blocks = ((vpc.id, each) for vpc in ctx.state.vpcs.all(ctx) for each in (*vpc.ipv4, *vpc.ipv6))
    return next((vpc_id for vpc_id, each in blocks if each.association_id == association_id), None)


@operation("DisassociateVpcCidrBlock", on=(behind("vpc", "AssociationId", _associated),))
def disassociate_vpc_cidr_block(ctx: Ctx, params: Params) -> Output:
    association_id = required(params, "AssociationId")
    for vpc in ctx.state.vpcs.all(ctx):
        for each in (*vpc.ipv4, *vpc.ipv6):
            if each.association_id == association_id:
                return _disassociate(ctx, vpc, each)
    raise errors.cidr_association_missing(association_id)


def _disassociate(ctx: Ctx, vpc: Vpc, gone: CidrAssociation) -> Output:
    ended = replace(gone, state="disassociated")
    subnets = ctx.state.subnets_in(vpc)
    if gone in vpc.ipv6:
        block = ipv6_network(gone.cidr)
        if any(ipv6_network(each.cidr).subnet_of(block) for subnet in subnets for each in subnet.ipv6):
            raise errors.cidr_in_use(vpc.id, gone.cidr)
        ctx.state.vpcs.put(replace(vpc, ipv6=tuple(each for each in vpc.ipv6 if each != gone)))
        return {"VpcId": vpc.id, "Ipv6CidrBlockAssociation": ipv6_association(vpc, ended)}
    if gone == vpc.ipv4[0]:
        raise errors.primary_cidr(gone.association_id)
    if any(IPv4Network(subnet.cidr).subnet_of(IPv4Network(gone.cidr)) for subnet in subnets):
        raise errors.cidr_in_use(vpc.id, gone.cidr)
    ctx.state.vpcs.put(replace(vpc, ipv4=tuple(each for each in vpc.ipv4 if each != gone)))
    return {"VpcId": vpc.id, "CidrBlockAssociation": ipv4_association(ended)}
