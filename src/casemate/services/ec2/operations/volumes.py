"""The volumes of instances, as records: they come and go with their instance and cannot be made alone."""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.records import BlockDevice, Instance
from casemate.services.ec2.registry import Ctx, operation

VOLUME_FILTERS = {
    "attachment.attach-time": "Attachments.AttachTime",
    "attachment.delete-on-termination": "Attachments.DeleteOnTermination",
    "attachment.device": "Attachments.Device",
    "attachment.instance-id": "Attachments.InstanceId",
    "attachment.status": "Attachments.State",
    "availability-zone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "create-time": "CreateTime",
    "encrypted": "Encrypted",
    "size": "Size",
    "snapshot-id": "SnapshotId",
    "status": "State",
    "volume-id": "VolumeId",
    "volume-type": "VolumeType",
}


def _output(ctx: Ctx, instance: Instance, device: BlockDevice) -> Rendered:
    attachment = {
        "AttachTime": device.attached,
        "Device": device.device,
        "InstanceId": instance.id,
        "State": "attached",
        "VolumeId": device.volume_id,
        "DeleteOnTermination": device.delete_on_termination,
    }
    return {
        "VolumeId": device.volume_id,
        "Size": device.size,
        "SnapshotId": device.snapshot_id,
        "AvailabilityZone": instance.zone,
        "AvailabilityZoneId": instance.zone_id,
        "State": "in-use",
        "CreateTime": device.attached,
        "Attachments": [attachment],
        "Encrypted": device.encrypted,
        "Iops": device.iops or None,
        "Throughput": 125 if device.kind == "gp3" else None,
        "VolumeType": device.kind,
        "MultiAttachEnabled": False,
        "Tags": tags.rendered(ctx.state, ctx, device.volume_id),
    }


@operation("DescribeVolumes")
def describe_volumes(ctx: Ctx, params: Params) -> Output:
    rows = [
        _output(ctx, instance, device)
        for instance in ctx.state.instances.all(ctx)
        if instance.ended is None
        for device in instance.devices
    ]
    ids = params.get("VolumeIds")
    known = {row["VolumeId"] for row in rows}
    for each in ids or ():
        if each not in known:
            raise errors.VOLUME.missing(each)
    shown = [row for row in rows if not ids or row["VolumeId"] in ids]
    return paged(filtered(shown, params, VOLUME_FILTERS), params, "Volumes")
