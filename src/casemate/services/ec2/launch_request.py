"""What RunInstances asks for, parsed and checked before anything is made.

Source: API Reference, RunInstances, and the error codes page; the combinations it refuses are quoted there.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from casemate.servicekit.ports import ProfileFacts
from casemate.servicekit.service import Params
from casemate.services.ec2 import errors
from casemate.services.ec2.instance_catalogue import INSTANCE_TYPES, Image, InstanceType, images
from casemate.services.ec2.records import Interface, MetadataOptions, Subnet
from casemate.services.ec2.registry import Ctx, refuse, required, section

_REFUSED = (
    "KernelId", "RamdiskId", "ElasticGpuSpecification",
    "ElasticInferenceAccelerators", "LaunchTemplate", "InstanceMarketOptions", "LicenseSpecifications",
    "SecondaryInterfaces", "EnablePrimaryIpv6",
)  # fmt: skip
_INTERFACE_REFUSED = (
    "Ipv4Prefixes", "Ipv4PrefixCount", "Ipv6Prefixes", "Ipv6PrefixCount",
    "AssociateCarrierIpAddress", "PrimaryIpv6",
)  # fmt: skip
MAX_USER_DATA = 16_384
_MAX_COUNT = 100


class FurtherInterface(Struct, frozen=True, kw_only=True):
    """An interface beside the primary one."""

    index: int
    """`DeviceIndex`."""
    subnet: Subnet
    interface: Interface | None
    """One that is there already."""
    params: Mapping[str, Any]
    """Addresses, groups and description of one to be made."""

    @property
    def goes_along(self) -> bool:
        """Whether it is deleted with the instance."""
        return bool(self.params.get("DeleteOnTermination", self.interface is None))


class Launch(Struct, frozen=True, kw_only=True):
    """A RunInstances request that makes sense."""

    image: Image
    kind: InstanceType
    subnet: Subnet
    least: int
    most: int
    interface: Interface | None
    """One that is there already."""
    interface_params: Mapping[str, Any]
    """Addresses and description of one to be made."""
    groups: tuple[str, ...]
    public_ip: bool
    delete_interface: bool
    further: tuple[FurtherInterface, ...]
    profile: ProfileFacts | None
    key_name: str
    user_data: str
    metadata: MetadataOptions


def parse_launch(ctx: Ctx, params: Params) -> Launch:
    """AwsError for what AWS refuses, and for what Casemate does not have."""
    refuse(params, _REFUSED)
    least, most = _counts(params)
    image = image_of(ctx, required(params, "ImageId"))
    kind = type_of(params.get("InstanceType") or "m1.small")
    if kind.architecture != image.template.architecture:
        raise errors.invalid_value(
            f"The architecture '{kind.architecture}' of the specified instance type does not match the architecture "
            f"'{image.template.architecture}' of the specified AMI. Specify an instance type and an AMI that have "
            "matching architectures, and try again."
        )
    given = _interface_params(params)
    interface = None
    if given.get("NetworkInterfaceId"):
        interface = _existing_interface(ctx, params, given, most)
        subnet = ctx.state.subnets.get(ctx, interface.subnet_id)
    else:
        subnet = _subnet(ctx, given.get("SubnetId") or params.get("SubnetId"), params)
    if given.get("PrivateIpAddress") and most > 1:
        raise errors.combination(
            "You may specify a private IP address only when launching a single instance."
        )
    if given.get("Ipv6Addresses") and most > 1:
        # API Reference, RunInstances: "You cannot specify this option if you've specified a minimum number of
        # instances to launch."
        raise errors.combination("You may specify IPv6 addresses only when launching a single instance.")
    public = given.get("AssociatePublicIpAddress")
    further = _further(ctx, params, kind, subnet, most)
    return Launch(
        image=image,
        kind=kind,
        subnet=subnet,
        least=least,
        most=most,
        interface=interface,
        interface_params=given,
        groups=_groups(ctx, params, given, subnet),
        # "You can only assign a public IPv4 address if there is one network interface." API Reference,
        # InstanceNetworkInterfaceSpecification
        public_ip=not (interface or further) and (subnet.map_public_ip if public is None else bool(public)),
        delete_interface=bool(given.get("DeleteOnTermination", interface is None)),
        further=further,
        profile=named_profile(ctx, params.get("IamInstanceProfile")),
        key_name=_key(ctx, params.get("KeyName")),
        user_data=checked_user_data(params.get("UserData")),
        metadata=metadata_options(params.get("MetadataOptions"), _metadata_default(image)),
    )


def _counts(params: Params) -> tuple[int, int]:
    least, most = int(params["MinCount"]), int(params["MaxCount"])
    if least < 1 or most < least:
        raise errors.bad_value(
            least, "minCount", "Minimum count must be at least 1 and at most the maximum count."
        )
    if most > _MAX_COUNT:
        raise errors.limit("InstanceLimitExceeded", "instances of one request")
    return least, most


def image_of(ctx: Ctx, image_id: str) -> Image:
    """AwsError InvalidAMIID.NotFound or .Malformed."""
    found = images(ctx.region).get(image_id)
    if found is None:
        raise (
            errors.IMAGE.missing(image_id)
            if image_id.startswith("ami-")
            else errors.IMAGE.malformed(image_id)
        )
    return found


def type_of(name: str) -> InstanceType:
    """AwsError InvalidParameterValue."""
    found = INSTANCE_TYPES.get(name)
    if found is None:
        raise errors.invalid_value(f"Invalid value '{name}' for InstanceType.")
    return found


def _interface_params(params: Params) -> Mapping[str, Any]:
    """The primary interface, whether it was given as such or by the parameters of the instance."""
    given = params.get("NetworkInterfaces") or ()
    if not given:
        names = ("PrivateIpAddress", "Ipv6Addresses", "Ipv6AddressCount")
        return {name: params.get(name) for name in names}
    if params.get("SubnetId"):
        raise errors.combination(
            "Network interfaces and an instance-level subnet ID may not be specified on the same request"
        )
    if params.get("SecurityGroupIds") or params.get("SecurityGroups"):
        raise errors.combination(
            "Network interfaces and an instance-level security groups may not be specified on the same request"
        )
    if params.get("PrivateIpAddress"):
        raise errors.combination(
            # Words as reported in ansible/ansible issue 48109.
            "Network interfaces and an instance-level private IP address may not be specified on the same request"
        )
    if params.get("Ipv6Addresses") or params.get("Ipv6AddressCount"):
        # API Reference, RunInstances: "You cannot specify this option and the network interfaces option".
        raise errors.combination(
            "Network interfaces and instance-level IPv6 addresses may not be specified on the same request"
        )
    return _by_index(given)[0]


def _by_index(given: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """The interfaces asked for by their device index; 0 is among them."""
    found: dict[int, Mapping[str, Any]] = {}
    for each in given:
        index = each.get("DeviceIndex")
        if index is None:
            raise errors.missing_parameter("networkInterface.deviceIndex")
        if index in found:
            raise errors.combination(f"Each network interface requires a unique device index ({index}).")
        if len(given) > 1 and each.get("AssociatePublicIpAddress"):
            # Words as reported in zalando-incubator/kubernetes-on-aws pull request 8733.
            raise errors.combination(
                "The associatePublicIPAddress parameter cannot be specified when launching with multiple network "
                "interfaces"
            )
        refuse(each, _INTERFACE_REFUSED)
        found[index] = each
    if 0 not in found:
        raise errors.invalid_value(
            "When specifying network interfaces, you must include a device at index 0."
        )
    return found


def _further(
    ctx: Ctx, params: Params, kind: InstanceType, subnet: Subnet, most: int
) -> tuple[FurtherInterface, ...]:
    """Those beside the primary one, in the order of their device index."""
    given = _by_index(params.get("NetworkInterfaces") or ({"DeviceIndex": 0},))
    if len(given) > kind.interfaces:
        raise errors.too_many_interfaces(len(given), kind.name)
    found: list[FurtherInterface] = []
    for index, each in sorted(given.items())[1:]:
        interface = _existing_interface(ctx, params, each, most) if each.get("NetworkInterfaceId") else None
        there = interface.subnet_id if interface else str(each.get("SubnetId") or subnet.id)
        placed = ctx.state.subnets.get(ctx, there)
        if placed.zone != subnet.zone:
            raise errors.zones_differ()
        if placed.vpc_id != subnet.vpc_id:
            raise errors.unsupported("instances with network interfaces in more than one VPC")
        if each.get("PrivateIpAddress") and most > 1:
            raise errors.combination(
                "You may specify a private IP address only when launching a single instance."
            )
        found.append(FurtherInterface(index=index, subnet=placed, interface=interface, params=each))
    return tuple(found)


def _existing_interface(ctx: Ctx, params: Params, given: Mapping[str, Any], most: int) -> Interface:
    interface = ctx.state.interfaces.get(ctx, str(given["NetworkInterfaceId"]))
    if interface.attachment is not None:
        raise errors.interface_in_use(interface.id)
    if most > 1 or params["MinCount"] > 1:
        raise errors.combination("You may specify a network interface only when launching a single instance.")
    for name in (
        "SubnetId", "Groups", "PrivateIpAddress", "AssociatePublicIpAddress", "Ipv6Addresses", "Ipv6AddressCount",
    ):  # fmt: skip
        if given.get(name):
            raise errors.combination(
                f"A network interface may not specify both a network interface ID and a {name[0].lower()}{name[1:]}"
            )
    return interface


def _subnet(ctx: Ctx, subnet_id: str | None, params: Params) -> Subnet:
    zone = section(params, "Placement").get("AvailabilityZone")
    if subnet_id:
        subnet = ctx.state.subnets.get(ctx, subnet_id)
        if zone and zone != subnet.zone:
            raise errors.invalid_parameter(
                f"The specified availability zone {zone} and the subnet {subnet_id} do not match."
            )
        return subnet
    vpc = next((each for each in ctx.state.vpcs.all(ctx) if each.is_default), None)
    if vpc is None:
        raise errors.no_default_vpc()
    found = [
        each for each in ctx.state.subnets_in(vpc) if each.default_for_az and zone in {None, "", each.zone}
    ]
    if not found:
        raise errors.invalid_value(f"Invalid availability zone: [{zone}]")
    return found[0]


def _groups(ctx: Ctx, params: Params, given: Mapping[str, Any], subnet: Subnet) -> tuple[str, ...]:
    """Ids, those given by name included."""
    ids: list[str] = list(given.get("Groups") or params.get("SecurityGroupIds") or ())
    vpc = ctx.state.vpcs.get(ctx, subnet.vpc_id)
    for name in params.get("SecurityGroups") or ():
        if params.get("SubnetId"):
            raise errors.combination("The parameter groupName cannot be used with the parameter subnet")
        match = next((each for each in ctx.state.groups_in(vpc) if each.name == name), None)
        if match is None:
            raise errors.GROUP.missing(name)
        ids.append(match.id)
    return tuple(ids)


def named_profile(ctx: Ctx, given: Mapping[str, Any] | None) -> ProfileFacts | None:
    """The profile a request names; AwsError when there is none, or it holds no role."""
    if not given:
        return None
    name, arn = given.get("Name"), given.get("Arn")
    if bool(name) == bool(arn):
        raise errors.combination(
            "The parameters iamInstanceProfile.name and .arn may not be used together, nor neither"
        )
    found = ctx.state.profiles.profile(ctx.account, name=name, arn=arn) if ctx.state.profiles else None
    if found is None:
        raise errors.profile_unknown(str(name or arn), arn=not name)
    if found.role_arn is None:
        raise errors.profile_without_role(found.name)
    return found


def _key(ctx: Ctx, name: str | None) -> str:
    if name and not any(each.name == name for each in ctx.state.key_pairs.all(ctx)):
        raise errors.KEY_PAIR.missing(name)
    return name or ""


def checked_user_data(text: str | bytes | None) -> str:
    """Base64 as it came; AwsError when it is not, or too long."""
    if not text:
        return ""
    encoded = text.decode() if isinstance(text, bytes) else text
    try:
        raw = b64decode(encoded, validate=True)
    except (Base64Error, ValueError) as error:
        raise errors.invalid_value("Invalid BASE64 encoding of user data.") from error
    if len(raw) > MAX_USER_DATA:
        raise errors.invalid_value("User data is limited to 16384 bytes")
    return encoded


def _metadata_default(image: Image) -> MetadataOptions:
    """By the image's ImdsSupport. Source: EC2 User Guide, "Configure the Instance Metadata Service options"."""
    return (
        MetadataOptions(tokens="required", hop_limit=2)
        if image.template.imds_v2
        else MetadataOptions(tokens="optional", hop_limit=1)
    )


def metadata_options(given: Mapping[str, Any] | None, before: MetadataOptions) -> MetadataOptions:
    """`before` with what the request changes."""
    given = given or {}
    for name, allowed in (
        ("HttpTokens", {"required", "optional"}),
        ("HttpEndpoint", {"enabled", "disabled"}),
        ("InstanceMetadataTags", {"enabled", "disabled"}),
    ):
        value = given.get(name)
        if value is not None and value not in allowed:
            raise errors.bad_value(value, f"metadataOptions.{name[0].lower()}{name[1:]}", "Unknown value.")
    if given.get("HttpProtocolIpv6") == "enabled":
        raise errors.unsupported("the instance metadata service on IPv6")
    hops = given.get("HttpPutResponseHopLimit")
    if hops is not None and not 1 <= hops <= 64:
        raise errors.bad_value(hops, "httpPutResponseHopLimit", "It must be between 1 and 64.")
    return MetadataOptions(
        tokens=given.get("HttpTokens") or before.tokens,
        hop_limit=hops or before.hop_limit,
        endpoint=given.get("HttpEndpoint") or before.endpoint,
        tags=given.get("InstanceMetadataTags") or before.tags,
    )
