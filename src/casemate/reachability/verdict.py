"""A verdict carries its explanation: every hop, what matched there, and what lost."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from casemate.model.network import TCP, Address, NetworkAclEntry, Route, SecurityGroupRule


class FromInterface(Struct, frozen=True, kw_only=True):
    """A packet sent by whatever is behind a network interface (a function, an instance)."""

    interface_id: str


class FromInternet(Struct, frozen=True, kw_only=True):
    """A packet from a public address: a laptop, a function outside any VPC."""

    address: Address


Source = FromInterface | FromInternet


class Flow(Struct, frozen=True, kw_only=True):
    """One connection attempt."""

    source: Source
    destination: Address
    protocol: int = TCP
    port: int = 443
    """Destination port; for ICMP ignored (echo request). ICMP to an IPv6 address is ICMPv6."""
    source_port: int = 49152


class Outcome(Enum):
    REACHED = "reached"
    """The far end gets the packet and its answer comes back."""
    DROPPED = "dropped"
    """Silence: the client sees a timeout."""
    REFUSED = "refused"
    """The far end is reached and nothing listens there (RST or ICMP unreachable)."""


class HopKind(Enum):
    """What the packet meets."""

    NAME = "name"
    SECURITY_GROUP = "security group"
    NETWORK_ACL = "network ACL"
    ROUTE_TABLE = "route table"
    GATEWAY_ENDPOINT = "gateway endpoint"
    INTERFACE_ENDPOINT = "interface endpoint"
    NAT_GATEWAY = "NAT gateway"
    INTERNET_GATEWAY = "internet gateway"
    EGRESS_ONLY_GATEWAY = "egress-only internet gateway"
    PEERING = "VPC peering connection"
    INTERFACE = "network interface"
    INTERNET = "internet"
    SERVICE = "AWS service"
    ZONE = "Availability Zone"
    """Met only when a fault has taken it out."""


class ReasonCode(Enum):
    """Why a packet is dropped. Names of AWS's Reachability Analyzer where it has them; Casemate's own start CM_.

    Source of the names: VPC Reachability Analyzer guide, "Reachability Analyzer explanation codes".
    """

    NO_ROUTE_TO_DESTINATION = "NO_ROUTE_TO_DESTINATION"
    """No route of the table matches the destination."""
    BAD_STATE_ROUTE = "BAD_STATE_ROUTE"
    """The matching route is a blackhole, or its target does not exist."""
    BAD_STATE = "BAD_STATE"
    """The component exists and does not work: a NAT gateway or an endpoint that is not available, a peering not active."""
    BAD_STATE_ATTACHMENT = "BAD_STATE_ATTACHMENT"
    """The internet gateway is not attached to the VPC."""
    ENI_SG_RULES_MISMATCH = "ENI_SG_RULES_MISMATCH"
    """No rule of the interface's security groups allows it."""
    SG_HAS_NO_RULES = "SG_HAS_NO_RULES"
    """The security groups have no rules in that direction."""
    SUBNET_ACL_RESTRICTION = "SUBNET_ACL_RESTRICTION"
    """The network ACL denies it: the request, or (a hop that is `returning`) the answer."""
    IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
    """The internet gateway drops what has no public address."""
    IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS = "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
    """No interface has that public address."""
    IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
    """The internet gateway sends nothing to private addresses."""
    IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"
    """Nor to shared (carrier-grade) addresses."""
    IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS = "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS"
    """The internet gateway takes nothing from private addresses."""
    IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS = "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS"
    """Nor from shared (carrier-grade) addresses."""
    GATEWAY_REJECTS_SPOOFED_TRAFFIC = "GATEWAY_REJECTS_SPOOFED_TRAFFIC"
    """It comes from outside with a source address of the VPC itself."""
    VPCE_GATEWAY_PROTOCOL_RESTRICTION = "VPCE_GATEWAY_PROTOCOL_RESTRICTION"
    """Only TCP and ICMP echo may enter a gateway endpoint."""
    PROTOCOL_RESTRICTION = "PROTOCOL_RESTRICTION"
    """The component takes some protocols only: an interface endpoint TCP, a NAT gateway TCP, UDP and ICMP."""
    VPCE_INTRA_VPC_TRAFFIC = "VPCE_INTRA_VPC_TRAFFIC"
    """A VPC endpoint initiates no connection."""
    SG_REFERENCES_NOT_PRESERVED = "SG_REFERENCES_NOT_PRESERVED"
    """A rule names a group of the far end's, and what carried the packet (translation, another Region) forgets groups."""
    ENI_SOURCE_DEST_CHECK_RESTRICTION = "ENI_SOURCE_DEST_CHECK_RESTRICTION"
    """A route leads to an interface that takes only what is addressed to it."""
    UNSUPPORTED_COMPONENT = "UNSUPPORTED_COMPONENT"
    """The packet reaches an appliance that forwards; Casemate does not model what its software does."""
    PCX_REQUIRES_ADDRESS_IN_VPC_CIDR = "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"
    """Peering is not transitive: only addresses of the peer VPC itself lie behind it."""
    UNKNOWN_DESTINATION = "UNKNOWN_DESTINATION"
    """A private address that no interface has."""
    CANNOT_ROUTE = "CANNOT_ROUTE"
    """The target of the route cannot carry that destination."""
    NO_POSSIBLE_DESTINATION = "NO_POSSIBLE_DESTINATION"
    """A private address from outside every VPC."""
    NO_SOURCE_OR_DESTINATION = "NO_SOURCE_OR_DESTINATION"
    """The source interface (or its subnet) is not in the snapshot."""
    NO_PATH = "NO_PATH"
    """The source sends nothing of its own accord: a NAT gateway."""
    CM_NAT_GATEWAY_INGRESS = "CM_NAT_GATEWAY_INGRESS"
    """A NAT gateway accepts no connection at an address of its own."""
    CM_LAMBDA_INGRESS = "CM_LAMBDA_INGRESS"
    """Lambda accepts no inbound connection: its interface carries what functions begin, and the answers."""
    CM_NAME_NOT_RESOLVED = "CM_NAME_NOT_RESOLVED"
    """DNS gave no address: the resolver is off, or the name does not exist."""
    CM_NO_IPV6_ADDRESS = "CM_NO_IPV6_ADDRESS"
    """The destination is an IPv6 address, and the sender has none of its own: its system finds no route."""
    CM_EGRESS_ONLY = "CM_EGRESS_ONLY"
    """An egress-only internet gateway lets nothing in that was not asked for from inside."""
    CM_RETURN_PATH = "CM_RETURN_PATH"
    """The request arrives; the answer has no way back."""
    CM_FAULT = "CM_FAULT"
    """A fault that somebody asked for (`casemate fault`) takes out what the packet meets."""
    CM_PORT_CLOSED = "CM_PORT_CLOSED"
    """Refused, not dropped: the far end is reached and nothing listens on that port."""


