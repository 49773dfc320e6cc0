"""VPC endpoints, gateway and interface.

A gateway endpoint's routes are not stored: they follow from `route_table_ids` (see `route_rows`), so that they come,
change and go with the endpoint and nobody can edit them by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from casemate.model.regions import SERVICE_PREFIX_LISTS
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import endpoint_policies, errors, tags
from casemate.services.ec2.costs import meters
from casemate.services.ec2.deletions import delete_each
from casemate.services.ec2.endpoint_catalog import (
    EndpointService,
    dns_names,
    hosted_zone,
    service_of,
    services,
)
from casemate.services.ec2.endpoint_interfaces import (
    add_subnets,
    endpoint_groups,
    endpoint_subnets,
    remove_subnets,
    set_groups,
)
from casemate.services.ec2.paging import Rendered, described
from casemate.services.ec2.records import Vpc, VpcEndpoint
from casemate.services.ec2.registry import Ctx, on, operation, refuse, remember, replayed, required
from casemate.services.ec2.route_rows import rows
from casemate.services.ec2.state import Ec2State

ENDPOINT_FILTERS = {
    "ip-address-type": "IpAddressType",
    "service-name": "ServiceName",
    "service-region": "ServiceRegion",
    "vpc-id": "VpcId",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-state": "State",
    "vpc-endpoint-type": "VpcEndpointType",
}
_GATEWAY_ONLY = ("RouteTableIds", "AddRouteTableIds", "RemoveRouteTableIds")
_INTERFACE_ONLY = (
    "SubnetIds", "SecurityGroupIds", "AddSubnetIds", "RemoveSubnetIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds",
)  # fmt: skip


def endpoint_output(state: Ec2State, endpoint: VpcEndpoint) -> Rendered:
    """As DescribeVpcEndpoints shows it."""
    entries: list[Rendered] = []
    if endpoint.kind == "Interface":
        zone = hosted_zone(endpoint.region)
        entries = [{"DnsName": name, "HostedZoneId": zone} for name in dns_names(state, endpoint)]
        if endpoint.private_dns:
            name = service_of(endpoint).private_dns_name
            entries.append({"DnsName": name, "HostedZoneId": "Z0" + endpoint.dns_suffix.upper() + "PRIVATE"})
    groups = [state.groups.get(endpoint, each) for each in endpoint.group_ids]
    return {
        "VpcEndpointId": endpoint.id,
        "VpcEndpointType": endpoint.kind,
        "VpcId": endpoint.vpc_id,
        "ServiceName": endpoint.service_name,
        "ServiceRegion": endpoint.region,
        "State": "available",
        "PolicyDocument": endpoint.policy,
        "RouteTableIds": list(endpoint.route_table_ids),
        "SubnetIds": list(endpoint.subnet_ids),
        "Groups": [{"GroupId": each.id, "GroupName": each.name} for each in groups],
        "IpAddressType": endpoint.ip_address_type,
        "DnsOptions": {"DnsRecordIpType": endpoint.dns_record_ip_type},
        "PrivateDnsEnabled": endpoint.private_dns,
        "RequesterManaged": False,
        "NetworkInterfaceIds": list(endpoint.interface_ids),
        "DnsEntries": entries,
        "CreationTimestamp": endpoint.created,
        "OwnerId": endpoint.account,
        "Tags": tags.rendered(state, endpoint, endpoint.id),
    }


def _service(ctx: Ctx, params: Params) -> EndpointService:
    name = required(params, "ServiceName")
    # Endpoints are of their own Region. (PrivateLink's ServiceRegion for other Regions is not modelled.)
    offered = [each for each in services(ctx.region) if each.name == name]
    if not offered or params.get("ServiceRegion", ctx.region) != ctx.region:
        raise errors.service_name(name)
    kind = params.get("VpcEndpointType") or "Gateway"
    for each in offered:
        if each.kind == kind:
            return each
    raise errors.endpoint_type(kind, [each.kind for each in offered])


def _record_type(params: Params) -> str | None:
    options = params.get("DnsOptions")
    return str(options["DnsRecordIpType"]) if options and options.get("DnsRecordIpType") else None


def _refuse_foreign(params: Params, names: Sequence[str], kind: str) -> None:
    for name in names:
        if params.get(name):
            raise errors.invalid_parameter(f"{name} is not supported for VPC endpoints of type {kind}.")


def _route_tables(ctx: Ctx, vpc: Vpc, prefix_list_id: str, table_ids: Sequence[str]) -> tuple[str, ...]:
    """Tables for a gateway endpoint: of its VPC, and without a route to the service's prefix list yet."""
    for table_id in table_ids:
        table = ctx.state.route_tables.get(ctx, table_id)
        if table.vpc_id != vpc.id:
            raise errors.invalid_parameter(f"The route table {table_id} does not belong to the VPC {vpc.id}.")
        if any(row.destination == prefix_list_id for row in rows(ctx.state, vpc, table)):
            raise errors.endpoint_route_exists(table_id, prefix_list_id)
    return tuple(dict.fromkeys(table_ids))


