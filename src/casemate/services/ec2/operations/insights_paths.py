"""Reachability Analyzer's paths: questions to be asked as often as one likes.

Source: EC2 API reference, CreateNetworkInsightsPath. Casemate also takes the ARN of a Lambda function as a source.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import Any

from casemate.model.arns import Arn
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.insights.components import Components
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.records import InsightsPath
from casemate.services.ec2.registry import Ctx, on, operation, refuse, remember, replayed, required
from casemate.services.ec2.state import Ec2State

PATH_FILTERS = {
    "destination": "Destination",
    "filter-at-source.source-address": "FilterAtSource.SourceAddress",
    "filter-at-source.destination-address": "FilterAtSource.DestinationAddress",
    "protocol": "Protocol",
    "source": "Source",
}
_ENDS = {
    "eni-": "network-interface",
    "i-": "instance",
    "igw-": "internet-gateway",
    "vpce-": "vpc-endpoint",
    "pcx-": "vpc-peering-connection",
}


def components_of(ctx: Ctx) -> Components:
    """The committed network, with the names that the account's own tags give."""

    def tagged(account: str, region: str, resource_id: str) -> dict[str, str]:
        # The way may lead over a peering connection to another account, whose tags are its own.
        if account != ctx.account:
            return {}
        found = ctx.state.tags.get(account, region, resource_id)
        return found.tags if found else {}

    assert ctx.state.network is not None, "wired by build"
    return Components(ctx.state.network.snapshot(), tagged)


def _end_arn(path: InsightsPath, end: str) -> str | None:
    if not end or end.startswith("arn:"):
        return end or None
    kind = _ENDS[end.partition("-")[0] + "-"]
    return str(Arn(service="ec2", region=path.region, account=path.account, resource=f"{kind}/{end}"))


def _output(state: Ec2State, path: InsightsPath) -> Rendered:
    arn = Arn(
        service="ec2", region=path.region, account=path.account, resource=f"network-insights-path/{path.id}"
    )
    return {
        "NetworkInsightsPathId": path.id,
        "NetworkInsightsPathArn": str(arn),
        "CreatedDate": path.created,
        "Source": path.source,
        "SourceArn": _end_arn(path, path.source),
        "Destination": path.destination or None,
        "DestinationArn": _end_arn(path, path.destination),
        "SourceIp": None if path.filter_at_source else path.source_ip or None,
        "DestinationIp": None if path.filter_at_source else path.destination_ip or None,
        "Protocol": path.protocol,
        "DestinationPort": None if path.filter_at_source else path.port,
        "FilterAtSource": path.filter_at_source,
        "Tags": tags.rendered(state, path, path.id),
    }


def _end(ctx: Ctx, params: Params, name: str) -> str:
    """The id of an end, which exists; a function's ARN as it is."""
    given = str(params.get(name) or "")
    if not given:
        return ""
    if given.startswith("arn:"):
        parts = given.split(":", 5)
        if len(parts) < 6 or parts[4] != ctx.account or parts[3] != ctx.region:
            raise errors.bad_value(given, name, "It must be in the account and the Region of the request.")
        if parts[2] == "lambda" and name == "Source":
            if _function(ctx, given) is None:
                raise errors.bad_value(given, name, "There is no such function.")
            return given
        given = parts[5].rpartition("/")[2]
    kind = _ENDS.get(given.partition("-")[0] + "-")
    if kind is None:
        raise errors.bad_value(
            given, name, "It is not the ID or ARN of a resource that a path can begin or end at."
        )
    if kind == "instance":
        if not any(each.owner == given for each in ctx.state.interfaces.all(ctx)):
            raise errors.INSTANCE.missing(given)
    elif kind == "vpc-peering-connection":
        if not any(each.id == given for each in ctx.state.peerings.everywhere()):
            raise errors.PEERING.missing(given)
    else:
        ctx.state.by_type[kind].get(ctx, given)
    return given


def _function(ctx: Ctx, arn: str) -> object:
    functions = ctx.state.functions
    name = arn.split(":")[6] if arn.count(":") >= 6 else ""
    return functions and functions.function_facts(account=ctx.account, region=ctx.region, name=name)


def _address(value: str | None, name: str) -> str:
    if not value:
        return ""
    try:
        return str(IPv4Address(value))
    except (AddressValueError, ValueError) as error:
        raise errors.bad_value(value, name, "It is not a valid IPv4 address.") from error


def _port(value: int | None, name: str) -> int | None:
    if value is not None and not 0 <= value <= 65535:
        raise errors.bad_value(value, name, "A port is between 0 and 65535.")
    return value


