"""Images. There are Casemate's own only; none can be made."""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.instance_catalogue import Image, images
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.registry import Ctx, operation

IMAGE_FILTERS = {
    "architecture": "Architecture",
    "block-device-mapping.device-name": "BlockDeviceMappings.DeviceName",
    "block-device-mapping.snapshot-id": "BlockDeviceMappings.Ebs.SnapshotId",
    "block-device-mapping.volume-size": "BlockDeviceMappings.Ebs.VolumeSize",
    "block-device-mapping.volume-type": "BlockDeviceMappings.Ebs.VolumeType",
    "creation-date": "CreationDate",
    "description": "Description",
    "ena-support": "EnaSupport",
    "hypervisor": "Hypervisor",
    "image-id": "ImageId",
    "image-type": "ImageType",
    "is-public": "Public",
    "name": "Name",
    "owner-alias": "ImageOwnerAlias",
    "owner-id": "OwnerId",
    "platform": "Platform",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "state": "State",
    "virtualization-type": "VirtualizationType",
}


def _output(image: Image) -> Rendered:
    template = image.template
    volume = {
        "DeleteOnTermination": True,
        "Encrypted": False,
        "Iops": 3000,
        "SnapshotId": image.snapshot_id,
        "Throughput": 125,
        "VolumeSize": template.size,
        "VolumeType": "gp3",
    }
    shown: Rendered = {
        "ImageId": image.id,
        "Name": template.name,
        "ImageLocation": f"{template.alias or template.owner}/{template.name}",
        "OwnerId": template.owner,
        "Description": template.description,
        "Architecture": template.architecture,
        "CreationDate": template.created,
        "ImageType": "machine",
        "Public": True,
        "State": "available",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "EnaSupport": True,
        "SriovNetSupport": "simple",
        "RootDeviceName": template.root_device,
        "RootDeviceType": "ebs",
        "BlockDeviceMappings": [{"DeviceName": template.root_device, "Ebs": volume}],
        "Tags": [],
    }
    if template.alias:
        shown["ImageOwnerAlias"] = template.alias
    if template.imds_v2:
        shown["ImdsSupport"] = "v2.0"
    return shown


@operation("DescribeImages")
def describe_images(ctx: Ctx, params: Params) -> Output:
    catalogue = images(ctx.region)
    ids = params.get("ImageIds") or ()
    for each in ids:
        if each not in catalogue:
            raise errors.IMAGE.missing(each) if each.startswith("ami-") else errors.IMAGE.malformed(each)
    owners, users = set(params.get("Owners") or ()), params.get("ExecutableUsers") or ()
    rows = [
        _output(image)
        for image in catalogue.values()
        if (not ids or image.id in ids)
        and (not owners or owners & {image.template.owner, image.template.alias or "-"})
        and (not users or "all" in users)
    ]
    return paged(filtered(rows, params, IMAGE_FILTERS), params, "Images", smallest=1)