@operation(
    "CreateVpcEndpoint",
    on=(
        on("vpc", "VpcId"),
        on("route-table", "RouteTableIds"),
        on("subnet", "SubnetIds"),
        on("security-group", "SecurityGroupIds"),
    ),
    creates=("vpc-endpoint",),
)
def create_vpc_endpoint(ctx: Ctx, params: Params) -> Output:
    known = ctx.state.endpoints.find(ctx, replayed(ctx, "CreateVpcEndpoint", params) or "")
    if known is None:
        refuse(params, ("SubnetConfigurations", "ServiceNetworkArn", "ResourceConfigurationArn"))
        vpc = ctx.state.vpcs.get(ctx, required(params, "VpcId"))
        service = _service(ctx, params)
        labels = tags.specified(params, "vpc-endpoint")
        make = _create_gateway if service.kind == "Gateway" else _create_interface
        known = ctx.state.endpoints.put(make(ctx, vpc, service, params))
        meters.follow(ctx.state, known, ctx.now)
        tags.put(ctx.state, ctx, known.id, labels)
        remember(ctx, "CreateVpcEndpoint", params, known.id)
    return {"VpcEndpoint": endpoint_output(ctx.state, known), "ClientToken": params.get("ClientToken")}


def _create_gateway(ctx: Ctx, vpc: Vpc, service: EndpointService, params: Params) -> VpcEndpoint:
    _refuse_foreign(params, _INTERFACE_ONLY, "Gateway")
    if params.get("PrivateDnsEnabled"):
        raise errors.invalid_parameter("Private DNS is not supported for VPC endpoints of type Gateway.")
    mine = [each for each in ctx.state.endpoints.all(ctx) if each.kind == "Gateway"]
    per_vpc = [each for each in mine if each.vpc_id == vpc.id]
    quotas = ctx.state.quotas
    if len(mine) >= quotas.gateway_endpoints or len(per_vpc) >= quotas.gateway_endpoints_per_vpc:
        raise errors.limit("VpcEndpointLimitExceeded", "VPC endpoints")
    prefix_list_id = SERVICE_PREFIX_LISTS[service.service, ctx.region].prefix_list_id
    return VpcEndpoint(
        id=ctx.new_id("vpce"),
        account=ctx.account,
        region=ctx.region,
        vpc_id=vpc.id,
        kind="Gateway",
        service_name=service.name,
        service=service.service,
        policy=endpoint_policies.checked(ctx.state, params.get("PolicyDocument"), kind="Gateway"),
        created=ctx.now,
        route_table_ids=_route_tables(ctx, vpc, prefix_list_id, params.get("RouteTableIds") or ()),
        ip_address_type=params.get("IpAddressType") or "ipv4",
        dns_record_ip_type=_record_type(params) or "service-defined",
    )


