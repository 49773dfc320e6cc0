"""The network snapshot: what `reachability` walks and what `dataplane` compiles into the kernel. One model for both.

Everything is immutable. Each VPC is one value, and a VPC in which nothing changed is the *same object* in the next
snapshot, so that readers may cache by identity. Networks are `ipaddress` objects, parsed at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct, field

from casemate.model.faults import Fault, FaultKind

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

ALL_PROTOCOLS = -1
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58


class PortRange(Struct, frozen=True, kw_only=True):
    """Inclusive."""

    first: int
    last: int


ALL_PORTS = PortRange(first=0, last=65535)


class IcmpType(Struct, frozen=True, kw_only=True):
    """-1 means any."""

    type: int = -1
    code: int = -1


class GroupRef(Struct, frozen=True, kw_only=True):
    """The private addresses of the interfaces that are members of a security group."""

    group_id: str


class PrefixListRef(Struct, frozen=True, kw_only=True):
    prefix_list_id: str


RulePeer = IPv4Network | IPv6Network | GroupRef | PrefixListRef


class SecurityGroupRule(Struct, frozen=True, kw_only=True):
    """One permission: allow-only, one peer. A rule of the API with several ranges is several of these."""

    rule_id: str
    egress: bool
    protocol: int
    """IANA number, or ALL_PROTOCOLS."""
    ports: PortRange = ALL_PORTS
    """For TCP and UDP; ignored for other protocols."""
    icmp: IcmpType = IcmpType()
    """For ICMP; ignored for other protocols."""
    peer: RulePeer
    """Source of an ingress rule, destination of an egress rule."""


class SecurityGroup(Struct, frozen=True, kw_only=True):
    """Stateful, per interface. No rule for a direction: nothing passes in that direction."""

    group_id: str
    name: str
    vpc_id: str
    rules: tuple[SecurityGroupRule, ...]


class NetworkAclEntry(Struct, frozen=True, kw_only=True):
    """Stateless. Entries are tried in order of `number`; the first match decides; 32767 is the closing deny."""

    number: int
    egress: bool
    allow: bool
    protocol: int
    cidr: Network
    ports: PortRange = ALL_PORTS
    icmp: IcmpType = IcmpType()


class NetworkAcl(Struct, frozen=True, kw_only=True):
    acl_id: str
    vpc_id: str
    is_default: bool
    entries: tuple[NetworkAclEntry, ...]
    """Sorted by (egress, number); the closing deny (32767) of each direction is among them."""


class TargetKind(Enum):
    """What a route points at."""

    LOCAL = "local"
    INTERNET_GATEWAY = "igw"
    NAT_GATEWAY = "nat"
    GATEWAY_ENDPOINT = "vpce"
    NETWORK_INTERFACE = "eni"
    PEERING = "pcx"
    EGRESS_ONLY_GATEWAY = "eigw"


class Route(Struct, frozen=True, kw_only=True):
    """One row of a route table."""

    destination: Network | PrefixListRef
    target: TargetKind
    target_id: str
    """Id of the target; `local` for the local route."""
    blackhole: bool = False
    """The target is gone, detached or not available: matched packets are dropped silently."""


class RouteTable(Struct, frozen=True, kw_only=True):
    route_table_id: str
    vpc_id: str
    is_main: bool
    routes: tuple[Route, ...]


class Subnet(Struct, frozen=True, kw_only=True):
    subnet_id: str
    vpc_id: str
    cidr: IPv4Network
    zone: str
    zone_id: str
    route_table_id: str
    """The effective table: the associated one, or the VPC's main table."""
    explicit_association: bool
    """False when the main table applies for want of an association."""
    acl_id: str
    ipv6_cidr: IPv6Network | None = None


class InterfaceKind(Enum):
    """`InterfaceType` of the EC2 API."""

    INTERFACE = "interface"
    LAMBDA = "lambda"
    """A Hyperplane interface shared by functions: always tracked, never a public address."""
    NAT_GATEWAY = "nat_gateway"
    VPC_ENDPOINT = "vpc_endpoint"


class NetworkInterface(Struct, frozen=True, kw_only=True):
    interface_id: str
    vpc_id: str
    subnet_id: str
    kind: InterfaceKind
    address: IPv4Address
    """Primary private address."""
    secondary: tuple[IPv4Address, ...] = ()
    groups: tuple[str, ...] = ()
    """Security group ids; empty for a NAT gateway, which has none."""
    public: IPv4Address | None = None
    """Elastic or auto-assigned public address associated with the primary address."""
    source_dest_check: bool = True
    owner: str = ""
    """Id of what it belongs to: a NAT gateway, an endpoint, an instance; empty when unattached or a function's."""
    host: str = ""
    """Id of the primary interface of the instance to which this one is attached beside it; empty for any other."""
    device_index: int = 0
    """Of an attachment to an instance."""
    ipv6: tuple[IPv6Address, ...] = ()
    """IPv6 addresses, which are public ones: nothing translates them."""


class NatGateway(Struct, frozen=True, kw_only=True):
    nat_gateway_id: str
    vpc_id: str
    subnet_id: str
    interface_id: str
    private: IPv4Address
    public: IPv4Address | None
    """None for a private NAT gateway."""
    available: bool = True


