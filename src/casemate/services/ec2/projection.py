"""From records to the network snapshot that `reachability` walks and `dataplane` compiles.

Incremental: each commit projects again only the VPCs that it touched, and one whose projection comes out equal stays
the same object, so that readers may cache by identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from types import MappingProxyType

from casemate.model import network as model
from casemate.model.regions import SERVICE_PREFIX_LISTS
from casemate.services.ec2.acl_projection import acl_of
from casemate.services.ec2.endpoint_catalog import dns_names
from casemate.services.ec2.flowlogs.coverage import logged_interfaces
from casemate.services.ec2.group_projection import group_of
from casemate.services.ec2.managed_lists import AWS_LISTS, of_customer
from casemate.services.ec2.records import Interface, NatGateway, RouteTable, Subnet, Vpc, VpcEndpoint
from casemate.services.ec2.route_rows import Row, endpoint_prefix_list, rows
from casemate.services.ec2.state import Ec2State

_KINDS = {
    "NatGatewayId": model.TargetKind.NAT_GATEWAY,
    "NetworkInterfaceId": model.TargetKind.NETWORK_INTERFACE,
    "VpcPeeringConnectionId": model.TargetKind.PEERING,
    "EgressOnlyInternetGatewayId": model.TargetKind.EGRESS_ONLY_GATEWAY,
}


def _target(row: Row) -> model.TargetKind:
    if row.target != "GatewayId":
        return _KINDS[row.target]
    if row.target_id == "local":
        return model.TargetKind.LOCAL
    if row.target_id.startswith("vpce-"):
        return model.TargetKind.GATEWAY_ENDPOINT
    return model.TargetKind.INTERNET_GATEWAY


def _route(row: Row) -> model.Route:
    is_list = row.destination.startswith("pl-")
    return model.Route(
        destination=model.PrefixListRef(prefix_list_id=row.destination)
        if is_list
        else ip_network(row.destination),
        target=_target(row),
        target_id=row.target_id,
        blackhole=row.blackhole,
    )


def _table(state: Ec2State, vpc: Vpc, table: RouteTable) -> model.RouteTable:
    return model.RouteTable(
        route_table_id=table.id,
        vpc_id=vpc.id,
        is_main=table.is_main,
        routes=tuple(map(_route, rows(state, vpc, table))),
    )


def _subnets(state: Ec2State, vpc: Vpc, tables: list[RouteTable]) -> dict[str, model.Subnet]:
    explicit = {each.subnet_id: table.id for table in tables for each in table.associations if each.subnet_id}
    main = next(table.id for table in tables if table.is_main)
    acls = {each.subnet_id: acl.id for acl in state.acls_in(vpc) for each in acl.associations}

    def project(subnet: Subnet) -> model.Subnet:
        return model.Subnet(
            subnet_id=subnet.id,
            vpc_id=vpc.id,
            cidr=IPv4Network(subnet.cidr),
            zone=subnet.zone,
            zone_id=subnet.zone_id,
            route_table_id=explicit.get(subnet.id, main),
            explicit_association=subnet.id in explicit,
            acl_id=acls[subnet.id],
            ipv6_cidr=IPv6Network(subnet.ipv6[0].cidr) if subnet.ipv6 else None,
        )

    return {subnet.id: project(subnet) for subnet in state.subnets_in(vpc)}


def interface_of(
    interface: Interface, primaries: Mapping[str, str] = MappingProxyType({})
) -> model.NetworkInterface:
    """An interface in the snapshot's terms. `primaries`: the primary interface of each instance of the VPC."""
    public = interface.primary.public
    attachment = interface.attachment
    index = attachment.device_index if attachment and attachment.instance_id else 0
    return model.NetworkInterface(
        interface_id=interface.id,
        vpc_id=interface.vpc_id,
        subnet_id=interface.subnet_id,
        kind=model.InterfaceKind(interface.kind),
        address=IPv4Address(interface.primary.address),
        secondary=tuple(IPv4Address(each.address) for each in interface.addresses[1:]),
        groups=interface.groups,
        public=IPv4Address(public.public_ip) if public else None,
        source_dest_check=interface.source_dest_check,
        owner=interface.owner,
        host=primaries.get(interface.owner, "") if index else "",
        device_index=index,
        ipv6=tuple(map(IPv6Address, interface.ipv6)),
    )


def _primaries(interfaces: Iterable[Interface]) -> dict[str, str]:
    """Instance -> its primary interface."""
    return {
        each.attachment.instance_id: each.id
        for each in interfaces
        if each.attachment and each.attachment.instance_id and each.attachment.device_index == 0
    }


