"""DHCP option sets. Casemate's resolver answers at the AmazonProvidedDNS addresses whatever they say."""

from __future__ import annotations

from ipaddress import ip_address

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.cidrs import without_zone
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.records import DhcpOptions
from casemate.services.ec2.registry import Ctx, on, operation, required
from casemate.services.ec2.state import Ec2State

_KNOWN = (
    "domain-name-servers", "domain-name", "ntp-servers", "netbios-name-servers", "netbios-node-type",
    "ipv6-address-preferred-lease-time",
)  # fmt: skip
OPTIONS_FILTERS = {
    "dhcp-options-id": "DhcpOptionsId",
    "key": "DhcpConfigurations.Key",
    "owner-id": "OwnerId",
    "value": "DhcpConfigurations.Values.Value",
}


def _output(state: Ec2State, options: DhcpOptions) -> Rendered:
    return {
        "DhcpOptionsId": options.id,
        "OwnerId": options.account,
        "DhcpConfigurations": [
            {"Key": key, "Values": [{"Value": value} for value in values]}
            for key, values in options.options.items()
        ],
        "Tags": tags.rendered(state, options, options.id),
    }


def _checked(key: str, values: list[str]) -> list[str]:
    if key not in _KNOWN:
        raise errors.bad_value(key, "dhcpConfiguration.key", "Unknown DHCP option.")
    if not values:
        raise errors.missing_parameter(f"value for {key}")
    if key.endswith("-servers"):
        for value in values:
            if value != "AmazonProvidedDNS":
                _check_address(key, value)
    if key == "netbios-node-type" and values not in (["1"], ["2"], ["4"], ["8"]):
        raise errors.bad_value(",".join(values), key, "The node type must be 1, 2, 4, or 8.")
    return values


def _check_address(key: str, value: str) -> None:
    try:
        ip_address(without_zone(value))
    except ValueError as error:
        raise errors.bad_value(value, key, "Invalid IP address.") from error


@operation("CreateDhcpOptions", creates=("dhcp-options",))
def create_dhcp_options(ctx: Ctx, params: Params) -> Output:
    given = params.get("DhcpConfigurations")
    if not given:
        raise errors.missing_parameter("dhcpConfiguration")
    options = {
        str(each.get("Key")): _checked(str(each.get("Key")), list(each.get("Values") or ())) for each in given
    }
    labels = tags.specified(params, "dhcp-options")
    made = ctx.state.dhcp_options.put(
        DhcpOptions(id=ctx.new_id("dopt"), account=ctx.account, region=ctx.region, options=options)
    )
    tags.put(ctx.state, ctx, made.id, labels)
    return {"DhcpOptions": _output(ctx.state, made)}


@operation("DescribeDhcpOptions")
def describe_dhcp_options(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.dhcp_options,
        ctx,
        params,
        member="DhcpOptions",
        ids="DhcpOptionsIds",
        render=lambda options: _output(ctx.state, options),
        paths=OPTIONS_FILTERS,
    )


@operation("DeleteDhcpOptions", on=(on("dhcp-options", "DhcpOptionsId"),))
def delete_dhcp_options(ctx: Ctx, params: Params) -> Output:
    options = ctx.state.dhcp_options.get(ctx, required(params, "DhcpOptionsId"))
    if any(vpc.dhcp_options_id == options.id for vpc in ctx.state.vpcs.all(ctx)):
        raise errors.DHCP_OPTIONS.in_use(options.id)
    ctx.state.discard(ctx.state.dhcp_options, options)
    return {}


@operation("AssociateDhcpOptions", on=(on("vpc", "VpcId"),))
def associate_dhcp_options(ctx: Ctx, params: Params) -> Output:
    vpc = ctx.state.vpcs.get(ctx, required(params, "VpcId"))
    options_id = required(params, "DhcpOptionsId")
    if options_id != "default":
        options_id = ctx.state.dhcp_options.get(ctx, options_id).id
    ctx.state.vpcs.put(replace(vpc, dhcp_options_id=options_id))
    return {}
