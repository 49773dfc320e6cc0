"""Instance types and where they are offered."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.model.regions import availability_zones
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.instance_catalogue import INSTANCE_TYPES, InstanceType
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.registry import Ctx, operation

TYPE_FILTERS = {
    "bare-metal": "BareMetal",
    "burstable-performance-supported": "BurstablePerformanceSupported",
    "current-generation": "CurrentGeneration",
    "free-tier-eligible": "FreeTierEligible",
    "hypervisor": "Hypervisor",
    "instance-storage-supported": "InstanceStorageSupported",
    "instance-type": "InstanceType",
    "memory-info.size-in-mib": "MemoryInfo.SizeInMiB",
    "network-info.ipv4-addresses-per-interface": "NetworkInfo.Ipv4AddressesPerInterface",
    "network-info.maximum-network-interfaces": "NetworkInfo.MaximumNetworkInterfaces",
    "processor-info.supported-architecture": "ProcessorInfo.SupportedArchitectures",
    "supported-root-device-type": "SupportedRootDeviceTypes",
    "supported-usage-class": "SupportedUsageClasses",
    "supported-virtualization-type": "SupportedVirtualizationTypes",
    "vcpu-info.default-cores": "VCpuInfo.DefaultCores",
    "vcpu-info.default-threads-per-core": "VCpuInfo.DefaultThreadsPerCore",
    "vcpu-info.default-vcpus": "VCpuInfo.DefaultVCpus",
}
OFFERING_FILTERS = {"instance-type": "InstanceType", "location": "Location"}


def _output(kind: InstanceType) -> Rendered:
    card = {
        "NetworkCardIndex": 0,
        "NetworkPerformance": kind.network,
        "MaximumNetworkInterfaces": kind.interfaces,
    }
    return {
        "InstanceType": kind.name,
        "CurrentGeneration": kind.current,
        "FreeTierEligible": kind.free_tier,
        "SupportedUsageClasses": ["on-demand"],
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"],
        "BareMetal": False,
        "Hypervisor": kind.hypervisor,
        "ProcessorInfo": {
            "SupportedArchitectures": [kind.architecture],
            "SustainedClockSpeedInGhz": kind.clock,
        },
        "VCpuInfo": {
            "DefaultVCpus": kind.vcpus,
            "DefaultCores": kind.cores,
            "DefaultThreadsPerCore": kind.vcpus // kind.cores,
        },
        "MemoryInfo": {"SizeInMiB": kind.memory},
        "InstanceStorageSupported": False,
        "EbsInfo": {"EbsOptimizedSupport": kind.ebs_optimized, "EncryptionSupport": "supported"},
        "NetworkInfo": {
            "NetworkPerformance": kind.network,
            "MaximumNetworkInterfaces": kind.interfaces,
            "MaximumNetworkCards": 1,
            "DefaultNetworkCardIndex": 0,
            "NetworkCards": [card],
            "Ipv4AddressesPerInterface": kind.addresses,
            "Ipv6AddressesPerInterface": kind.addresses,
            "Ipv6Supported": True,
            "EnaSupport": "required" if kind.hypervisor == "nitro" else "unsupported",
            "EfaSupported": False,
            "EncryptionInTransitSupported": False,
        },
        "PlacementGroupInfo": {"SupportedStrategies": ["partition", "spread"]},
        "HibernationSupported": False,
        "BurstablePerformanceSupported": kind.burstable,
        "DedicatedHostsSupported": False,
        "AutoRecoverySupported": False,
        "SupportedBootModes": ["legacy-bios", "uefi"],
    }


@operation("DescribeInstanceTypes")
def describe_instance_types(ctx: Ctx, params: Params) -> Output:
    del ctx
    names = params.get("InstanceTypes") or ()
    unknown = [each for each in names if each not in INSTANCE_TYPES]
    if unknown:
        raise AwsError(
            "InvalidInstanceType",
            f"The following supplied instance types do not exist: [{', '.join(unknown)}]",
        )
    rows = [_output(each) for each in INSTANCE_TYPES.values() if not names or each.name in names]
    return paged(filtered(rows, params, TYPE_FILTERS), params, "InstanceTypes")


@operation("DescribeInstanceTypeOfferings")
def describe_instance_type_offerings(ctx: Ctx, params: Params) -> Output:
    kind = params.get("LocationType") or "region"
    zones = availability_zones(ctx.region)
    places = {
        "region": [ctx.region],
        "availability-zone": [zone.name for zone in zones],
        "availability-zone-id": [zone.zone_id for zone in zones],
        "outpost": [],
    }
    if kind not in places:
        raise errors.bad_value(kind, "locationType", "Unknown location type.")
    rows: list[Rendered] = [
        {"InstanceType": name, "LocationType": kind, "Location": place}
        for place in places[kind]
        for name in INSTANCE_TYPES
    ]
    return paged(filtered(rows, params, OFFERING_FILTERS), params, "InstanceTypeOfferings")