class Hop(Struct, frozen=True, kw_only=True):
    """One thing the packet met."""

    kind: HopKind
    component: str
    """Id of the component (`sg-...`, `acl-...`, `rtb-...`, `vpce-...`, `eni-...`, a service name)."""
    passed: bool
    matched: str = ""
    """The rule or route that decided, in words: `egress tcp 443 to pl-4ca54025`, `pl-4ca54025 -> vpce-...`."""
    lost: tuple[str, ...] = ()
    """What also matched, or nearly did, and lost."""
    returning: bool = False
    """Met by the answer on its way back."""
    rule: Route | NetworkAclEntry | SecurityGroupRule | None = None
    """What `matched` says in words; None when nothing matched, or where nothing is matched."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What becomes of a flow."""

    outcome: Outcome
    hops: tuple[Hop, ...]
    reason: ReasonCode | None = None
    """None when reached."""
    explanation: str = ""
    """One sentence with the cause, naming ids; empty when reached."""
    remedy: str = ""
    """The smallest change that mends it; empty when reached."""
    source_seen: Address | None = None
    """The source address the far end sees; None when the packet never arrives. Set when only the answer is lost."""
    via_endpoint: str | None = None
    """The VPC endpoint the packet passed."""
    destination_interface: str | None = None
    """The interface that received it, when it is one of ours."""
