"""Subnets."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from msgspec.structs import replace

from casemate.model.ids import resource_id
from casemate.model.regions import AvailabilityZone, availability_zones
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.allocation import available_count
from casemate.services.ec2.cidrs import ipv4_network, ipv6_network
from casemate.services.ec2.default_vpc import make_subnet
from casemate.services.ec2.ipv6_allocation import taken_ipv6
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.records import CidrAssociation, Subnet, Vpc
from casemate.services.ec2.registry import Ctx, behind, on, operation, refuse, required, section
from casemate.services.ec2.state import Ec2State

SUBNET_FILTERS = {
    "availability-zone": "AvailabilityZone",
    "availabilityZone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "availabilityZoneId": "AvailabilityZoneId",
    "available-ip-address-count": "AvailableIpAddressCount",
    "cidr": "CidrBlock",
    "cidr-block": "CidrBlock",
    "cidrBlock": "CidrBlock",
    "default-for-az": "DefaultForAz",
    "defaultForAz": "DefaultForAz",
    "enable-dns64": "EnableDns64",
    "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
    "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
    "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
    "ipv6-native": "Ipv6Native",
    "map-public-ip-on-launch": "MapPublicIpOnLaunch",
    "owner-id": "OwnerId",
    "private-dns-name-options-on-launch.hostname-type": "PrivateDnsNameOptionsOnLaunch.HostnameType",
    "private-dns-name-options-on-launch.enable-resource-name-dns-a-record": (
        "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord"
    ),
    "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": (
        "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord"
    ),
    "state": "State",
    "subnet-arn": "SubnetArn",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}

_FLAGS = {
    "MapPublicIpOnLaunch": "map_public_ip",
    "AssignIpv6AddressOnCreation": "assign_ipv6",
    "EnableDns64": "dns64",
    "EnableResourceNameDnsARecordOnLaunch": "resource_name_a_record",
    "EnableResourceNameDnsAAAARecordOnLaunch": "resource_name_aaaa_record",
}


def _ipv6_association(each: CidrAssociation) -> Rendered:
    return {
        "AssociationId": each.association_id,
        "Ipv6CidrBlock": each.cidr,
        "Ipv6CidrBlockState": {"State": each.state},
    }


def subnet_output(state: Ec2State, subnet: Subnet) -> Rendered:
    """As DescribeSubnets shows it."""
    return {
        "SubnetId": subnet.id,
        "SubnetArn": f"arn:aws:ec2:{subnet.region}:{subnet.account}:subnet/{subnet.id}",
        "VpcId": subnet.vpc_id,
        "OwnerId": subnet.account,
        "CidrBlock": subnet.cidr,
        "AvailabilityZone": subnet.zone,
        "AvailabilityZoneId": subnet.zone_id,
        "AvailableIpAddressCount": available_count(state, subnet),
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": subnet.assign_ipv6,
        "EnableDns64": subnet.dns64,
        "Ipv6Native": False,
        "Ipv6CidrBlockAssociationSet": [_ipv6_association(each) for each in subnet.ipv6],
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": subnet.hostname_type,
            "EnableResourceNameDnsARecord": subnet.resource_name_a_record,
            "EnableResourceNameDnsAAAARecord": subnet.resource_name_aaaa_record,
        },
        "State": "available",
        "Tags": tags.rendered(state, subnet, subnet.id),
    }


def _zone(ctx: Ctx, params: Params) -> AvailabilityZone:
    """The zone asked for by name or id; without one the first, where AWS chooses freely."""
    zones = availability_zones(ctx.region)
    name, zone_id = params.get("AvailabilityZone"), params.get("AvailabilityZoneId")
    if not name and not zone_id:
        return zones[0]
    for zone in zones:
        if zone.name == name or (not name and zone.zone_id == zone_id):
            return zone
    asked, parameter = (name, "availabilityZone") if name else (zone_id, "availabilityZoneId")
    known = ", ".join(zone.name if name else zone.zone_id for zone in zones)
    raise errors.bad_value(
        asked,
        parameter,
        f"Subnets can currently only be created in the following availability zones: {known}.",
    )


def _block(ctx: Ctx, vpc: Vpc, params: Params) -> IPv4Network:
    network = ipv4_network(required(params, "CidrBlock"), "cidrBlock")
    if not 16 <= network.prefixlen <= 28:
        raise errors.subnet_range(str(network))
    if not any(network.subnet_of(IPv4Network(cidr)) for cidr in vpc.cidrs):
        raise errors.subnet_range(str(network))
    if any(network.overlaps(IPv4Network(subnet.cidr)) for subnet in ctx.state.subnets_in(vpc)):
        raise errors.subnet_conflict(str(network))
    return network


def _ipv6_block(ctx: Ctx, vpc: Vpc, text: str) -> str:
    network = ipv6_network(text)
    inside = any(network.subnet_of(ipv6_network(each.cidr)) for each in vpc.ipv6)
    # API Reference, CreateSubnet: "The prefix length must be between /44 and /64 in increments of /4".
    if not inside or network.prefixlen not in range(44, 65, 4):
        raise errors.subnet_ipv6_range(str(network))
    others = [each.cidr for subnet in ctx.state.subnets_in(vpc) for each in subnet.ipv6]
    if any(network.overlaps(ipv6_network(other)) for other in others):
        raise errors.subnet_conflict(str(network))
    return str(network)


@operation("CreateSubnet", on=(on("vpc", "VpcId"),), creates=("subnet",))
def create_subnet(ctx: Ctx, params: Params) -> Output:
    vpc = ctx.state.vpcs.get(ctx, required(params, "VpcId"))
    refuse(params, ("Ipv6Native", "OutpostArn", "Ipv4IpamPoolId", "Ipv6IpamPoolId"))
    zone = _zone(ctx, params)
    network = _block(ctx, vpc, params)
    text = params.get("Ipv6CidrBlock")
    ipv6 = _ipv6_block(ctx, vpc, text) if text else None
    if len(ctx.state.subnets_in(vpc)) >= ctx.state.quotas.subnets:
        raise errors.limit("SubnetLimitExceeded", "subnets")
    labels = tags.specified(params, "subnet")
    subnet = make_subnet(ctx.state, vpc, ctx.random_bytes, cidr=str(network), zone=zone, ipv6=ipv6)
    tags.put(ctx.state, ctx, subnet.id, labels)
    return {"Subnet": subnet_output(ctx.state, subnet)}


@operation("CreateDefaultSubnet")
def create_default_subnet(ctx: Ctx, params: Params) -> Output:
    zone = _zone(ctx, params)
    vpc = next((each for each in ctx.state.vpcs.all(ctx) if each.is_default), None)
    if vpc is None:
        raise errors.default_vpc_missing()
    subnets = ctx.state.subnets_in(vpc)
    for each in subnets:
        if each.default_for_az and each.zone == zone.name:
            raise errors.default_subnet_exists(each.id)
    for network in IPv4Network(vpc.cidr).subnets(new_prefix=20):
        if not any(network.overlaps(IPv4Network(each.cidr)) for each in subnets):
            made = make_subnet(
                ctx.state, vpc, ctx.random_bytes, cidr=str(network), zone=zone, is_default=True
            )
            return {"Subnet": subnet_output(ctx.state, made)}
    raise errors.limit("InsufficientFreeAddressesInVpc", "subnets")


@operation("DescribeSubnets")
def describe_subnets(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.subnets,
        ctx,
        params,
        member="Subnets",
        ids="SubnetIds",
        render=lambda subnet: subnet_output(ctx.state, subnet),
        paths=SUBNET_FILTERS,
    )


@operation("DeleteSubnet", on=(on("subnet", "SubnetId"),))
def delete_subnet(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    subnet = state.subnets.get(ctx, required(params, "SubnetId"))
    if state.interfaces_in_subnet(subnet):
        raise errors.SUBNET.in_use(subnet.id)
    vpc = state.vpcs.get(ctx, subnet.vpc_id)
    for table in state.tables_in(vpc):
        kept = tuple(each for each in table.associations if each.subnet_id != subnet.id)
        if kept != table.associations:
            state.route_tables.put(replace(table, associations=kept))
    for acl in state.acls_in(vpc):
        links = tuple(each for each in acl.associations if each.subnet_id != subnet.id)
        if links != acl.associations:
            state.acls.put(replace(acl, associations=links))
    for log in state.flow_logs.all(ctx):
        if log.resource_id == subnet.id:
            state.discard(state.flow_logs, log)
    state.discard(state.subnets, subnet)
    return {}


@operation("ModifySubnetAttribute", on=(on("subnet", "SubnetId"),))
def modify_subnet_attribute(ctx: Ctx, params: Params) -> Output:
    subnet = ctx.state.subnets.get(ctx, required(params, "SubnetId"))
    if section(params, "EnableDns64").get("Value"):
        raise errors.unsupported("DNS64: there is no NAT64 behind it")
    changes: dict[str, Any] = {
        field: bool(params[member].get("Value"))
        for member, field in _FLAGS.items()
        if params.get(member) is not None
    }
    hostname = params.get("PrivateDnsHostnameTypeOnLaunch")
    if hostname is not None:
        if hostname not in {"ip-name", "resource-name"}:
            raise errors.bad_value(hostname, "privateDnsHostnameTypeOnLaunch", "Unknown hostname type.")
        changes["hostname_type"] = hostname
    if not changes:
        raise errors.combination("No attributes specified.")
    if changes.get("assign_ipv6") and not subnet.ipv6:
        raise errors.invalid_value(
            # Words as reported in terraform-aws-modules/terraform-aws-vpc issue 735.
            "Invalid value 'true' for assign-ipv6-address-on-creation. Cannot set assign-ipv6-address-on-creation to "
            f"true unless the subnet ({subnet.id}) has an IPv6 CIDR block associated with it."
        )
    ctx.state.subnets.put(replace(subnet, **changes))
    return {}


@operation("AssociateSubnetCidrBlock", on=(on("subnet", "SubnetId"),))
def associate_subnet_cidr_block(ctx: Ctx, params: Params) -> Output:
    subnet = ctx.state.subnets.get(ctx, required(params, "SubnetId"))
    if subnet.ipv6:
        raise errors.subnet_conflict(required(params, "Ipv6CidrBlock"))
    vpc = ctx.state.vpcs.get(ctx, subnet.vpc_id)
    made = CidrAssociation(
        association_id=resource_id("subnet-cidr-assoc", ctx.random_bytes),
        cidr=_ipv6_block(ctx, vpc, required(params, "Ipv6CidrBlock")),
    )
    ctx.state.subnets.put(replace(subnet, ipv6=(made,)))
    return {"SubnetId": subnet.id, "Ipv6CidrBlockAssociation": _ipv6_association(made)}


def _associated(ctx: Ctx, association_id: str) -> str | None:
    """The subnet that a CIDR block is associated with."""
    blocks = ((subnet.id, each) for subnet in ctx.state.subnets.all(ctx) for each in subnet.ipv6)
    return next((subnet_id for subnet_id, each in blocks if each.association_id == association_id), None)


@operation("DisassociateSubnetCidrBlock", on=(behind("subnet", "AssociationId", _associated),))
def disassociate_subnet_cidr_block(ctx: Ctx, params: Params) -> Output:
    association_id = required(params, "AssociationId")
    for subnet in ctx.state.subnets.all(ctx):
        for each in subnet.ipv6:
            if each.association_id == association_id:
                if taken_ipv6(ctx.state, subnet):
                    raise errors.cidr_in_use(subnet.id, each.cidr)
                ctx.state.subnets.put(replace(subnet, ipv6=(), assign_ipv6=False))
                ended = _ipv6_association(replace(each, state="disassociated"))
                return {"SubnetId": subnet.id, "Ipv6CidrBlockAssociation": ended}
    raise errors.subnet_association_missing(association_id)
