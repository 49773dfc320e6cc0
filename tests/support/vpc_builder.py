"""A short way to write down VPC snapshots."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from msgspec.structs import replace

from casemate.model.network import (
    ALL_PROTOCOLS,
    TCP,
    EndpointKind,
    GroupRef,
    InterfaceKind,
    NatGateway,
    NetworkAcl,
    NetworkAclEntry,
    NetworkInterface,
    NetworkSnapshot,
    PeeringConnection,
    PortRange,
    PrefixList,
    PrefixListRef,
    Route,
    RouteTable,
    RulePeer,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    TargetKind,
    VpcEndpoint,
    VpcSnapshot,
)
from casemate.model.regions import SERVICE_PREFIX_LISTS

DYNAMODB = SERVICE_PREFIX_LISTS["dynamodb", "us-east-2"]
DYNAMODB_ADDRESS = DYNAMODB.cidrs[1][9]
PREFIX_LISTS = {
    item.prefix_list_id: PrefixList(
        prefix_list_id=item.prefix_list_id, name=item.name, cidrs=item.cidrs, max_entries=10, aws_managed=True
    )
    for item in SERVICE_PREFIX_LISTS.values()
    if item.region == "us-east-2"
}
_TARGETS = {
    "igw": TargetKind.INTERNET_GATEWAY,
    "nat": TargetKind.NAT_GATEWAY,
    "vpce": TargetKind.GATEWAY_ENDPOINT,
    "eni": TargetKind.NETWORK_INTERFACE,
    "pcx": TargetKind.PEERING,
}


def peer_of(text: str) -> RulePeer:
    if text.startswith("sg-"):
        return GroupRef(group_id=text)
    return PrefixListRef(prefix_list_id=text) if text.startswith("pl-") else IPv4Network(text)


def rule(direction: str, peer: str, ports: str | None = None, protocol: int = TCP) -> SecurityGroupRule:
    """`rule("out", "0.0.0.0/0", "443")`; without ports: every protocol."""
    first, _, last = (ports or "0-65535").partition("-")
    return SecurityGroupRule(
        rule_id=f"sgr-{direction}{peer}{ports}",
        egress=direction == "out",
        protocol=protocol if ports is not None else ALL_PROTOCOLS,
        ports=PortRange(first=int(first), last=int(last or first)),
        peer=peer_of(peer),
    )


def entry(
    number: int, direction: str, action: str, cidr: str = "0.0.0.0/0", ports: str | None = None
) -> NetworkAclEntry:
    first, _, last = (ports or "0-65535").partition("-")
    return NetworkAclEntry(
        number=number,
        egress=direction == "out",
        allow=action == "allow",
        protocol=TCP if ports is not None else ALL_PROTOCOLS,
        cidr=IPv4Network(cidr),
        ports=PortRange(first=int(first), last=int(last or first)),
    )


OPEN_ACL = (entry(100, "in", "allow"), entry(100, "out", "allow"))
ALL_OUT = (rule("out", "0.0.0.0/0"),)


class VpcBuilder:
    """One VPC; every method returns self."""

    def __init__(
        self, vpc_id: str = "vpc-1", cidr: str = "10.0.0.0/16", *, igw: bool = False, dns: bool = True
    ) -> None:
        self.vpc_id = vpc_id
        self.vpc = VpcSnapshot(
            vpc_id=vpc_id,
            account="000000000000",
            region="us-east-2",
            cidrs=(IPv4Network(cidr),),
            dns_support=dns,
            dns_hostnames=True,
            internet_gateway_id=f"igw-{vpc_id}" if igw else None,
        )
        self.subnets: dict[str, Subnet] = {}
        self.tables: dict[str, RouteTable] = {}
        self.acls: dict[str, NetworkAcl] = {}
        self.groups: dict[str, SecurityGroup] = {}
        self.interfaces: dict[str, NetworkInterface] = {}
        self.nats: dict[str, NatGateway] = {}
        self.endpoints: dict[str, VpcEndpoint] = {}
        self.acl("acl-open", *OPEN_ACL)

    def table(self, table_id: str, *routes: tuple[str, str]) -> VpcBuilder:
        """Routes as (destination CIDR or prefix list, target id)."""
        found = [
            Route(destination=cidr, target=TargetKind.LOCAL, target_id="local") for cidr in self.vpc.cidrs
        ]
        for destination, target in routes:
            where = peer_of(destination)
            assert not isinstance(where, GroupRef)
            found.append(
                Route(
                    destination=where,
                    target=_TARGETS[target.split("-")[0]],
                    target_id=f"igw-{self.vpc_id}" if target == "igw" else target,
                )
            )
        self.tables[table_id] = RouteTable(
            route_table_id=table_id, vpc_id=self.vpc_id, is_main=False, routes=tuple(found)
        )
        return self

    def subnet(self, subnet_id: str, cidr: str, table_id: str, acl_id: str = "acl-open") -> VpcBuilder:
        self.subnets[subnet_id] = Subnet(
            subnet_id=subnet_id,
            vpc_id=self.vpc_id,
            cidr=IPv4Network(cidr),
            zone="us-east-2a",
            zone_id="use2-az1",
            route_table_id=table_id,
            explicit_association=True,
            acl_id=acl_id,
        )
        return self

    def acl(self, acl_id: str, *entries: NetworkAclEntry) -> VpcBuilder:
        closing = (entry(32767, "in", "deny"), entry(32767, "out", "deny"))
        ordered = tuple(sorted((*entries, *closing), key=lambda item: (item.egress, item.number)))
        self.acls[acl_id] = NetworkAcl(acl_id=acl_id, vpc_id=self.vpc_id, is_default=False, entries=ordered)
        return self

    def group(self, group_id: str, *rules: SecurityGroupRule) -> VpcBuilder:
        self.groups[group_id] = SecurityGroup(
            group_id=group_id, name=group_id, vpc_id=self.vpc_id, rules=rules
        )
        return self

    def interface(
        self,
        interface_id: str,
        subnet_id: str,
        address: str,
        *groups: str,
        kind: InterfaceKind = InterfaceKind.INTERFACE,
        public: str | None = None,
        check: bool = True,
        secondary: tuple[str, ...] = (),
        owner: str = "",
    ) -> VpcBuilder:
        self.interfaces[interface_id] = NetworkInterface(
            interface_id=interface_id,
            vpc_id=self.vpc_id,
            subnet_id=subnet_id,
            kind=kind,
            address=IPv4Address(address),
            secondary=tuple(map(IPv4Address, secondary)),
            groups=groups,
            public=IPv4Address(public) if public else None,
            source_dest_check=check,
            owner=owner,
        )
        return self

    def function(self, interface_id: str, subnet_id: str, address: str, *groups: str) -> VpcBuilder:
        return self.interface(interface_id, subnet_id, address, *groups, kind=InterfaceKind.LAMBDA)

    def nat(self, nat_id: str, subnet_id: str, address: str, public: str | None) -> VpcBuilder:
        self.interface(
            f"eni-{nat_id}",
            subnet_id,
            address,
            kind=InterfaceKind.NAT_GATEWAY,
            public=public,
            check=False,
            owner=nat_id,
        )
        self.nats[nat_id] = NatGateway(
            nat_gateway_id=nat_id,
            vpc_id=self.vpc_id,
            subnet_id=subnet_id,
            interface_id=f"eni-{nat_id}",
            private=IPv4Address(address),
            public=IPv4Address(public) if public else None,
        )
        return self

    def gateway_endpoint(self, endpoint_id: str, *table_ids: str) -> VpcBuilder:
        """Its own record and its route in each table."""
        self.endpoints[endpoint_id] = VpcEndpoint(
            endpoint_id=endpoint_id,
            vpc_id=self.vpc_id,
            account="000000000000",
            kind=EndpointKind.GATEWAY,
            service_name=DYNAMODB.name,
            service="dynamodb",
            service_region="us-east-2",
            prefix_list_id=DYNAMODB.prefix_list_id,
            route_table_ids=table_ids,
        )
        for table_id in table_ids:
            table = self.tables[table_id]
            row = Route(
                destination=PrefixListRef(prefix_list_id=DYNAMODB.prefix_list_id),
                target=TargetKind.GATEWAY_ENDPOINT,
                target_id=endpoint_id,
            )
            self.tables[table_id] = replace(table, routes=(*table.routes, row))
        return self

    def interface_endpoint(self, endpoint_id: str, subnet_id: str, address: str, *groups: str) -> VpcBuilder:
        interface_id = f"eni-{endpoint_id}"
        self.interface(
            interface_id, subnet_id, address, *groups, kind=InterfaceKind.VPC_ENDPOINT, owner=endpoint_id
        )
        self.endpoints[endpoint_id] = VpcEndpoint(
            endpoint_id=endpoint_id,
            vpc_id=self.vpc_id,
            account="000000000000",
            kind=EndpointKind.INTERFACE,
            service_name="com.amazonaws.us-east-2.sts",
            service="sts",
            service_region="us-east-2",
            interface_ids=(interface_id,),
        )
        return self

    def build(self) -> VpcSnapshot:
        return replace(
            self.vpc,
            subnets=dict(self.subnets),
            route_tables=dict(self.tables),
            acls=dict(self.acls),
            groups=dict(self.groups),
            interfaces=dict(self.interfaces),
            nat_gateways=dict(self.nats),
            endpoints=dict(self.endpoints),
        )


def network(
    *vpcs: VpcBuilder | VpcSnapshot, generation: int = 1, peerings: tuple[PeeringConnection, ...] = ()
) -> NetworkSnapshot:
    built = [vpc.build() if isinstance(vpc, VpcBuilder) else vpc for vpc in vpcs]
    return NetworkSnapshot(
        generation=generation,
        vpcs={vpc.vpc_id: vpc for vpc in built},
        prefix_lists=PREFIX_LISTS,
        peerings={item.peering_id: item for item in peerings},
    )
