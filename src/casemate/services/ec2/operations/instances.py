"""RunInstances, DescribeInstances, DescribeInstanceStatus, and what asks for a picture of an instance."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from casemate.servicekit.service import Check, Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.instance_catalogue import images
from casemate.services.ec2.instance_output import instance_output, reservation_output
from casemate.services.ec2.launch_request import parse_launch
from casemate.services.ec2.launching import launch
from casemate.services.ec2.lifecycle import state_output
from casemate.services.ec2.paging import Rendered, filtered, paged, selected
from casemate.services.ec2.records import Instance
from casemate.services.ec2.registry import (
    Ctx,
    Keys,
    on,
    operation,
    remember,
    replayed,
    request_tags,
    required,
    resource_context,
    section,
)

_REMEMBERED = timedelta(hours=1)
"""How long a terminated instance is described. EC2 User Guide, "Terminate Amazon EC2 instances"."""

INSTANCE_FILTERS = {
    "architecture": "Architecture",
    "availability-zone": "Placement.AvailabilityZone",
    "availability-zone-id": "Placement.AvailabilityZoneId",
    "block-device-mapping.device-name": "BlockDeviceMappings.DeviceName",
    "block-device-mapping.volume-id": "BlockDeviceMappings.Ebs.VolumeId",
    "client-token": "ClientToken",
    "dns-name": "PublicDnsName",
    "group-id": "SecurityGroups.GroupId",
    "group-name": "SecurityGroups.GroupName",
    "hypervisor": "Hypervisor",
    "iam-instance-profile.arn": "IamInstanceProfile.Arn",
    "iam-instance-profile.id": "IamInstanceProfile.Id",
    "image-id": "ImageId",
    "instance-id": "InstanceId",
    "instance-state-code": "State.Code",
    "instance-state-name": "State.Name",
    "instance-type": "InstanceType",
    "instance.group-id": "SecurityGroups.GroupId",
    "instance.group-name": "SecurityGroups.GroupName",
    "ip-address": "PublicIpAddress",
    "ipv6-address": "Ipv6Address",
    "key-name": "KeyName",
    "launch-index": "AmiLaunchIndex",
    "launch-time": "LaunchTime",
    "metadata-options.http-endpoint": "MetadataOptions.HttpEndpoint",
    "metadata-options.http-put-response-hop-limit": "MetadataOptions.HttpPutResponseHopLimit",
    "metadata-options.http-tokens": "MetadataOptions.HttpTokens",
    "metadata-options.instance-metadata-tags": "MetadataOptions.InstanceMetadataTags",
    "monitoring-state": "Monitoring.State",
    "network-interface.addresses.association.public-ip": "NetworkInterfaces.PrivateIpAddresses.Association.PublicIp",
    "network-interface.addresses.private-ip-address": "NetworkInterfaces.PrivateIpAddresses.PrivateIpAddress",
    "network-interface.association.public-ip": "NetworkInterfaces.Association.PublicIp",
    "network-interface.attachment.attachment-id": "NetworkInterfaces.Attachment.AttachmentId",
    "network-interface.attachment.device-index": "NetworkInterfaces.Attachment.DeviceIndex",
    "network-interface.group-id": "NetworkInterfaces.Groups.GroupId",
    "network-interface.ipv6-addresses.ipv6-address": "NetworkInterfaces.Ipv6Addresses.Ipv6Address",
    "network-interface.network-interface-id": "NetworkInterfaces.NetworkInterfaceId",
    "network-interface.subnet-id": "NetworkInterfaces.SubnetId",
    "network-interface.vpc-id": "NetworkInterfaces.VpcId",
    "owner-id": "OwnerId",
    "placement-group-name": "Placement.GroupName",
    "platform-details": "PlatformDetails",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "reason": "StateTransitionReason",
    "reservation-id": "ReservationId",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "source-dest-check": "SourceDestCheck",
    "state-reason-code": "StateReason.Code",
    "state-reason-message": "StateReason.Message",
    "subnet-id": "SubnetId",
    "tenancy": "Placement.Tenancy",
    "virtualization-type": "VirtualizationType",
    "vpc-id": "VpcId",
}
STATUS_FILTERS = {
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "instance-state-code": "InstanceState.Code",
    "instance-state-name": "InstanceState.Name",
    "instance-status.reachability": "InstanceStatus.Details.Status",
    "instance-status.status": "InstanceStatus.Status",
    "system-status.reachability": "SystemStatus.Details.Status",
    "system-status.status": "SystemStatus.Status",
}


def _launch_checks(ctx: Ctx, params: Params) -> Iterator[Check]:
    """RunInstances is authorized on everything it uses and makes.

    Source: EC2 User Guide, "Example policies to control access to the Amazon EC2 API", Launch instances (RunInstances).
    """
    tagged = request_tags(params)

    def ask(resource: str, keys: Mapping[str, Any]) -> Check:
        return Check(action="ec2:RunInstances", resource=resource, context={"ec2:Region": ctx.region, **keys})

    image_id = str(params.get("ImageId") or "*")
    yield ask(f"arn:aws:ec2:{ctx.region}::image/{image_id}", _image_keys(ctx, image_id))
    yield ask(ctx.arn("ec2", "instance/*"), {**_new_instance_keys(ctx, params), **tagged.get("instance", {})})
    if params.get("KeyName"):
        yield ask(ctx.arn("ec2", f"key-pair/{params['KeyName']}"), {})
    yield ask(ctx.arn("ec2", "volume/*"), tagged.get("volume", {}))
    interfaces: Sequence[Mapping[str, Any]] = params.get("NetworkInterfaces") or ({},)
    for each in interfaces:
        existing = each.get("NetworkInterfaceId")
        keys = resource_context(ctx, existing) if existing else tagged.get("network-interface", {})
        yield ask(ctx.arn("ec2", f"network-interface/{existing or '*'}"), keys)
        for group in each.get("Groups") or params.get("SecurityGroupIds") or ():
            yield ask(ctx.arn("ec2", f"security-group/{group}"), resource_context(ctx, group))
        subnet = each.get("SubnetId") or params.get("SubnetId")
        if subnet:
            yield ask(ctx.arn("ec2", f"subnet/{subnet}"), resource_context(ctx, subnet))
    for kind, keys in tagged.items():
        # Tagging on creation needs ec2:CreateTags too. Source: EC2 User Guide, "Grant permission to tag on creation".
        context = {"ec2:Region": ctx.region, "ec2:CreateAction": "RunInstances", **keys}
        yield Check(action="ec2:CreateTags", resource=ctx.arn("ec2", f"{kind}/*"), context=context)


def _image_keys(ctx: Ctx, image_id: str) -> Keys:
    image = images(ctx.region).get(image_id)
    if image is None:
        return {}
    owner = image.template.alias or image.template.owner
    return {"ec2:ImageType": "machine", "ec2:Owner": owner, "ec2:Public": "true", "ec2:RootDeviceType": "ebs"}


def _new_instance_keys(ctx: Ctx, params: Params) -> Keys:
    given = section(params, "MetadataOptions")
    keys: Keys = {
        "ec2:InstanceType": params.get("InstanceType") or "m1.small",
        "ec2:RootDeviceType": "ebs",
        "ec2:EbsOptimized": "true" if params.get("EbsOptimized") else "false",
        "ec2:Tenancy": section(params, "Placement").get("Tenancy") or "default",
    }
    for name in ("HttpTokens", "HttpEndpoint", "HttpPutResponseHopLimit"):
        if given.get(name) is not None:
            keys[f"ec2:Metadata{name}"] = str(given[name])
    zone = section(params, "Placement").get("AvailabilityZone")
    subnet = ctx.state.subnets.find(ctx, str(params.get("SubnetId") or ""))
    if zone or subnet:
        keys["ec2:AvailabilityZone"] = str(zone or (subnet and subnet.zone))
    profile = section(params, "IamInstanceProfile")
    if profile:
        arn = profile.get("Arn") or f"arn:aws:iam::{ctx.account}:instance-profile/{profile.get('Name')}"
        keys["ec2:InstanceProfile"] = str(arn)
    return keys


@operation("RunInstances", checks=_launch_checks, moves_machines=True)
def run_instances(ctx: Ctx, params: Params) -> Output:
    reservation = replayed(ctx, "RunInstances", params)
    if reservation is None:
        made = launch(ctx, parse_launch(ctx, params), params)
        remember(ctx, "RunInstances", params, made[0].reservation_id)
    else:
        made = [each for each in ctx.state.instances.all(ctx) if each.reservation_id == reservation]
        if not made:
            raise errors.token_mismatch(str(params["ClientToken"]))
    return reservation_output(ctx.state, made)


def _visible(ctx: Ctx) -> list[Instance]:
    """Without those that were terminated long ago."""
    return [
        each
        for each in ctx.state.instances.all(ctx)
        if each.ended is None or ctx.now - each.ended < _REMEMBERED
    ]


@operation("DescribeInstances")
def describe_instances(ctx: Ctx, params: Params) -> Output:
    if params.get("MaxResults") and params.get("InstanceIds"):
        raise errors.combination("The parameter instancesSet cannot be used with the parameter maxResults")
    ids = params.get("InstanceIds")
    found = selected(ctx.state.instances, ctx, ids) if ids else _visible(ctx)
    by_id = {each.id: each for each in found}
    rows: list[Rendered] = [
        {**instance_output(ctx.state, each), "ReservationId": each.reservation_id, "OwnerId": each.account}
        for each in found
    ]
    kept = [by_id[row["InstanceId"]] for row in filtered(rows, params, INSTANCE_FILTERS)]
    reservations: dict[str, list[Instance]] = {}
    for each in kept:
        reservations.setdefault(each.reservation_id, []).append(each)
    outputs = [reservation_output(ctx.state, each) for each in reservations.values()]
    return paged(outputs, params, "Reservations")


def _status(instance: Instance) -> Rendered:
    running = instance.state == "running"
    summary: Rendered = {"Status": "ok" if running else "not-applicable"}
    if running:
        summary["Details"] = [{"Name": "reachability", "Status": "passed"}]
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.zone,
        "AvailabilityZoneId": instance.zone_id,
        "InstanceState": state_output(instance.state),
        "InstanceStatus": summary,
        "SystemStatus": summary,
        "Events": [],
    }


@operation("DescribeInstanceStatus")
def describe_instance_status(ctx: Ctx, params: Params) -> Output:
    ids = params.get("InstanceIds")
    found = selected(ctx.state.instances, ctx, ids) if ids else _visible(ctx)
    if not params.get("IncludeAllInstances"):
        found = [each for each in found if each.state == "running"]
    return paged(filtered(map(_status, found), params, STATUS_FILTERS), params, "InstanceStatuses")


@operation("DescribeInstanceCreditSpecifications")
def describe_instance_credit_specifications(ctx: Ctx, params: Params) -> Output:
    ids = params.get("InstanceIds")
    found = selected(ctx.state.instances, ctx, ids) if ids else _visible(ctx)
    if ids:
        plain = next((each for each in found if not each.credits), None)
        if plain is not None:
            raise errors.invalid_value(f"{plain.id} is not a burstable performance instance.")
    rows: list[Rendered] = [
        {"InstanceId": each.id, "CpuCredits": each.credits}
        for each in found
        # Without ids, only those that are unlimited. Source: API Reference.
        if each.credits and (ids or each.credits == "unlimited")
    ]
    return paged(rows, params, "InstanceCreditSpecifications")


@operation("GetConsoleOutput", on=(on("instance", "InstanceId"),))
def get_console_output(ctx: Ctx, params: Params) -> Output:
    """What user data printed."""
    instance = ctx.state.instances.get(ctx, required(params, "InstanceId"))
    text = ctx.state.console(instance.id)[-65_536:]
    return {"InstanceId": instance.id, "Timestamp": ctx.now, "Output": b64encode(text).decode()}
