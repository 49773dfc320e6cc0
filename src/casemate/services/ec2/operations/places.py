"""Regions, Availability Zones, account attributes."""

from __future__ import annotations

from casemate.model.regions import REGIONS, AvailabilityZone, availability_zones
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.paging import Rendered, filtered
from casemate.services.ec2.registry import Ctx, operation

_OPTED_IN = {
    "af-south-1", "ap-east-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ca-west-1", "eu-central-2", "eu-south-1",
    "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
}  # fmt: skip
"""Regions that an account must opt in to; here all have been."""

ZONE_FILTERS = {
    "group-name": "GroupName",
    "message": "Messages.Message",
    "opt-in-status": "OptInStatus",
    "region-name": "RegionName",
    "state": "State",
    "zone-id": "ZoneId",
    "zone-name": "ZoneName",
    "zone-type": "ZoneType",
}
REGION_FILTERS = {"endpoint": "Endpoint", "opt-in-status": "OptInStatus", "region-name": "RegionName"}


def _zone_output(zone: AvailabilityZone) -> Rendered:
    return {
        "ZoneName": zone.name,
        "ZoneId": zone.zone_id,
        "RegionName": zone.region,
        "GroupName": f"{zone.region}-zg-1",
        "NetworkBorderGroup": zone.region,
        "ZoneType": "availability-zone",
        "OptInStatus": "opt-in-not-required",
        "State": "available",
        "Messages": [],
    }


@operation("DescribeAvailabilityZones")
def describe_availability_zones(ctx: Ctx, params: Params) -> Output:
    zones = list(availability_zones(ctx.region))
    names, ids = params.get("ZoneNames") or (), params.get("ZoneIds") or ()
    for wanted, known in ((names, {zone.name for zone in zones}), (ids, {zone.zone_id for zone in zones})):
        unknown = next((each for each in wanted if each not in known), None)
        if unknown is not None:
            raise errors.invalid_value(f"Invalid availability zone: [{unknown}]")
    chosen = [
        zone for zone in zones if (not names or zone.name in names) and (not ids or zone.zone_id in ids)
    ]
    return {"AvailabilityZones": filtered(map(_zone_output, chosen), params, ZONE_FILTERS)}


@operation("DescribeRegions")
def describe_regions(_: Ctx, params: Params) -> Output:
    names = params.get("RegionNames") or ()
    unknown = next((name for name in names if name not in REGIONS), None)
    if unknown is not None:
        raise errors.invalid_value(f"Invalid region provided: [{unknown}]")
    outputs: list[Rendered] = [
        {
            "RegionName": name,
            "Endpoint": f"ec2.{name}.amazonaws.com",
            "OptInStatus": "opted-in" if name in _OPTED_IN else "opt-in-not-required",
        }
        for name in REGIONS
        if not names or name in names
    ]
    return {"Regions": filtered(outputs, params, REGION_FILTERS)}


@operation("DescribeAccountAttributes")
def describe_account_attributes(ctx: Ctx, params: Params) -> Output:
    default = next((vpc.id for vpc in ctx.state.vpcs.all(ctx) if vpc.is_default), "none")
    quotas = ctx.state.quotas
    attributes = {
        "supported-platforms": "VPC",
        "vpc-max-security-groups-per-interface": str(quotas.groups_per_interface),
        "max-elastic-ips": str(quotas.addresses),
        "max-instances": "20",
        "vpc-max-elastic-ips": str(quotas.addresses),
        "default-vpc": default,
    }
    asked = params.get("AttributeNames")
    for name in asked or ():
        if name not in attributes:
            raise errors.bad_value(name, "attributeName", "Unknown account attribute.")
    return {
        "AccountAttributes": [
            {"AttributeName": name, "AttributeValues": [{"AttributeValue": value}]}
            for name, value in attributes.items()
            if not asked or name in asked
        ]
    }