def _filter(params: Params) -> dict[str, Any] | None:
    """FilterAtSource: "you can't specify the parameters for the source IP address or the destination port" with it."""
    given = params.get("FilterAtSource")
    if not given:
        return None
    for name in ("SourceIp", "DestinationIp", "DestinationPort"):
        if params.get(name) is not None:
            raise errors.combination(f"The parameter {name} cannot be used with FilterAtSource.")
    made: dict[str, Any] = {}
    for name in ("SourceAddress", "DestinationAddress"):
        if given.get(name):
            made[name] = _address(given[name], f"FilterAtSource.{name}")
    for name in ("SourcePortRange", "DestinationPortRange"):
        ports = given.get(name)
        if ports:
            first = _port(ports.get("FromPort", 0), f"{name}.FromPort") or 0
            last = _port(ports.get("ToPort", 65535), f"{name}.ToPort") or 0
            if first > last:
                raise errors.bad_value(f"{first}-{last}", name, "FromPort is greater than ToPort.")
            made[name] = {"FromPort": first, "ToPort": last}
    return made


def _checked_source(ctx: Ctx, source: str, source_ip: str) -> None:
    """Packets of an interface leave with its primary address: another one cannot be asked about."""
    if not source_ip or source.startswith(("igw-", "pcx-", "vpce-", "arn:")):
        return
    own = [each for each in ctx.state.interfaces.all(ctx) if source in (each.id, each.owner)]
    addresses = [address.address for each in own for address in each.addresses]
    if source_ip not in addresses:
        raise errors.bad_value(source_ip, "SourceIp", f"It is not an address of {source}.")
    if source_ip not in [each.primary.address for each in own]:
        raise errors.unsupported("paths from a secondary private address")


@operation("CreateNetworkInsightsPath", creates=("network-insights-path",))
def create_network_insights_path(ctx: Ctx, params: Params) -> Output:
    known = ctx.state.insights_paths.find(ctx, replayed(ctx, "CreateNetworkInsightsPath", params) or "")
    if known is None:
        known = _create(ctx, params)
        remember(ctx, "CreateNetworkInsightsPath", params, known.id)
    return {"NetworkInsightsPath": _output(ctx.state, known)}


def _create(ctx: Ctx, params: Params) -> InsightsPath:
    refuse(params, ("FilterAtDestination",))
    required(params, "ClientToken")
    protocol = required(params, "Protocol")
    if protocol not in {"tcp", "udp"}:
        raise errors.bad_value(protocol, "Protocol", "Accepted values are tcp and udp.")
    required(params, "Source")
    source, destination = _end(ctx, params, "Source"), _end(ctx, params, "Destination")
    filters = _filter(params)
    given = filters or {}
    source_ip = _address(params.get("SourceIp"), "SourceIp") or given.get("SourceAddress", "")
    destination_ip = _address(params.get("DestinationIp"), "DestinationIp") or given.get(
        "DestinationAddress", ""
    )
    if not destination and not destination_ip:
        raise errors.missing_parameter("Destination")
    if source == destination:
        raise errors.bad_value(destination, "Destination", "The source and the destination are the same.")
    _checked_source(ctx, source, source_ip)
    if len(ctx.state.insights_paths.all(ctx)) >= ctx.state.quotas.insights_paths:
        raise errors.limit("NetworkInsightsPath.LimitExceeded", "network insights paths")
    labels = tags.specified(params, "network-insights-path")
    path = InsightsPath(
        id=ctx.new_id("nip"),
        account=ctx.account,
        region=ctx.region,
        source=source,
        destination=destination,
        source_ip=source_ip,
        destination_ip=destination_ip,
        protocol=protocol,
        port=_port(params.get("DestinationPort"), "DestinationPort"),
        filter_at_source=filters,
        created=ctx.now,
    )
    ctx.state.insights_paths.put(path)
    tags.put(ctx.state, ctx, path.id, labels)
    return path


@operation("DescribeNetworkInsightsPaths")
def describe_network_insights_paths(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.insights_paths,
        ctx,
        params,
        member="NetworkInsightsPaths",
        ids="NetworkInsightsPathIds",
        render=lambda path: _output(ctx.state, path),
        paths=PATH_FILTERS,
        smallest=1,
    )


@operation("DeleteNetworkInsightsPath", on=(on("network-insights-path", "NetworkInsightsPathId"),))
def delete_network_insights_path(ctx: Ctx, params: Params) -> Output:
    path = ctx.state.insights_paths.get(ctx, required(params, "NetworkInsightsPathId"))
    if any(each.path_id == path.id for each in ctx.state.insights_analyses.all(ctx)):
        raise errors.analysis_exists(path.id)
    ctx.state.discard(ctx.state.insights_paths, path)
    return {"NetworkInsightsPathId": path.id}
