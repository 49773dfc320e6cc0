"""The rows of a route table: those somebody made, and those that follow from the VPC and its gateway endpoints."""

from __future__ import annotations

from ipaddress import ip_network

from msgspec import Struct

from casemate.model.regions import SERVICE_PREFIX_LISTS
from casemate.services.ec2.records import RouteEntry, RouteTable, Vpc, VpcEndpoint
from casemate.services.ec2.state import Ec2State


class Row(Struct, frozen=True, kw_only=True):
    """One row as DescribeRouteTables shows it."""

    destination: str
    """CIDR block or prefix list id."""
    target: str
    """The member that shows it: GatewayId, NatGatewayId, ..."""
    target_id: str
    origin: str
    """CreateRouteTable for local routes, CreateRoute for all others, those of endpoints too."""
    blackhole: bool = False


def endpoint_prefix_list(endpoint: VpcEndpoint) -> str:
    """Id of the prefix list a gateway endpoint routes to."""
    return SERVICE_PREFIX_LISTS[endpoint.service, endpoint.region].prefix_list_id


def _reaches(state: Ec2State, vpc: Vpc, entry: RouteEntry) -> bool:
    """Whether the target can take packets now; if not the route is a blackhole.

    Source: EC2 API reference, Route.State: "blackhole ... the route's target isn't available (the specified gateway
    isn't attached to the VPC, the specified NAT instance has been terminated, and so on)".
    """
    match entry.target:
        case "NatGatewayId":
            nat = state.nat_gateways.find(vpc, entry.target_id)
            return nat is not None and nat.state == "available"
        case "NetworkInterfaceId":
            interface = state.interfaces.find(vpc, entry.target_id)
            return interface is not None and interface.attachment is not None
        case "EgressOnlyInternetGatewayId":
            return state.egress_gateways.find(vpc, entry.target_id) is not None
        case "VpcPeeringConnectionId":
            return any(
                each.id == entry.target_id and each.status == "active" for each in state.peerings.everywhere()
            )
        case _:
            gateway = state.internet_gateways.find(vpc, entry.target_id)
            return gateway is not None and gateway.vpc_id == vpc.id


def local_cidrs(vpc: Vpc) -> tuple[str, ...]:
    """Every block of the VPC, each of which has a local route."""
    return (*vpc.cidrs, *(each.cidr for each in vpc.ipv6))


def rows(state: Ec2State, vpc: Vpc, table: RouteTable) -> list[Row]:
    """Local routes first, then the others in the order they were made, then those of gateway endpoints."""
    made = {entry.destination for entry in table.routes}
    found = [
        Row(destination=cidr, target="GatewayId", target_id="local", origin="CreateRouteTable")
        for cidr in local_cidrs(vpc)
        if cidr not in made  # ReplaceRoute may send a VPC block elsewhere
    ]
    found.extend(
        Row(
            destination=entry.destination,
            target=entry.target,
            target_id=entry.target_id,
            origin="CreateRoute",
            blackhole=not _reaches(state, vpc, entry),
        )
        for entry in table.routes
    )
    found.extend(
        Row(
            destination=endpoint_prefix_list(endpoint),
            target="GatewayId",
            target_id=endpoint.id,
            origin="CreateRoute",
        )
        for endpoint in state.endpoints_in(vpc)
        if table.id in endpoint.route_table_ids
    )
    return found


def destination_member(destination: str) -> str:
    """The parameter and output member for a destination."""
    if destination.startswith("pl-"):
        return "DestinationPrefixListId"
    if ip_network(destination).version == 6:
        return "DestinationIpv6CidrBlock"
    return "DestinationCidrBlock"
