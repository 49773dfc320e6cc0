"""Network interfaces: create, describe, delete."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.allocation import claim, pick
from casemate.services.ec2.default_vpc import private_domain
from casemate.services.ec2.interface_making import checked_groups, make_interface, unmake_interface
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.records import Interface, PrivateAddress, PublicAssociation, Subnet
from casemate.services.ec2.registry import Ctx, on, operation, refuse, remember, replayed, required
from casemate.services.ec2.state import Ec2State

INTERFACE_FILTERS = {
    "addresses.association.owner-id": "PrivateIpAddresses.Association.IpOwnerId",
    "addresses.association.public-ip": "PrivateIpAddresses.Association.PublicIp",
    "addresses.primary": "PrivateIpAddresses.Primary",
    "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
    "association.allocation-id": "Association.AllocationId",
    "association.association-id": "Association.AssociationId",
    "association.ip-owner-id": "Association.IpOwnerId",
    "association.public-ip": "Association.PublicIp",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.device-index": "Attachment.DeviceIndex",
    "attachment.instance-id": "Attachment.InstanceId",
    "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "interface-type": "InterfaceType",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "requester-id": "RequesterId",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


def private_name(region: str, address: str) -> str:
    """`ip-10-0-1-4.us-east-2.compute.internal`."""
    return f"ip-{address.replace('.', '-')}.{private_domain(region)}"


def public_name(region: str, address: str) -> str:
    """`ec2-18-160-0-1.us-east-2.compute.amazonaws.com`."""
    domain = "compute-1.amazonaws.com" if region == "us-east-1" else f"{region}.compute.amazonaws.com"
    return f"ec2-{address.replace('.', '-')}.{domain}"


def _association_output(region: str, each: PublicAssociation) -> Rendered:
    return {
        "AllocationId": each.allocation_id or None,
        "AssociationId": each.association_id or None,
        "IpOwnerId": each.owner,
        "PublicIp": each.public_ip,
        "PublicDnsName": public_name(region, each.public_ip),
    }


def _address_output(region: str, each: PrivateAddress) -> Rendered:
    return {
        "PrivateIpAddress": each.address,
        "PrivateDnsName": private_name(region, each.address),
        "Primary": each.primary,
        "Association": _association_output(region, each.public) if each.public else None,
    }


def attachment_output(interface: Interface) -> Rendered | None:
    """The Attachment member; None while unattached."""
    attachment = interface.attachment
    if attachment is None:
        return None
    return {
        "AttachmentId": attachment.attachment_id,
        "AttachTime": attachment.attached,
        "DeleteOnTermination": attachment.delete_on_termination,
        "DeviceIndex": attachment.device_index,
        "NetworkCardIndex": 0,
        "InstanceId": attachment.instance_id or None,
        "InstanceOwnerId": attachment.instance_owner,
        "Status": "attached",
    }


def groups_output(state: Ec2State, interface: Interface) -> list[Rendered]:
    """The Groups member."""
    groups = [state.groups.get(interface, each) for each in interface.groups]
    return [{"GroupId": each.id, "GroupName": each.name} for each in groups]


def interface_output(state: Ec2State, interface: Interface) -> Rendered:
    """As DescribeNetworkInterfaces shows it."""
    region, primary = interface.region, interface.primary
    return {
        "NetworkInterfaceId": interface.id,
        "OwnerId": interface.account,
        "VpcId": interface.vpc_id,
        "SubnetId": interface.subnet_id,
        "AvailabilityZone": interface.zone,
        "AvailabilityZoneId": interface.zone_id,
        "Description": interface.description,
        "InterfaceType": interface.kind,
        "MacAddress": interface.mac,
        "PrivateIpAddress": primary.address,
        "PrivateDnsName": private_name(region, primary.address),
        "PrivateIpAddresses": [_address_output(region, each) for each in interface.addresses],
        "Association": _association_output(region, primary.public) if primary.public else None,
        "Ipv6Addresses": [],
        "Groups": groups_output(state, interface),
        "SourceDestCheck": interface.source_dest_check,
        "Attachment": attachment_output(interface),
        "RequesterId": interface.requester_id or None,
        "RequesterManaged": interface.requester_managed,
        "Operator": {"Managed": False},
        "Status": interface.status,
        "TagSet": tags.rendered(state, interface, interface.id),
    }


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


@operation(
    "CreateNetworkInterface",
    on=(on("subnet", "SubnetId"), on("security-group", "Groups")),
    creates=("network-interface",),
)
def create_network_interface(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    known = state.interfaces.find(ctx, replayed(ctx, "CreateNetworkInterface", params) or "")
    if known is None:
        refuse(
            params,
            (
                "Ipv4Prefixes",
                "Ipv4PrefixCount",
                "Ipv6Prefixes",
                "Ipv6PrefixCount",
                "Ipv6Addresses",
                "Ipv6AddressCount",
            ),
        )
        subnet = state.subnets.get(ctx, required(params, "SubnetId"))
        kind = params.get("InterfaceType") or "interface"
        if kind in {"efa", "efa-only", "branch", "trunk"}:
            raise errors.unsupported(f"network interfaces of type {kind}")
        if kind != "interface":
            raise errors.bad_value(kind, "interfaceType", "Unknown interface type.")
        groups = checked_groups(state, subnet, params.get("Groups") or ())
        labels = tags.specified(params, "network-interface")
        known = make_interface(
            state,
            subnet,
            ctx.random_bytes,
            addresses=wanted_addresses(ctx, subnet, params),
            groups=groups,
            description=params.get("Description") or "",
        )
        tags.put(state, ctx, known.id, labels)
        remember(ctx, "CreateNetworkInterface", params, known.id)
    return {
        "NetworkInterface": {**interface_output(state, known), "Status": "pending"},
        "ClientToken": params.get("ClientToken"),
    }


@operation("DescribeNetworkInterfaces")
def describe_network_interfaces(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.interfaces,
        ctx,
        params,
        member="NetworkInterfaces",
        ids="NetworkInterfaceIds",
        render=lambda interface: interface_output(ctx.state, interface),
        paths=INTERFACE_FILTERS,
    )


@operation("DeleteNetworkInterface", on=(on("network-interface", "NetworkInterfaceId"),))
def delete_network_interface(ctx: Ctx, params: Params) -> Output:
    interface = ctx.state.interfaces.get(ctx, required(params, "NetworkInterfaceId"))
    if interface.attachment is not None:
        raise errors.interface_in_use(interface.id)
    unmake_interface(ctx.state, interface)
    return {}