class EndpointKind(Enum):
    GATEWAY = "Gateway"
    INTERFACE = "Interface"


class VpcEndpoint(Struct, frozen=True, kw_only=True):
    endpoint_id: str
    vpc_id: str
    account: str
    kind: EndpointKind
    service_name: str
    """`com.amazonaws.us-east-2.dynamodb`."""
    service: str
    """`dynamodb`."""
    service_region: str
    prefix_list_id: str | None = None
    """Gateway endpoints: the service's prefix list."""
    route_table_ids: tuple[str, ...] = ()
    """Gateway endpoints."""
    interface_ids: tuple[str, ...] = ()
    """Interface endpoints: one per subnet."""
    private_dns: bool = False
    dns_names: tuple[str, ...] = ()
    """Interface endpoints: the endpoint's own names, the Regional one first."""
    available: bool = True


class PeeringConnection(Struct, frozen=True, kw_only=True):
    peering_id: str
    requester_vpc: str
    accepter_vpc: str
    active: bool
    requester_dns: bool = False
    """Public host names of the requester's VPC give private addresses when asked for in the accepter's."""
    accepter_dns: bool = False
    """The same the other way round."""


class PrefixList(Struct, frozen=True, kw_only=True):
    prefix_list_id: str
    name: str
    cidrs: tuple[Network, ...]
    max_entries: int
    aws_managed: bool = False


class VpcSnapshot(Struct, frozen=True, kw_only=True):
    """One VPC with everything in it. Maps are keyed by id; treat them as immutable."""

    vpc_id: str
    account: str
    region: str
    cidrs: tuple[IPv4Network, ...]
    dns_support: bool
    """enableDnsSupport: the resolver at base+2 and 169.254.169.253 answers."""
    dns_hostnames: bool
    """enableDnsHostnames."""
    ipv6_cidrs: tuple[IPv6Network, ...] = ()
    internet_gateway_id: str | None = None
    egress_only_gateways: tuple[str, ...] = ()
    """Egress-only internet gateways attached, sorted."""
    subnets: Mapping[str, Subnet] = field(default_factory=dict[str, Subnet])
    route_tables: Mapping[str, RouteTable] = field(default_factory=dict[str, RouteTable])
    acls: Mapping[str, NetworkAcl] = field(default_factory=dict[str, NetworkAcl])
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict[str, SecurityGroup])
    interfaces: Mapping[str, NetworkInterface] = field(default_factory=dict[str, NetworkInterface])
    nat_gateways: Mapping[str, NatGateway] = field(default_factory=dict[str, NatGateway])
    endpoints: Mapping[str, VpcEndpoint] = field(default_factory=dict[str, VpcEndpoint])
    logged_interfaces: tuple[str, ...] = ()
    """Interfaces whose flows are recorded for flow logs, sorted."""
    faults: tuple[Fault, ...] = ()
    """Those that somebody asked for and that touch this VPC."""

    @property
    def resolver(self) -> IPv4Address:
        """The Amazon DNS server: base of the primary CIDR plus two."""
        return self.cidrs[0][2]

    def holds(self, target: str) -> bool:
        """Whether a fault of `target` touches this VPC: its zone, subnet, NAT gateway or endpoint is here."""
        if target in self.nat_gateways or target in self.endpoints or target in self.subnets:
            return True
        return any(subnet.zone_id == target for subnet in self.subnets.values())

    def failure_of(self, target: str) -> Fault | None:
        """The fault by which a NAT gateway, an endpoint or an Availability Zone loses every packet."""
        for fault in self.faults:
            if fault.target == target and fault.kind is not FaultKind.LATENCY:
                return fault
        return None


class NetworkSnapshot(Struct, frozen=True, kw_only=True):
    """The whole network at one moment."""

    generation: int
    """Grows with each committed change."""
    vpcs: Mapping[str, VpcSnapshot] = field(default_factory=dict[str, VpcSnapshot])
    prefix_lists: Mapping[str, PrefixList] = field(default_factory=dict[str, PrefixList])
    """Customer-managed and AWS-managed ones, of every account and Region."""
    peerings: Mapping[str, PeeringConnection] = field(default_factory=dict[str, PeeringConnection])

    def in_order(self, interface_ids: Sequence[str]) -> tuple[str, ...]:
        """Those of `interface_ids` whose Availability Zone no fault has taken out. All of them when none is left."""
        kept = tuple(each for each in interface_ids if not self._is_out(each))
        return kept or tuple(interface_ids)

    def _is_out(self, interface_id: str) -> bool:
        for vpc in self.vpcs.values():
            interface = vpc.interfaces.get(interface_id) if vpc.faults else None
            subnet = vpc.subnets.get(interface.subnet_id) if interface else None
            if subnet is not None:
                return vpc.failure_of(subnet.zone_id) is not None
        return False

    def zone_id_of(self, interface_id: str) -> str:
        """The Availability Zone of an interface, as `use2-az1`; empty when there is no such interface."""
        for vpc in self.vpcs.values():
            interface = vpc.interfaces.get(interface_id)
            if interface is not None:
                return vpc.subnets[interface.subnet_id].zone_id
        return ""


EMPTY_NETWORK = NetworkSnapshot(generation=0)