def _nat(nat: NatGateway) -> model.NatGateway:
    held = nat.addresses[0]
    return model.NatGateway(
        nat_gateway_id=nat.id,
        vpc_id=nat.vpc_id,
        subnet_id=nat.subnet_id,
        interface_id=held.interface_id,
        private=IPv4Address(held.private_ip),
        public=IPv4Address(held.public_ip) if held.public_ip else None,
    )


def _endpoint(state: Ec2State, endpoint: VpcEndpoint) -> model.VpcEndpoint:
    gateway = endpoint.kind == "Gateway"
    return model.VpcEndpoint(
        endpoint_id=endpoint.id,
        vpc_id=endpoint.vpc_id,
        account=endpoint.account,
        kind=model.EndpointKind(endpoint.kind),
        service_name=endpoint.service_name,
        service=endpoint.service,
        service_region=endpoint.region,
        prefix_list_id=endpoint_prefix_list(endpoint) if gateway else None,
        route_table_ids=endpoint.route_table_ids,
        interface_ids=endpoint.interface_ids,
        private_dns=endpoint.private_dns,
        dns_names=() if gateway else dns_names(state, endpoint),
    )


def project_vpc(state: Ec2State, vpc: Vpc) -> model.VpcSnapshot:
    """One VPC with everything in it."""
    tables = state.tables_in(vpc)
    gateway = state.gateway_of(vpc)
    interfaces = [each for each in state.interfaces.all(vpc) if each.vpc_id == vpc.id]
    primaries = _primaries(interfaces)
    return model.VpcSnapshot(
        vpc_id=vpc.id,
        account=vpc.account,
        region=vpc.region,
        cidrs=tuple(IPv4Network(cidr) for cidr in vpc.cidrs),
        dns_support=vpc.dns_support,
        dns_hostnames=vpc.dns_hostnames,
        ipv6_cidrs=tuple(IPv6Network(each.cidr) for each in vpc.ipv6),
        internet_gateway_id=gateway.id if gateway else None,
        egress_only_gateways=tuple(
            sorted(each.id for each in state.egress_gateways.all(vpc) if each.vpc_id == vpc.id)
        ),
        subnets=_subnets(state, vpc, tables),
        route_tables={table.id: _table(state, vpc, table) for table in tables},
        acls={acl.id: acl_of(acl) for acl in state.acls_in(vpc)},
        groups={group.id: group_of(group) for group in state.groups_in(vpc)},
        interfaces={each.id: interface_of(each, primaries) for each in interfaces},
        nat_gateways={
            each.id: _nat(each)
            for each in state.nat_gateways.all(vpc)
            if each.vpc_id == vpc.id and each.state == "available"
        },
        endpoints={each.id: _endpoint(state, each) for each in state.endpoints_in(vpc)},
        logged_interfaces=logged_interfaces(state, vpc),
    )


def _prefix_lists(state: Ec2State) -> dict[str, model.PrefixList]:
    return {**AWS_LISTS, **{each.id: of_customer(each) for each in state.prefix_lists.everywhere()}}


def _peerings(state: Ec2State) -> dict[str, model.PeeringConnection]:
    return {
        each.id: model.PeeringConnection(
            peering_id=each.id,
            requester_vpc=each.requester_vpc,
            accepter_vpc=each.accepter_vpc,
            active=each.status == "active",
            requester_dns=each.requester_dns,
            accepter_dns=each.accepter_dns,
        )
        for each in state.peerings.everywhere()
        if each.status in {"active", "pending-acceptance"}
    }


def project(
    state: Ec2State, before: model.NetworkSnapshot, *, dirty: set[str] | None = None
) -> model.NetworkSnapshot:
    """The snapshot of the records as they are; `dirty` names the VPCs that may have changed since `before`, None all.

    INVARIANT: a VPC in which nothing changed is the same object as in `before`; when nothing changed at all so is the
    snapshot.
    """
    vpcs: dict[str, model.VpcSnapshot] = {}
    for vpc in state.vpcs.everywhere():
        known = before.vpcs.get(vpc.id)
        if known is not None and dirty is not None and vpc.id not in dirty:
            vpcs[vpc.id] = known
            continue
        made = project_vpc(state, vpc)
        vpcs[vpc.id] = known if known is not None and known == made else made
    lists, peerings = _prefix_lists(state), _peerings(state)
    same = (
        vpcs.keys() == before.vpcs.keys()
        and all(vpcs[each] is before.vpcs[each] for each in vpcs)
        and lists == before.prefix_lists
        and peerings == before.peerings
    )
    if same:
        return before
    return model.NetworkSnapshot(
        generation=before.generation + 1, vpcs=vpcs, prefix_lists=lists, peerings=peerings
    )


assert len(AWS_LISTS) == len(SERVICE_PREFIX_LISTS), "two AWS-managed prefix lists share an id"
