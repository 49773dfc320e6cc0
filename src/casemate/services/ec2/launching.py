"""Making the records of instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.ports import ProfileFacts
from casemate.servicekit.service import Check, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.instance_network import assign_public, attach
from casemate.services.ec2.interface_addresses import wanted_addresses
from casemate.services.ec2.interface_making import checked_groups, make_interface
from casemate.services.ec2.ipv6_allocation import wanted_ipv6
from casemate.services.ec2.launch_request import Launch
from casemate.services.ec2.records import BlockDevice, Instance, Interface, ProfileAssociation, Subnet
from casemate.services.ec2.registry import Ctx, section

_IOPS = {"gp3": 3000, "gp2": 100, "io1": 100, "io2": 100}
_VOLUME_KINDS = {"gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"}


def launch(ctx: Ctx, request: Launch, params: Params) -> list[Instance]:
    """As many instances as there are addresses for, at least `least`; AwsError otherwise."""
    pass_role(ctx, request.profile)
    labels = {
        kind: tags.specified(
            params, kind, "instance", "volume", "network-interface", "spot-instances-request"
        )
        for kind in ("instance", "volume", "network-interface")
    }
    reservation = ctx.new_id("r")
    made: list[Instance] = []
    for index in range(request.most):
        try:
            interface = request.interface or _new_interface(
                ctx, request.subnet, request.interface_params, request.groups
            )
        except AwsError as error:
            if error.code != "InsufficientFreeAddressesInSubnet" or len(made) < request.least:
                raise
            break
        instance = _record(ctx, request, params, reservation, index, interface)
        ctx.state.instances.put(instance)
        attached = attach(
            ctx.state,
            interface,
            instance.id,
            ctx.random_bytes,
            now=ctx.now,
            delete_on_termination=request.delete_interface,
        )
        made_with = [attached] if request.interface is None else []
        made_with += _attach_further(ctx, request, instance)
        assign_public(ctx.state, instance)
        tags.put(ctx.state, ctx, instance.id, labels["instance"])
        for device in instance.devices:
            tags.put(ctx.state, ctx, device.volume_id, labels["volume"])
        for each in made_with:
            tags.put(ctx.state, ctx, each.id, labels["network-interface"])
        made.append(instance)
    return made


def pass_role(ctx: Ctx, profile: ProfileFacts | None) -> None:
    """Whoever gives an instance a profile passes its role to EC2. Source: IAM User Guide, "Grant a user permissions to
    pass a role to an AWS service".
    """
    if profile is not None and profile.role_arn is not None:
        ctx.authorize(
            Check(
                action="iam:PassRole",
                resource=profile.role_arn,
                context={"iam:PassedToService": "ec2.amazonaws.com"},
            )
        )


def associated(ctx: Ctx, profile: ProfileFacts) -> ProfileAssociation:
    """A new association with an instance."""
    return ProfileAssociation(
        association_id=ctx.new_id("iip-assoc"), arn=profile.arn, profile_id=profile.profile_id, since=ctx.now
    )


def _attach_further(ctx: Ctx, request: Launch, instance: Instance) -> list[Interface]:
    """Attach what is wanted beside the primary interface; gives those that were made for it."""
    made: list[Interface] = []
    for each in request.further:
        interface = each.interface or _new_interface(
            ctx, each.subnet, each.params, each.params.get("Groups") or ()
        )
        attached = attach(
            ctx.state,
            interface,
            instance.id,
            ctx.random_bytes,
            now=ctx.now,
            device_index=each.index,
            delete_on_termination=each.goes_along,
        )
        if each.interface is None:
            made.append(attached)
    return made


def _new_interface(ctx: Ctx, subnet: Subnet, params: Mapping[str, Any], groups: Sequence[str]) -> Interface:
    return make_interface(
        ctx.state,
        subnet,
        ctx.random_bytes,
        addresses=wanted_addresses(ctx, subnet, params),
        ipv6=wanted_ipv6(ctx.state, subnet, params),
        groups=checked_groups(ctx.state, subnet, groups),
        description=params.get("Description") or "",
    )


def _record(
    ctx: Ctx, request: Launch, params: Params, reservation: str, index: int, interface: Interface
) -> Instance:
    subnet = request.subnet
    placement = section(params, "Placement")
    cpu_credits = section(params, "CreditSpecification").get("CpuCredits")
    # T2 is standard unless asked otherwise, its successors unlimited. EC2 User Guide, "Unlimited mode".
    default_credits = "standard" if request.kind.name.startswith("t2.") else "unlimited"
    return Instance(
        id=ctx.new_id("i"),
        account=ctx.account,
        region=ctx.region,
        reservation_id=reservation,
        launch_index=index,
        image_id=request.image.id,
        kind=request.kind.name,
        state="pending",
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.id,
        zone=subnet.zone,
        zone_id=subnet.zone_id,
        private_ip=interface.primary.address,
        launched=ctx.now,
        metadata=request.metadata,
        devices=_devices(ctx, request, params.get("BlockDeviceMappings") or ()),
        key_name=request.key_name,
        user_data=request.user_data,
        profile=associated(ctx, request.profile) if request.profile else None,
        client_token=params.get("ClientToken") or "",
        tenancy=placement.get("Tenancy") or "default",
        ebs_optimized=bool(params.get("EbsOptimized")),
        monitoring=bool(section(params, "Monitoring").get("Enabled")),
        disable_termination=bool(params.get("DisableApiTermination")),
        disable_stop=bool(params.get("DisableApiStop")),
        shutdown_behavior=params.get("InstanceInitiatedShutdownBehavior") or "stop",
        credits=(cpu_credits or default_credits) if request.kind.burstable else "",
        wants_public_ip=request.public_ip,
    )


def _devices(ctx: Ctx, request: Launch, mappings: Sequence[Mapping[str, Any]]) -> tuple[BlockDevice, ...]:
    """The root volume, as the image has it unless a mapping changes it, and those that mappings add."""
    template = request.image.template
    asked = {str(each.get("DeviceName") or ""): each for each in mappings}
    if "" in asked:
        raise errors.missing_parameter("blockDeviceMapping.deviceName")
    root = asked.pop(template.root_device, {})
    devices = [_device(ctx, request, template.root_device, root, template.size)]
    for name, mapping in asked.items():
        if mapping.get("NoDevice") is not None or mapping.get("VirtualName"):
            continue
        devices.append(_device(ctx, request, name, mapping, 0))
    return tuple(devices)


def _device(ctx: Ctx, request: Launch, name: str, mapping: Mapping[str, Any], smallest: int) -> BlockDevice:
    ebs: Mapping[str, Any] = mapping.get("Ebs") or {}
    size = ebs.get("VolumeSize") or smallest
    kind = ebs.get("VolumeType") or "gp3"
    if kind not in _VOLUME_KINDS:
        raise errors.bad_value(kind, "volumeType", "Unknown volume type.")
    if not size:
        raise errors.missing_parameter("size/snapshot")
    if size < smallest:
        raise AwsError(
            "InvalidBlockDeviceMapping",
            f"Volume of size {size}GB is smaller than snapshot '{request.image.snapshot_id}', expect size >= {smallest}GB",
        )
    if ebs.get("SnapshotId") and ebs["SnapshotId"] != request.image.snapshot_id:
        raise AwsError("InvalidSnapshot.NotFound", f"The snapshot '{ebs['SnapshotId']}' does not exist.")
    keep = ebs.get("DeleteOnTermination")
    return BlockDevice(
        device=name,
        volume_id=ctx.new_id("vol"),
        size=size,
        kind=kind,
        iops=ebs.get("Iops") or _IOPS.get(kind, 0),
        encrypted=bool(ebs.get("Encrypted")),
        # Root volumes go with their instance unless told otherwise, others do not. EC2 User Guide, "Preserve data when
        # an instance is terminated".
        delete_on_termination=bool(smallest) if keep is None else bool(keep),
        snapshot_id=request.image.snapshot_id if smallest else "",
        attached=ctx.now,
    )
