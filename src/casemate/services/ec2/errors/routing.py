"""Errors about routes and gateways."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.services.ec2.errors.requests import invalid_value


def already_associated(table_id: str) -> AwsError:
    """AssociateRouteTable for a subnet or gateway that has a table already."""
    return AwsError(
        "Resource.AlreadyAssociated",
        f"the specified association for route table {table_id} conflicts with an existing association",
    )


def gateway_already_attached(gateway_id: str, vpc_id: str) -> AwsError:
    return AwsError(
        "Resource.AlreadyAssociated", f"resource {gateway_id} is already attached to network {vpc_id}"
    )


def vpc_has_gateway(vpc_id: str) -> AwsError:
    return invalid_value(f"Network {vpc_id} already has an internet gateway attached")


def gateway_not_attached(gateway_id: str, vpc_id: str) -> AwsError:
    return AwsError("Gateway.NotAttached", f"resource {gateway_id} is not attached to network {vpc_id}")


def mapped_addresses(vpc_id: str) -> AwsError:
    """DetachInternetGateway while elastic addresses are in use."""
    return AwsError(
        "DependencyViolation",
        f"Network {vpc_id} has some mapped public address(es). "
        "Please unmap those public address(es) before detaching the gateway.",
    )


def route_exists(destination: str) -> AwsError:
    return AwsError("RouteAlreadyExists", f"The route identified by {destination} already exists.")


def endpoint_route_exists(route_table_id: str, prefix_list_id: str) -> AwsError:
    """A second endpoint for the same service on one route table."""
    return AwsError(
        "RouteAlreadyExists",
        f"route table {route_table_id} already has a route with destination-prefix-list-id {prefix_list_id}",
    )


def route_missing(kind: str, destination: str, route_table_id: str) -> AwsError:
    return AwsError(
        "InvalidRoute.NotFound", f"no route with {kind} {destination} in route table {route_table_id}"
    )


def route_gateway_missing(gateway_id: str) -> AwsError:
    """CreateRoute to an unknown GatewayId."""
    return AwsError("InvalidGatewayID.NotFound", f"The gateway ID '{gateway_id}' does not exist")


def foreign_target(route_table_id: str, target_id: str) -> AwsError:
    return invalid_value(
        f"route table {route_table_id} and network gateway {target_id} belong to different networks"
    )


def route_nat_missing(nat_gateway_id: str) -> AwsError:
    """CreateRoute to an unknown NAT gateway."""
    return AwsError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat_gateway_id}' does not exist")


def unavailable_target(parameter: str, target_id: str) -> AwsError:
    """A route target of a kind that does not exist here: none of that id does either."""
    nouns = {
        "InstanceId": ("InvalidInstanceID.NotFound", "instance"),
        "TransitGatewayId": ("InvalidTransitGatewayID.NotFound", "transitGateway"),
        "VpcEndpointId": ("InvalidVpcEndpointId.NotFound", "vpcEndpoint"),
    }
    code, noun = nouns.get(parameter, ("InvalidGatewayID.NotFound", "gateway"))
    return AwsError(code, f"The {noun} ID '{target_id}' does not exist")


def no_gateway(vpc_id: str) -> AwsError:
    """An elastic address needs a way to the internet."""
    return AwsError("Gateway.NotAttached", f"Network {vpc_id} is not attached to any internet gateway")


def vpn_gateway_missing(gateway_id: str) -> AwsError:
    return AwsError("InvalidVpnGatewayID.NotFound", f"The vpnGateway ID '{gateway_id}' does not exist")


def nat_vpc() -> AwsError:
    """CreateNatGateway with a VpcId: only regional gateways have one."""
    return AwsError(
        "MissingParameter", "VpcId is not supported for a NAT gateway with availability mode zonal."
    )
