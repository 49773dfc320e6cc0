"""Routes. Those of gateway endpoints cannot be made, replaced or deleted here: ModifyVpcEndpoint does that."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.cidrs import ipv4_network, ipv6_network
from casemate.services.ec2.managed_lists import find_prefix_list
from casemate.services.ec2.records import RouteEntry, RouteTable, Vpc
from casemate.services.ec2.registry import Ctx, on, operation, required
from casemate.services.ec2.route_rows import Row, local_cidrs, rows

_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_KINDS = {
    "DestinationCidrBlock": "destination-cidr-block",
    "DestinationIpv6CidrBlock": "destination-ipv6-cidr-block",
    "DestinationPrefixListId": "destination-prefix-list-id",
}
_TARGETS = (
    "GatewayId", "NatGatewayId", "NetworkInterfaceId", "VpcPeeringConnectionId", "EgressOnlyInternetGatewayId",
    "InstanceId", "TransitGatewayId", "VpcEndpointId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn",
)  # fmt: skip
_UNROUTABLE = (ip_network("169.254.168.0/22"), ip_network("fd00:ec2::/32"))
"""Reserved for AWS services. Source: VPC User Guide, "Route table quotas and rules"."""
_NAT64 = ip_network("64:ff9b::/96")
"""RFC 6052. Source: VPC User Guide, "DNS64 and NAT64"."""


def _destination(ctx: Ctx, params: Params) -> tuple[str, str]:
    """The one destination of the request: (parameter, value)."""
    given = [name for name in _DESTINATIONS if params.get(name)]
    if len(given) != 1:
        message = "exactly one of destinationCidrBlock, destinationIpv6CidrBlock or destinationPrefixListId"
        raise errors.combination(f"The request must contain {message}")
    name, text = given[0], str(params[given[0]])
    if name == "DestinationPrefixListId":
        return name, find_prefix_list(ctx.state, ctx, text).prefix_list_id
    network = (
        ipv4_network(text, "destinationCidrBlock")
        if name == "DestinationCidrBlock"
        else ipv6_network(text, "destinationIpv6CidrBlock")
    )
    return name, str(network)


def _target(ctx: Ctx, vpc: Vpc, params: Params) -> tuple[str, str]:
    """The one target of the request, which must exist and belong to the VPC: (member, id)."""
    given = [name for name in _TARGETS if params.get(name)]
    if not given:
        raise errors.missing_parameter("gatewayId")
    if len(given) > 1:
        raise errors.combination("The request must contain exactly one target")
    name, target_id = given[0], str(params[given[0]])
    owner = _OWNERS.get(name)
    if owner is None:
        raise errors.unavailable_target(name, target_id)
    vpcs = owner(ctx, target_id)
    if vpc.id not in vpcs:
        raise errors.foreign_target(str(params.get("RouteTableId")), target_id)
    return name, target_id


def _gateway_vpcs(ctx: Ctx, target_id: str) -> tuple[str, ...]:
    if target_id.startswith("vpce-"):
        # A gateway endpoint's route comes with the endpoint; only those of load balancers could be named here.
        raise errors.invalid_value(f"cannot create a route to the VPC endpoint {target_id}")
    gateway = ctx.state.internet_gateways.find(ctx, target_id)
    if gateway is None:
        raise errors.route_gateway_missing(target_id)
    return (gateway.vpc_id,)


def _nat_vpcs(ctx: Ctx, target_id: str) -> tuple[str, ...]:
    nat = ctx.state.nat_gateways.find(ctx, target_id)
    if nat is None or nat.state == "deleted":
        raise errors.route_nat_missing(target_id)
    return (nat.vpc_id,)


def _interface_vpcs(ctx: Ctx, target_id: str) -> tuple[str, ...]:
    return (ctx.state.interfaces.get(ctx, target_id).vpc_id,)


def _egress_vpcs(ctx: Ctx, target_id: str) -> tuple[str, ...]:
    return (ctx.state.egress_gateways.get(ctx, target_id).vpc_id,)


def _peering_vpcs(ctx: Ctx, target_id: str) -> tuple[str, ...]:
    for each in ctx.state.peerings.everywhere():
        if each.id == target_id and each.status in {"active", "pending-acceptance"}:
            return (each.requester_vpc, each.accepter_vpc)
    raise errors.PEERING.missing(target_id)


_OWNERS: dict[str, Callable[[Ctx, str], tuple[str, ...]]] = {
    "GatewayId": _gateway_vpcs,
    "NatGatewayId": _nat_vpcs,
    "NetworkInterfaceId": _interface_vpcs,
    "EgressOnlyInternetGatewayId": _egress_vpcs,
    "VpcPeeringConnectionId": _peering_vpcs,
}


def _existing(ctx: Ctx, vpc: Vpc, table: RouteTable, destination: str) -> Row | None:
    return next((row for row in rows(ctx.state, vpc, table) if row.destination == destination), None)


def _check_inside(ctx: Ctx, vpc: Vpc, destination: str, target: str) -> None:
    """A route more specific than local must be a subnet's whole block and lead to a NAT gateway or an interface.

    Source: VPC User Guide, "Routing to a middlebox appliance".
    """
    if destination.startswith("pl-"):
        return
    network = ip_network(destination)
    if (
        any(network.version == each.version and network.overlaps(each) for each in _UNROUTABLE)
        and network.prefixlen
    ):
        raise errors.invalid_value(
            f"The destination CIDR block {destination} is not allowed in a route table"
        )
    _check_family(network, destination, target)
    blocks = (ip_network(cidr) for cidr in local_cidrs(vpc))
    if not any(_is_inside(network, block) for block in blocks):
        return
    found = ctx.state.subnets_in(vpc)
    subnets = {each.cidr for each in found} | {block.cidr for each in found for block in each.ipv6}
    if destination not in subnets or target not in {"NatGatewayId", "NetworkInterfaceId"}:
        raise errors.invalid_value(
            f"The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR blocks. "
            "This route can target only an interface or an instance."
        )


def _is_inside(network: IPv4Network | IPv6Network, block: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(block, IPv4Network) and network.subnet_of(block)
    return isinstance(block, IPv6Network) and network.subnet_of(block)


def _check_family(network: IPv4Network | IPv6Network, destination: str, target: str) -> None:
    """NAT gateways translate IPv4, and egress-only gateways carry IPv6. Texts are unverified."""
    if network.version == 6 and target == "NatGatewayId":
        if network == _NAT64:
            raise errors.unsupported(f"NAT64: a route for {destination} to a NAT gateway")
        raise errors.invalid_value(
            f"The destination CIDR block {destination} cannot be routed to a NAT gateway: only {_NAT64} can."
        )
    if network.version == 4 and target == "EgressOnlyInternetGatewayId":
        raise errors.invalid_value(
            f"The destination CIDR block {destination} is IPv4, and an egress-only internet gateway carries IPv6 only."
        )


@operation("CreateRoute", on=(on("route-table", "RouteTableId"),))
def create_route(ctx: Ctx, params: Params) -> Output:
    table = ctx.state.route_tables.get(ctx, required(params, "RouteTableId"))
    vpc = ctx.state.vpcs.get(ctx, table.vpc_id)
    _, destination = _destination(ctx, params)
    target, target_id = _target(ctx, vpc, params)
    entry = RouteEntry(destination=destination, target=target, target_id=target_id)
    known = _existing(ctx, vpc, table, destination)
    if known is not None:
        if (known.target, known.target_id) == (target, target_id):
            return {"Return": True}  # the same route again: AWS answers as if it had made it
        raise errors.route_exists(destination)
    _check_inside(ctx, vpc, destination, target)
    if len(table.routes) >= ctx.state.quotas.routes:
        raise errors.limit("RouteLimitExceeded", "routes")
    ctx.state.route_tables.put(replace(table, routes=(*table.routes, entry)))
    return {"Return": True}


@operation("ReplaceRoute", on=(on("route-table", "RouteTableId"),))
def replace_route(ctx: Ctx, params: Params) -> Output:
    table = ctx.state.route_tables.get(ctx, required(params, "RouteTableId"))
    vpc = ctx.state.vpcs.get(ctx, table.vpc_id)
    parameter, destination = _destination(ctx, params)
    known = _existing(ctx, vpc, table, destination)
    if known is None:
        raise errors.route_missing(_KINDS[parameter], destination, table.id)
    if known.target_id.startswith("vpce-"):
        raise errors.invalid_value(
            f"cannot modify VPC endpoint route {destination} in route table {table.id}"
        )
    others = tuple(each for each in table.routes if each.destination != destination)
    if params.get("LocalTarget"):
        if destination not in local_cidrs(vpc):
            raise errors.invalid_value(f"{destination} is not a local route of route table {table.id}")
        ctx.state.route_tables.put(replace(table, routes=others))
        return {}
    target, target_id = _target(ctx, vpc, params)
    if destination in local_cidrs(vpc) and target not in {"NatGatewayId", "NetworkInterfaceId"}:
        raise errors.invalid_value(f"cannot replace local route {destination} with the target {target_id}")
    if not destination.startswith("pl-"):
        _check_family(ip_network(destination), destination, target)
    entry = RouteEntry(destination=destination, target=target, target_id=target_id)
    if known.target_id == "local":
        changed = (*table.routes, entry)
    else:
        changed = tuple(entry if each.destination == destination else each for each in table.routes)
    ctx.state.route_tables.put(replace(table, routes=changed))
    return {}


@operation("DeleteRoute", on=(on("route-table", "RouteTableId"),))
def delete_route(ctx: Ctx, params: Params) -> Output:
    table = ctx.state.route_tables.get(ctx, required(params, "RouteTableId"))
    vpc = ctx.state.vpcs.get(ctx, table.vpc_id)
    parameter, destination = _destination(ctx, params)
    known = _existing(ctx, vpc, table, destination)
    if known is None:
        raise errors.route_missing(_KINDS[parameter], destination, table.id)
    if destination in local_cidrs(vpc):
        raise errors.invalid_value(f"cannot remove local route {destination} in route table {table.id}")
    if known.target_id.startswith("vpce-"):
        raise errors.invalid_value(
            f"cannot remove VPC endpoint route {destination} in route table {table.id}"
        )
    kept = tuple(each for each in table.routes if each.destination != destination)
    ctx.state.route_tables.put(replace(table, routes=kept))
    return {}
