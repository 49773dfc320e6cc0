"""A compact notation for networks, so that a case table reads like a drawing. See `tests/conformance/reachability`.

    {"vpc-a": {"cidr": "10.0.0.0/16", "igw": "igw-a",
      "tables": {"rtb-private": ["pl-4ca54025 -> vpce-ddb", "0.0.0.0/0 -> nat-1", "10.9.0.0/16 -> pcx-1 blackhole"]},
      "subnets": {"subnet-a": "10.0.1.0/24 rtb-private acl-strict"},
      "groups": {"sg-f": ["out tcp 443 pl-4ca54025", "in icmp 8 sg-x", "in tcp 1-100 10.0.0.0/8", "out all 0.0.0.0/0"]},
      "acls": {"acl-strict": ["in 100 allow tcp 1024-65535 0.0.0.0/0", "out 100 deny all 10.0.0.0/8"]},
      "interfaces": {"eni-f": "lambda subnet-a 10.0.1.5 sg-f",
                     "eni-w": "interface subnet-a 10.0.1.6,10.0.1.7 sg-a,sg-b public=18.160.0.9 nocheck",
                     "eni-x": "interface subnet-a 10.0.1.8 sg-a host=eni-w/1"},
      "nats": {"nat-1": "subnet-a 10.0.1.9 18.160.0.1", "nat-2": "subnet-a 10.0.1.10 private down"},
      "endpoints": {"vpce-ddb": "gateway dynamodb", "vpce-kms": "interface kms eni-kms private-dns down"},
      "faults": ["az-outage us-east-2-a", "nat-failure nat-1", "endpoint-down vpce-ddb"]},
     "peerings": {"pcx-1": "vpc-a vpc-b", "pcx-2": "vpc-a vpc-c inactive requester-dns"},
     "prefix_lists": {"pl-mine": "10.0.5.0/24 198.51.100.0/24"}}

IPv6: `"cidr6": "2600:1f00:0:100::/56"` and `"eigws": ["eigw-a"]` of a VPC, `six=2600:1f00:0:100::/64` of a subnet,
`six=2600:1f00:0:100::5` of an interface; routes, rules, entries and prefix lists may name IPv6 ranges.

Local routes are added to every table. A subnet without an ACL gets the VPC's default one, which allows everything.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

from casemate.model.faults import Fault, FaultKind
from casemate.model.network import (
    ALL_PORTS,
    ALL_PROTOCOLS,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    EndpointKind,
    GroupRef,
    IcmpType,
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
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    TargetKind,
    VpcEndpoint,
    VpcSnapshot,
)
from casemate.model.regions import SERVICE_PREFIX_LISTS

AWS_PREFIX_LISTS = {
    listed.prefix_list_id: PrefixList(
        prefix_list_id=listed.prefix_list_id,
        name=listed.name,
        cidrs=tuple(listed.cidrs),
        max_entries=len(listed.cidrs),
        aws_managed=True,
    )
    for listed in SERVICE_PREFIX_LISTS.values()
}
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMPV6, "all": ALL_PROTOCOLS}


def merged(base: Any, patch: Any) -> Any:
    """RFC 7396 merge patch: null deletes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def build(network: dict[str, Any], *, generation: int = 1) -> NetworkSnapshot:
    """The snapshot that the notation describes."""
    peerings = {
        peering_id: PeeringConnection(
            peering_id=peering_id,
            requester_vpc=text.split()[0],
            accepter_vpc=text.split()[1],
            active="inactive" not in text.split(),
            requester_dns="requester-dns" in text.split(),
            accepter_dns="accepter-dns" in text.split(),
        )
        for peering_id, text in network.get("peerings", {}).items()
    }
    prefix_lists = dict(AWS_PREFIX_LISTS)
    for list_id, text in network.get("prefix_lists", {}).items():
        cidrs = tuple(ip_network(cidr) for cidr in text.split())
        prefix_lists[list_id] = PrefixList(
            prefix_list_id=list_id, name=list_id, cidrs=cidrs, max_entries=len(cidrs) or 1
        )
    vpcs = {
        name: build_vpc(name, parts)
        for name, parts in network.items()
        if name not in ("peerings", "prefix_lists")
    }
    return NetworkSnapshot(generation=generation, vpcs=vpcs, prefix_lists=prefix_lists, peerings=peerings)


