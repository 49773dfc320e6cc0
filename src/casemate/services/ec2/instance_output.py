"""Instances as Describe operations show them."""

from __future__ import annotations

from casemate.services.ec2 import tags
from casemate.services.ec2.instance_catalogue import INSTANCE_TYPES, Image, images
from casemate.services.ec2.interface_output import (
    attachment_output,
    groups_output,
    interface_output,
    private_name,
    public_name,
)
from casemate.services.ec2.lifecycle import state_output
from casemate.services.ec2.paging import Rendered
from casemate.services.ec2.records import Instance, Interface
from casemate.services.ec2.state import Ec2State

_IN_INSTANCE = (
    "Association", "Description", "Groups", "Ipv6Addresses", "MacAddress", "NetworkInterfaceId", "OwnerId",
    "PrivateDnsName", "PrivateIpAddress", "SourceDestCheck", "Status", "SubnetId", "VpcId", "InterfaceType",
)  # fmt: skip
_IN_ASSOCIATION = ("IpOwnerId", "PublicDnsName", "PublicIp")
_IN_ATTACHMENT = (
    "AttachTime", "AttachmentId", "DeleteOnTermination", "DeviceIndex", "NetworkCardIndex", "Status",
)  # fmt: skip


def image_of(instance: Instance) -> Image:
    """The image it was launched from."""
    return images(instance.region)[instance.image_id]


def _interface(state: Ec2State, interface: Interface) -> Rendered:
    whole = interface_output(state, interface)
    shown = {name: whole[name] for name in _IN_INSTANCE}
    attachment = attachment_output(interface) or {}
    shown["Attachment"] = {name: attachment[name] for name in _IN_ATTACHMENT}
    shown["Association"] = _association(whole["Association"])
    shown["PrivateIpAddresses"] = [
        {**each, "Association": _association(each["Association"])} for each in whole["PrivateIpAddresses"]
    ]
    return shown


def _association(whole: Rendered | None) -> Rendered | None:
    return {name: whole[name] for name in _IN_ASSOCIATION} if whole else None


def _placed(state: Ec2State, instance: Instance) -> Rendered:
    """What an instance has as long as it has an interface: a terminated one has lost it all."""
    interfaces = state.interfaces_of(instance)
    if not interfaces:
        return {"NetworkInterfaces": [], "SecurityGroups": [], "BlockDeviceMappings": []}
    first = interfaces[0]
    vpc = state.vpcs.get(instance, first.vpc_id)
    public = first.primary.public
    return {
        "NetworkInterfaces": [_interface(state, each) for each in interfaces],
        "SecurityGroups": groups_output(state, first),
        "SourceDestCheck": first.source_dest_check,
        "PrivateIpAddress": first.primary.address,
        "PrivateDnsName": private_name(instance.region, first.primary.address),
        "PublicIpAddress": public.public_ip if public else None,
        "PublicDnsName": public_name(instance.region, public.public_ip)
        if public and vpc.dns_hostnames
        else "",
        "Ipv6Address": first.ipv6[0] if first.ipv6 else None,
        "SubnetId": first.subnet_id,
        "VpcId": first.vpc_id,
        "BlockDeviceMappings": devices_output(instance),
    }


def devices_output(instance: Instance) -> list[Rendered]:
    """`BlockDeviceMappings` of an instance and of its attribute."""
    return [
        {
            "DeviceName": each.device,
            "Ebs": {
                "AttachTime": each.attached,
                "DeleteOnTermination": each.delete_on_termination,
                "Status": "attached",
                "VolumeId": each.volume_id,
            },
        }
        for each in instance.devices
    ]


def metadata_output(instance: Instance) -> Rendered:
    """The MetadataOptions member."""
    options = instance.metadata
    return {
        "State": "applied",
        "HttpTokens": options.tokens,
        "HttpPutResponseHopLimit": options.hop_limit,
        "HttpEndpoint": options.endpoint,
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": options.tags,
    }


def instance_output(state: Ec2State, instance: Instance) -> Rendered:
    """As DescribeInstances shows it."""
    image = image_of(instance)
    kind = INSTANCE_TYPES[instance.kind]
    shown: Rendered = {
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "InstanceType": instance.kind,
        "AmiLaunchIndex": instance.launch_index,
        "State": state_output(instance.state),
        "StateTransitionReason": instance.transition_reason,
        "LaunchTime": instance.launched,
        "KeyName": instance.key_name or None,
        "ClientToken": instance.client_token,
        "Architecture": image.template.architecture,
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "UsageOperationUpdateTime": instance.launched,
        "RootDeviceName": image.template.root_device,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",  # also for Nitro: API Reference, Instance
        "EnaSupport": True,
        "EbsOptimized": instance.ebs_optimized,
        "Monitoring": {"State": "enabled" if instance.monitoring else "disabled"},
        "Placement": {
            "AvailabilityZone": instance.zone,
            "AvailabilityZoneId": instance.zone_id,
            "GroupName": "",
            "Tenancy": instance.tenancy,
        },
        "CpuOptions": {"CoreCount": kind.cores, "ThreadsPerCore": kind.vcpus // kind.cores},
        "HibernationOptions": {"Configured": False},
        "EnclaveOptions": {"Enabled": False},
        "MaintenanceOptions": {"AutoRecovery": "default", "RebootMigration": "default"},
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "PrivateDnsNameOptions": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "CurrentInstanceBootMode": "legacy-bios",
        "MetadataOptions": metadata_output(instance),
        "ProductCodes": [],
        "PrivateDnsName": "",
        "PublicDnsName": "",
        "Tags": tags.rendered(state, instance, instance.id),
        **_placed(state, instance),
    }
    if instance.profile is not None:
        shown["IamInstanceProfile"] = {"Arn": instance.profile.arn, "Id": instance.profile.profile_id}
    if instance.reason_code:
        shown["StateReason"] = {"Code": instance.reason_code, "Message": instance.reason}
    return shown


def reservation_output(state: Ec2State, instances: list[Instance]) -> Rendered:
    """Those of one launch."""
    return {
        "ReservationId": instances[0].reservation_id,
        "OwnerId": instances[0].account,
        "Groups": [],
        "Instances": [instance_output(state, each) for each in instances],
    }