def _check_address_type(service_name: str, params: Params) -> None:
    """Interfaces of endpoints have IPv4 addresses: `SupportedIpAddressTypes` says so. The text is unverified."""
    wanted = params.get("IpAddressType") or "ipv4"
    if wanted != "ipv4":
        raise errors.invalid_parameter(
            f"The service {service_name} does not support the IP address type {wanted}."
        )


def _create_interface(ctx: Ctx, vpc: Vpc, service: EndpointService, params: Params) -> VpcEndpoint:
    _refuse_foreign(params, _GATEWAY_ONLY, "Interface")
    _check_address_type(service.name, params)
    mine = [each for each in ctx.state.endpoints_in(vpc) if each.kind == "Interface"]
    if len(mine) >= ctx.state.quotas.interface_endpoints:
        raise errors.limit("VpcEndpointLimitExceeded", "VPC endpoints")
    wanted = params.get("PrivateDnsEnabled")
    # API reference: "Default: true"; without a private name there is nothing to enable.
    private_dns = bool(service.private_dns_name) if wanted is None else bool(wanted)
    if private_dns:
        _check_private_dns(ctx, vpc, service, besides="")
    groups = endpoint_groups(ctx, vpc, params.get("SecurityGroupIds") or ())
    subnets = endpoint_subnets(ctx, vpc, params.get("SubnetIds") or (), zones=set())
    endpoint = VpcEndpoint(
        id=ctx.new_id("vpce"),
        account=ctx.account,
        region=ctx.region,
        vpc_id=vpc.id,
        kind="Interface",
        service_name=service.name,
        service=service.service,
        policy=endpoint_policies.checked(ctx.state, params.get("PolicyDocument"), kind="Interface"),
        created=ctx.now,
        group_ids=groups,
        private_dns=private_dns,
        ip_address_type=params.get("IpAddressType") or "ipv4",
        dns_record_ip_type=_record_type(params) or "ipv4",
        dns_suffix=ctx.random_bytes(4).hex(),
    )
    return add_subnets(ctx, endpoint, subnets)


def _check_private_dns(ctx: Ctx, vpc: Vpc, service: EndpointService, *, besides: str) -> None:
    if not service.private_dns_name:
        raise errors.no_private_dns(service.name)
    if not (vpc.dns_support and vpc.dns_hostnames):
        raise errors.private_dns_needs_attributes(vpc.id)
    for each in ctx.state.endpoints_in(vpc):
        if each.private_dns and each.service_name == service.name and each.id != besides:
            raise errors.private_dns_conflict(service.private_dns_name, vpc.id)


@operation("DescribeVpcEndpoints")
def describe_vpc_endpoints(ctx: Ctx, params: Params) -> Output:
    return described(
        ctx.state.endpoints,
        ctx,
        params,
        member="VpcEndpoints",
        ids="VpcEndpointIds",
        render=lambda endpoint: endpoint_output(ctx.state, endpoint),
        paths=ENDPOINT_FILTERS,
        smallest=1,
    )


@operation(
    "ModifyVpcEndpoint",
    on=(
        on("vpc-endpoint", "VpcEndpointId"),
        on("route-table", "AddRouteTableIds"),
        on("route-table", "RemoveRouteTableIds"),
        on("subnet", "AddSubnetIds"),
        on("subnet", "RemoveSubnetIds"),
        on("security-group", "AddSecurityGroupIds"),
        on("security-group", "RemoveSecurityGroupIds"),
    ),
)
def modify_vpc_endpoint(ctx: Ctx, params: Params) -> Output:
    refuse(params, ("SubnetConfigurations",))
    endpoint = ctx.state.endpoints.get(ctx, required(params, "VpcEndpointId"))
    document = params.get("PolicyDocument")
    if params.get("ResetPolicy"):
        if document:
            raise errors.combination("PolicyDocument and ResetPolicy cannot both be specified.")
        endpoint = replace(endpoint, policy=endpoint_policies.DEFAULT)
    elif document is not None:
        checked = endpoint_policies.checked(ctx.state, document, kind=endpoint.kind)
        endpoint = replace(endpoint, policy=checked)
    if endpoint.kind == "Interface":
        _check_address_type(endpoint.service_name, params)
    endpoint = replace(
        endpoint,
        ip_address_type=params.get("IpAddressType") or endpoint.ip_address_type,
        dns_record_ip_type=_record_type(params) or endpoint.dns_record_ip_type,
    )
    modify = _modify_gateway if endpoint.kind == "Gateway" else _modify_interface
    meters.follow(ctx.state, ctx.state.endpoints.put(modify(ctx, endpoint, params)), ctx.now)
    return {"Return": True}