def build_vpc(vpc_id: str, parts: dict[str, Any]) -> VpcSnapshot:
    region = parts.get("region", "us-east-2")
    cidrs = tuple(IPv4Network(cidr) for cidr in parts.get("cidr", "10.0.0.0/16").split())
    cidrs_6 = tuple(IPv6Network(cidr) for cidr in parts.get("cidr6", "").split())
    default_acl = f"acl-{vpc_id}"
    acls = {
        default_acl: [
            "in 100 allow all 0.0.0.0/0",
            "out 100 allow all 0.0.0.0/0",
            "in 101 allow all ::/0",
            "out 101 allow all ::/0",
        ],
        **parts.get("acls", {}),
    }
    tables = parts.get("tables", {"rtb-main": []})
    nats = {name: _nat(vpc_id, name, text) for name, text in parts.get("nats", {}).items()}
    interfaces = {name: _interface(vpc_id, name, text) for name, text in parts.get("interfaces", {}).items()}
    for nat in nats.values():
        interfaces[nat.interface_id] = NetworkInterface(
            interface_id=nat.interface_id,
            vpc_id=vpc_id,
            subnet_id=nat.subnet_id,
            kind=InterfaceKind.NAT_GATEWAY,
            address=nat.private,
            public=nat.public,
            source_dest_check=False,
            owner=nat.nat_gateway_id,
        )
    return VpcSnapshot(
        vpc_id=vpc_id,
        account=parts.get("account", "000000000000"),
        region=region,
        cidrs=cidrs,
        dns_support=parts.get("dns_support", True),
        dns_hostnames=parts.get("dns_hostnames", True),
        ipv6_cidrs=cidrs_6,
        internet_gateway_id=parts.get("igw"),
        egress_only_gateways=tuple(sorted(parts.get("eigws", ()))),
        subnets={name: _subnet(vpc_id, name, text, region, default_acl) for name, text in parts.get("subnets", {}).items()},
        route_tables={
            name: RouteTable(
                route_table_id=name,
                vpc_id=vpc_id,
                is_main=name == "rtb-main",
                routes=tuple(
                    [Route(destination=cidr, target=TargetKind.LOCAL, target_id="local") for cidr in (*cidrs, *cidrs_6)]
                    + [route(text) for text in routes]
                ),
            )
            for name, routes in tables.items()
        },
        acls={
            name: NetworkAcl(
                acl_id=name, vpc_id=vpc_id, is_default=name == default_acl, entries=acl_entries(entries)
            )
            for name, entries in acls.items()
        },
        groups={
            name: SecurityGroup(
                group_id=name,
                name=name,
                vpc_id=vpc_id,
                rules=tuple(group_rule(text, f"sgr-{name}-{n}") for n, text in enumerate(rules)),
            )
            for name, rules in parts.get("groups", {}).items()
        },
        interfaces=interfaces,
        nat_gateways=nats,
        endpoints={
            name: _endpoint(vpc_id, name, text, parts, region)
            for name, text in parts.get("endpoints", {}).items()
        },
        faults=tuple(
            Fault(fault_id=f"fault-{number}", kind=FaultKind(text.split()[0]), target=text.split()[1])
            for number, text in enumerate(parts.get("faults", []), 1)
        ),
    )  # fmt: skip


_TARGETS = {kind.value: kind for kind in TargetKind}


def route(text: str) -> Route:
    """`0.0.0.0/0 -> igw-1`, `pl-x -> vpce-y`, `10.1.0.0/16 -> pcx-1 blackhole`."""
    destination, target, *flags = text.replace("->", " ").split()
    return Route(
        destination=PrefixListRef(prefix_list_id=destination)
        if destination.startswith("pl-")
        else ip_network(destination),
        target=_TARGETS[target.split("-")[0]],
        target_id=target,
        blackhole="blackhole" in flags,
    )


def _traffic(words: list[str]) -> tuple[int, PortRange, IcmpType]:
    """`tcp 443`, `tcp 1-100`, `udp`, `icmp 8`, `all`; consumes the words it reads."""
    name = words.pop(0)
    protocol = PROTOCOLS[name] if name in PROTOCOLS else int(name)
    ports, icmp = ALL_PORTS, IcmpType()
    if words and not {".", ":"} & set(words[0]) and words[0][0].isdigit():
        number = words.pop(0)
        if protocol in (ICMP, ICMPV6):
            icmp = IcmpType(type=int(number))
        else:
            first, _, last = number.partition("-")
            ports = PortRange(first=int(first), last=int(last or first))
    return protocol, ports, icmp


def group_rule(text: str, rule_id: str = "sgr-1") -> SecurityGroupRule:
    """`out tcp 443 pl-4ca54025`, `in all sg-x`, `in icmp 8 0.0.0.0/0`."""
    direction, *words = text.split()
    protocol, ports, icmp = _traffic(words)
    (peer,) = words
    return SecurityGroupRule(
        rule_id=rule_id,
        egress=direction == "out",
        protocol=protocol,
        ports=ports,
        icmp=icmp,
        peer=GroupRef(group_id=peer)
        if peer.startswith("sg-")
        else PrefixListRef(prefix_list_id=peer)
        if peer.startswith("pl-")
        else ip_network(peer),
    )


