"""Network interfaces as Describe operations show them."""

from __future__ import annotations

from casemate.services.ec2 import tags
from casemate.services.ec2.default_vpc import private_domain
from casemate.services.ec2.paging import Rendered
from casemate.services.ec2.records import Interface, PrivateAddress, PublicAssociation
from casemate.services.ec2.state import Ec2State


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
        "Ipv6Address": interface.ipv6[0] if interface.ipv6 else None,
        "Ipv6Addresses": [{"Ipv6Address": each, "IsPrimaryIpv6": False} for each in interface.ipv6],
        "Groups": groups_output(state, interface),
        "SourceDestCheck": interface.source_dest_check,
        "Attachment": attachment_output(interface),
        "RequesterId": interface.requester_id or None,
        "RequesterManaged": interface.requester_managed,
        "Operator": {"Managed": False},
        "Status": interface.status,
        "TagSet": tags.rendered(state, interface, interface.id),
    }