def _modify_gateway(ctx: Ctx, endpoint: VpcEndpoint, params: Params) -> VpcEndpoint:
    _refuse_foreign(params, _INTERFACE_ONLY, "Gateway")
    vpc = ctx.state.vpcs.get(ctx, endpoint.vpc_id)
    gone = params.get("RemoveRouteTableIds") or ()
    for table_id in gone:
        ctx.state.route_tables.get(ctx, table_id)
        if table_id not in endpoint.route_table_ids:
            raise errors.invalid_parameter(f"Route table {table_id} is not associated with {endpoint.id}.")
    kept = tuple(each for each in endpoint.route_table_ids if each not in gone)
    prefix_list_id = SERVICE_PREFIX_LISTS[endpoint.service, ctx.region].prefix_list_id
    # A table this endpoint already has stays as it is; another endpoint's is refused.
    added = [each for each in params.get("AddRouteTableIds") or () if each not in kept]
    return replace(endpoint, route_table_ids=(*kept, *_route_tables(ctx, vpc, prefix_list_id, added)))


def _modify_interface(ctx: Ctx, endpoint: VpcEndpoint, params: Params) -> VpcEndpoint:
    _refuse_foreign(params, _GATEWAY_ONLY, "Interface")
    state = ctx.state
    vpc = state.vpcs.get(ctx, endpoint.vpc_id)
    wanted = params.get("PrivateDnsEnabled")
    if wanted is not None:
        if wanted:
            _check_private_dns(ctx, vpc, service_of(endpoint), besides=endpoint.id)
        endpoint = replace(endpoint, private_dns=bool(wanted))
    added_groups, gone_groups = (
        params.get("AddSecurityGroupIds") or (),
        params.get("RemoveSecurityGroupIds") or (),
    )
    if added_groups or gone_groups:
        checked = endpoint_groups(ctx, vpc, [*endpoint.group_ids, *added_groups])
        left = tuple(each for each in checked if each not in gone_groups)
        if not left:
            raise errors.invalid_parameter("An interface endpoint needs at least one security group.")
        endpoint = set_groups(ctx, endpoint, left)
    gone = params.get("RemoveSubnetIds") or ()
    for subnet_id in gone:
        state.subnets.get(ctx, subnet_id)
        if subnet_id not in endpoint.subnet_ids:
            raise errors.invalid_parameter(f"Subnet {subnet_id} is not associated with {endpoint.id}.")
    endpoint = remove_subnets(ctx, endpoint, gone)
    added = [each for each in params.get("AddSubnetIds") or () if each not in endpoint.subnet_ids]
    zones = {state.subnets.get(ctx, each).zone for each in endpoint.subnet_ids}
    return add_subnets(ctx, endpoint, endpoint_subnets(ctx, vpc, added, zones=zones))


@operation("DeleteVpcEndpoints", on=(on("vpc-endpoint", "VpcEndpointIds"),))
def delete_vpc_endpoints(ctx: Ctx, params: Params) -> Output:
    ids = params.get("VpcEndpointIds")
    if not ids:
        raise errors.missing_parameter("vpcEndpointId")

    def empty(endpoint: VpcEndpoint) -> None:
        remove_subnets(ctx, endpoint, endpoint.subnet_ids)
        meters.stop(ctx.state, endpoint, ctx.now)

    return delete_each(ctx, ctx.state.endpoints, errors.ENDPOINT, ids, before=empty)