def acl_entries(texts: list[str]) -> tuple[NetworkAclEntry, ...]:
    """`in 100 allow tcp 443 0.0.0.0/0`; the closing denies are added."""
    entries: list[NetworkAclEntry] = []
    closing = ["in 32767 deny all 0.0.0.0/0", "out 32767 deny all 0.0.0.0/0"]
    closing += ["in 32768 deny all ::/0", "out 32768 deny all ::/0"]
    for text in [*texts, *closing]:
        direction, number, action, *words = text.split()
        protocol, ports, icmp = _traffic(words)
        (cidr,) = words
        entries.append(
            NetworkAclEntry(
                number=int(number),
                egress=direction == "out",
                allow=action == "allow",
                protocol=protocol,
                cidr=ip_network(cidr),
                ports=ports,
                icmp=icmp,
            )
        )
    return tuple(sorted(entries, key=lambda entry: (entry.egress, entry.number)))


def _subnet(vpc_id: str, name: str, text: str, region: str, default_acl: str) -> Subnet:
    cidr, table, *rest = text.split()
    zone = next((word.removeprefix("zone=") for word in rest if word.startswith("zone=")), "a")
    acl = next((word for word in rest if word.startswith("acl-")), default_acl)
    six = next((word.removeprefix("six=") for word in rest if word.startswith("six=")), "")
    return Subnet(
        subnet_id=name,
        vpc_id=vpc_id,
        cidr=IPv4Network(cidr),
        zone=region + zone,
        zone_id=f"{region}-{zone}",
        route_table_id=table,
        explicit_association=table != "rtb-main",
        acl_id=acl,
        ipv6_cidr=IPv6Network(six) if six else None,
    )


_KINDS = {
    "lambda": InterfaceKind.LAMBDA,
    "interface": InterfaceKind.INTERFACE,
    "endpoint": InterfaceKind.VPC_ENDPOINT,
}


def _interface(vpc_id: str, name: str, text: str) -> NetworkInterface:
    kind, subnet, addresses, *rest = text.split()
    primary, *secondary = addresses.split(",")
    public = next((word.removeprefix("public=") for word in rest if word.startswith("public=")), None)
    groups = next((word for word in rest if word.startswith("sg-")), "")
    six = next((word.removeprefix("six=") for word in rest if word.startswith("six=")), "")
    place = next((word.removeprefix("host=") for word in rest if word.startswith("host=")), "/0")
    host, index = place.split("/")
    return NetworkInterface(
        interface_id=name,
        vpc_id=vpc_id,
        subnet_id=subnet,
        kind=_KINDS[kind],
        address=IPv4Address(primary),
        secondary=tuple(IPv4Address(address) for address in secondary),
        groups=tuple(groups.split(",")) if groups else (),
        public=IPv4Address(public) if public else None,
        source_dest_check="nocheck" not in rest,
        ipv6=tuple(map(IPv6Address, six.split(","))) if six else (),
        host=host,
        device_index=int(index),
    )


def _nat(vpc_id: str, name: str, text: str) -> NatGateway:
    subnet, private, public, *rest = text.split()
    return NatGateway(
        nat_gateway_id=name,
        vpc_id=vpc_id,
        subnet_id=subnet,
        interface_id=f"eni-{name}",
        private=IPv4Address(private),
        public=None if public == "private" else IPv4Address(public),
        available="down" not in rest,
    )


def _endpoint(vpc_id: str, name: str, text: str, parts: dict[str, Any], region: str) -> VpcEndpoint:
    kind, service, *rest = text.split()
    gateway = kind == "gateway"
    service_region = next(
        (word.removeprefix("region=") for word in rest if word.startswith("region=")), region
    )
    listed = SERVICE_PREFIX_LISTS.get((service, service_region))
    interface_ids = tuple(word for word in rest if word.startswith("eni-"))
    regional = f"{name}-abcdefgh.{service}.{service_region}.vpce.amazonaws.com"
    zones = sorted({
        next((w.removeprefix("zone=") for w in parts["subnets"][subnet].split() if w.startswith("zone=")), "a")
        for subnet in (parts["interfaces"][interface_id].split()[1] for interface_id in interface_ids)
    })  # fmt: skip
    zonal = [regional.replace("-abcdefgh", f"-abcdefgh-{service_region}{zone}", 1) for zone in zones]
    return VpcEndpoint(
        endpoint_id=name,
        vpc_id=vpc_id,
        account=parts.get("account", "000000000000"),
        kind=EndpointKind.GATEWAY if gateway else EndpointKind.INTERFACE,
        service_name=f"com.amazonaws.{service_region}.{service}",
        service=service,
        service_region=service_region,
        prefix_list_id=listed.prefix_list_id if gateway and listed else None,
        route_table_ids=tuple(
            table
            for table, routes in parts.get("tables", {}).items()
            if gateway and any(name in text.split() for text in routes)
        ),
        interface_ids=interface_ids,
        private_dns="private-dns" in rest,
        dns_names=() if gateway else (regional, *zonal),
        available="down" not in rest,
    )
