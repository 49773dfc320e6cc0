"""Network interfaces: create, describe, delete."""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.interface_addresses import wanted_addresses
from casemate.services.ec2.interface_making import checked_groups, make_interface, unmake_interface
from casemate.services.ec2.interface_output import interface_output
from casemate.services.ec2.ipv6_allocation import wanted_ipv6
from casemate.services.ec2.paging import described
from casemate.services.ec2.registry import Ctx, on, operation, refuse, remember, replayed, required

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
    "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
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
                "EnablePrimaryIpv6",
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
            ipv6=wanted_ipv6(state, subnet, params),
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
