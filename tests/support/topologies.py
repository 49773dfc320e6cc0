"""Random networks and flows from a seeded generator, for properties and for the differential test against the kernel.

    topology = random_topology(random.Random(7), flows=50)
    for flow in topology.flows:
        reach(topology.snapshot, flow)

What AWS would refuse to create does not appear: addresses are unique and usable, endpoint routes are those of existing
endpoints, public addresses come from the Region's pool. Flows keep to what is observable from outside: UDP goes only
where something is known to answer it, interface endpoints get TCP only, source ports are not reused within a topology,
and no flow is sent to a NAT gateway's own address or to the sender itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import count
from random import Random
from typing import Any

from casemate.model.network import ICMP, TCP, UDP, InterfaceKind, NetworkInterface, NetworkSnapshot
from casemate.model.regions import SERVICE_PREFIX_LISTS, public_pool, service_address
from casemate.reachability.verdict import Flow, FromInterface, FromInternet, Source
from tests.support.dual_stack import add_ipv6, ipv6_ends
from tests.support.networks import build

REGION, OTHER_REGION = "us-east-2", "eu-west-1"
INTERNET_HOSTS = (IPv4Address("203.0.113.7"), IPv4Address("8.8.8.8"), IPv4Address("198.51.100.20"))
_PORTS = (443, 443, 80, 5432)
_LISTS = [SERVICE_PREFIX_LISTS[service, REGION].prefix_list_id for service in ("dynamodb", "s3")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """What may appear. Turn off what an implementation under test does not have."""

    peering: bool = False
    """A second VPC, peered, with routes and group references across."""
    secondary: bool = True
    """Interfaces with a secondary private address."""
    private_nat: bool = False
    blackholes: bool = True
    public_targets: bool = False
    """Flows from interfaces to public addresses of interfaces."""
    inbound: bool = False
    """Flows from the internet to public addresses."""
    interface_endpoints: bool = True
    chain: bool = False
    """With peering: a third VPC, peered with the second alone, sometimes in another Region or without workloads."""
    dead_ends: bool = False
    """Routes that AWS takes and that lead nowhere: the default over a peering connection, to an interface, a NAT gateway
    in a subnet of its own clients."""
    faults: bool = False
    """Zones, NAT gateways and endpoints that somebody has taken out."""
    ipv6: bool = False
    """Dual-stack subnets and interfaces, egress-only gateways, and flows to IPv6 addresses."""
    machines: bool = False
    """Instances with interfaces beside their primary one, in one subnet with it or in several of its zone."""


DEFAULT_FEATURES = Features()


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """A network, and flows to try on it. `notation` is the drawing it was built from, for failure messages."""

    snapshot: NetworkSnapshot
    flows: tuple[Flow, ...]
    notation: dict[str, Any]


def random_topology(rng: Random, *, flows: int = 40, features: Features = DEFAULT_FEATURES) -> Topology:
    """A network of one VPC (two with peering, three with a chain) and `flows` flows."""
    pool = iter(public_pool(REGION).hosts())
    notation: dict[str, Any] = {
        "vpc-a": _vpc(rng, "a", IPv4Network("10.0.0.0/16"), pool, features),
        "prefix_lists": {"pl-mine": "10.0.1.0/24 10.0.2.0/25 203.0.113.0/24"},
    }
    if features.peering:
        notation["vpc-b"] = _vpc(rng, "b", IPv4Network("10.1.0.0/16"), pool, features)
        notation["peerings"] = {}
        _peer(rng, notation, "a", "b", features)
        if features.chain:
            region = rng.choice((REGION, REGION, OTHER_REGION))
            notation["vpc-c"] = _vpc(rng, "c", IPv4Network("10.2.0.0/16"), pool, features, region)
            if rng.random() < 0.15:
                _without_workloads(notation["vpc-c"])
            _peer(rng, notation, "b", "c", features)
    if features.faults:
        for vpc in [value for name, value in notation.items() if name.startswith("vpc-")]:
            vpc["faults"] = _faults(rng, vpc)
    if features.ipv6:
        add_ipv6(rng, notation)
    snapshot = build(notation)
    return Topology(snapshot=snapshot, flows=_flows(rng, snapshot, flows, features), notation=notation)


def _faults(rng: Random, vpc: dict[str, Any]) -> list[str]:
    """Seldom a zone, which takes most of a network along."""
    zones = [f"az-outage {vpc['region']}-{zone}" for zone in "abc" if rng.random() < 0.06]
    gateways = [f"nat-failure {nat}" for nat in vpc["nats"] if rng.random() < 0.25]
    return zones + gateways + [f"endpoint-down {one}" for one in vpc["endpoints"] if rng.random() < 0.25]


def _peer(rng: Random, notation: dict[str, Any], one: str, other: str, features: Features) -> None:
    """A peering connection with most of the routes it needs, and rules that name groups across it."""
    peering = f"pcx-{one}{other}"
    notation["peerings"][peering] = f"vpc-{one} vpc-{other}" + (" inactive" if rng.random() < 0.1 else "")
    for here, there in ((one, other), (other, one)):
        cidr = notation[f"vpc-{there}"]["cidr"]
        for routes in notation[f"vpc-{here}"]["tables"].values():
            if rng.random() < 0.85:
                routes.append(f"{cidr} -> {peering}")
            if features.dead_ends and rng.random() < 0.15:
                # Over the peering connection and further: not transitive, no edge-to-edge routing.
                beyond = ["10.0.0.0/8", *_LISTS]
                if not any(route.startswith("0.0.0.0/0") for route in routes):
                    beyond.append("0.0.0.0/0")
                taken = {route.split()[0] for route in routes}
                if chosen := [each for each in beyond if each not in taken]:
                    routes.append(f"{rng.choice(chosen)} -> {peering}")
        for rules in notation[f"vpc-{here}"]["groups"].values():
            if rng.random() < 0.7:
                named = rng.choice(sorted(notation[f"vpc-{there}"]["groups"]))
                rules.append(
                    f"{rng.choice(('in', 'in', 'out'))} {rng.choice(('tcp', 'all', 'icmp'))} {named}"
                )


def _without_workloads(vpc: dict[str, Any]) -> None:
    """Only the interfaces of endpoints are left."""
    kept = {name: text for name, text in vpc["interfaces"].items() if text.startswith("endpoint")}
    vpc["interfaces"] = kept


def _vpc(
    rng: Random, name: str, cidr: IPv4Network, pool: Any, features: Features, region: str = REGION
) -> dict[str, Any]:
    blocks = list(cidr.subnets(new_prefix=24))
    acls = {f"acl-{name}{n}": _acl(rng, cidr) for n in range(rng.randint(1, 3))}
    endpoints = {
        f"vpce-{name}{service}": f"gateway {service}" for service in ("dynamodb", "s3") if rng.random() < 0.75
    }
    nats = {f"nat-{name}": "private" if features.private_nat and rng.random() < 0.3 else str(next(pool))}
    tables = {"rtb-main": [], f"rtb-{name}public": [f"0.0.0.0/0 -> igw-{name}"]}
    for n in range(rng.randint(1, 3)):
        tables[f"rtb-{name}{n}"] = _routes(rng, name, features, region)
    for table, routes in tables.items():
        for endpoint in endpoints:
            if rng.random() < (0.15 if table.endswith("public") else 0.5):
                service = endpoint.removeprefix(f"vpce-{name}")
                routes.append(f"{SERVICE_PREFIX_LISTS[service, region].prefix_list_id} -> {endpoint}")
    subnets: dict[str, str] = {}
    for n in range(rng.randint(2, 5)):
        table = f"rtb-{name}public" if n == 0 else rng.choice(sorted(tables))
        acl = rng.choice(["", "", *acls])
        subnets[f"subnet-{name}{n}"] = f"{blocks[n]} {table} {acl} zone={'abc'[n % 3]}"
    groups = {f"sg-{name}{n}": _group(rng, name, cidr, n) for n in range(rng.randint(1, 4))}
    # Groups may name groups that come after them; names that were never made are dropped.
    for rules in groups.values():
        rules[:] = [
            rule for rule in rules if not rule.split()[-1].startswith("sg-") or rule.split()[-1] in groups
        ]
    interfaces, numbers = _interfaces(rng, name, subnets, groups, pool, features)
    if features.machines:
        _attach_further(rng, interfaces, subnets)
    subnet = f"subnet-{name}0"
    if features.dead_ends and rng.random() < 0.25:
        subnet = rng.choice(sorted(subnets))
    nats = {nat: f"{subnet} {_host(subnets[subnet], next(numbers))} {public}" for nat, public in nats.items()}
    for service in ("kms", "dynamodb") if features.interface_endpoints else ():
        if rng.random() < 0.5:
            continue
        group = rng.choice(sorted(groups))
        made = [f"eni-{name}{service}{n}" for n in range(rng.choice((1, 1, 2)))]
        for interface, subnet in zip(made, rng.sample(sorted(subnets), len(made)), strict=True):
            interfaces[interface] = f"endpoint {subnet} {_host(subnets[subnet], next(numbers))} {group}"
        endpoints[f"vpce-{name}{service}i"] = f"interface {service} {' '.join(made)}"
    if features.dead_ends and rng.random() < 0.3:
        appliance = rng.choice(
            [each for each, text in interfaces.items() if text.startswith("interface")] or [""]
        )
        if appliance:
            interfaces[appliance] += rng.choice((" nocheck", ""))
            table = tables[rng.choice(sorted(tables))]
            table.append(f"198.51.100.0/24 -> {appliance}")
    return {
        "cidr": str(cidr), "region": region, "igw": f"igw-{name}", "tables": tables, "subnets": subnets,
        "groups": groups, "acls": acls, "interfaces": interfaces, "nats": nats, "endpoints": endpoints,
        "dns_support": rng.random() < 0.9,
    }  # fmt: skip


def _routes(rng: Random, name: str, features: Features, region: str) -> list[str]:
    routes: list[str] = []
    default = rng.choice(["", f"nat-{name}", f"nat-{name}", f"nat-{name}", f"igw-{name}"])
    if default:
        routes.append(f"0.0.0.0/0 -> {default}")
    if features.blackholes and rng.random() < 0.25:
        routes.append(
            f"{rng.choice(['8.8.0.0/16', '203.0.113.7/32', '203.0.113.0/25'])} -> nat-gone blackhole"
        )
    if features.dead_ends and rng.random() < 0.25:
        # The same destination as one of a prefix list: the static route goes first.
        listed = SERVICE_PREFIX_LISTS[rng.choice(("dynamodb", "dynamodb", "s3")), region].cidrs
        target = rng.choice((f"nat-{name}", f"igw-{name}", "nat-gone blackhole"))
        routes += [f"{cidr} -> {target}" for cidr in listed if isinstance(cidr, IPv4Network)]
    elif features.blackholes and rng.random() < 0.05:
        routes.append("52.94.4.0/24 -> nat-gone blackhole")
    if rng.random() < 0.15:
        routes.append(f"203.0.113.0/24 -> {rng.choice(['igw', 'nat'])}-{name}")
    return routes


def _host(subnet: str, number: int) -> str:
    return str(IPv4Network(subnet.split(maxsplit=1)[0])[number])


def _interfaces(
    rng: Random,
    name: str,
    subnets: dict[str, str],
    groups: dict[str, list[str]],
    pool: Any,
    features: Features,
) -> tuple[dict[str, str], Any]:
    numbers = count(10)
    interfaces: dict[str, str] = {}
    for subnet, text in subnets.items():
        for _ in range(rng.randint(1, 3)):
            kind = rng.choice(("lambda", "interface", "interface"))
            addresses = _host(text, next(numbers))
            if features.secondary and kind == "interface" and rng.random() < 0.35:
                addresses += "," + _host(text, next(numbers))
            chosen = rng.sample(sorted(groups), rng.randint(1, min(2, len(groups))))
            line = f"{kind} {subnet} {addresses} {','.join(chosen)}"
            if kind == "interface" and rng.random() < 0.55:
                line += f" public={next(pool)}"
            interfaces[f"eni-{name}{len(interfaces)}"] = line
    return interfaces, numbers


def _attach_further(rng: Random, interfaces: dict[str, str], subnets: dict[str, str]) -> None:
    """Some interfaces become further ones of the instance of another, in the same zone as AWS demands."""

    def zone(interface: str) -> str:
        return subnets[interfaces[interface].split()[1]].split()[-1]

    alone = [name for name, text in interfaces.items() if text.startswith("interface")]
    while len(alone) > 1 and rng.random() < 0.6:
        primary = alone.pop(rng.randrange(len(alone)))
        beside = [name for name in alone if zone(name) == zone(primary)][: rng.choice((1, 1, 2))]
        for index, name in enumerate(beside, 1):
            interfaces[name] += f" host={primary}/{index}"
            alone.remove(name)


def _traffic(rng: Random) -> str:
    return rng.choice(
        [
            "all",
            "all",
            "tcp 443",
            "tcp 443",
            "tcp 80-443",
            "tcp 5432",
            "tcp",
            "udp 53",
            "udp",
            "icmp",
            "icmp 8",
        ]
    )


def _group(rng: Random, name: str, cidr: IPv4Network, number: int) -> list[str]:
    blocks = [str(block) for block in list(cidr.subnets(new_prefix=24))[:5]]
    peers = [
        "0.0.0.0/0",
        str(cidr),
        *blocks,
        *_LISTS,
        "pl-mine",
        *(f"sg-{name}{n}" for n in range(4)),
        f"sg-{name}{number}",
    ]
    rules = [f"in {_traffic(rng)} {rng.choice(peers)}" for _ in range(rng.randint(0, 4))]
    if rng.random() < 0.4:
        rules.append(f"in all {rng.choice(['0.0.0.0/0', str(cidr)])}")
    if rng.random() < 0.65:
        rules.append("out all 0.0.0.0/0")
    else:
        rules += [f"out {_traffic(rng)} {rng.choice(peers)}" for _ in range(rng.randint(0, 4))]
    return rules


def _acl(rng: Random, cidr: IPv4Network) -> list[str]:
    blocks = [str(block) for block in list(cidr.subnets(new_prefix=24))[:4]]
    traffic = [
        "all",
        "tcp 443",
        "tcp 80-443",
        "tcp 1024-65535",
        "tcp 32768-61000",
        "udp",
        "icmp",
        "icmp 0",
        "icmp 8",
    ]
    entries: list[str] = []
    for direction in ("in", "out"):
        number = count(100, 10)
        for _ in range(rng.randint(0, 3)):
            action = rng.choice(("allow", "allow", "deny"))
            far = rng.choice(
                ["0.0.0.0/0", str(cidr), *blocks, "52.94.4.0/24", "35.71.102.0/24", f"{cidr[266]}/32"]
            )
            entries.append(f"{direction} {next(number)} {action} {rng.choice(traffic)} {far}")
        if rng.random() < 0.7:
            entries.append(f"{direction} {next(number)} allow all 0.0.0.0/0")
    return entries


# ---- Flows -----------------------------------------------------------------------------------------------------------


def _flows(rng: Random, snapshot: NetworkSnapshot, wanted: int, features: Features) -> tuple[Flow, ...]:
    everyone = [i for vpc in snapshot.vpcs.values() for i in vpc.interfaces.values()]
    senders = [i for i in everyone if i.kind in (InterfaceKind.INTERFACE, InterfaceKind.LAMBDA)]
    # A function's interface accepts nothing: seldom worth a flow.
    refusing = InterfaceKind.NAT_GATEWAY, InterfaceKind.LAMBDA
    receivers = [i for i in everyone if i.kind not in refusing]
    receivers += [i for i in everyone if i.kind is InterfaceKind.LAMBDA][:1] if rng.random() < 0.3 else []
    exposed = [i.public for i in receivers if i.public is not None]
    ports = iter(rng.sample(range(20000, 61000), wanted))
    flows: list[Flow] = []
    while len(flows) < wanted:
        if features.inbound and exposed and rng.random() < 0.2:
            source: Source = FromInternet(address=rng.choice(INTERNET_HOSTS))
            destination, protocols = rng.choice(exposed), (TCP, UDP, ICMP)
        elif features.ipv6 and rng.random() < 0.5:
            source, destination, protocols = ipv6_ends(rng, snapshot, senders)
        else:
            sender = rng.choice(senders)
            source = FromInterface(interface_id=sender.interface_id)
            destination, protocols = _destination(
                rng, snapshot, sender, receivers, exposed if features.public_targets else []
            )
            if destination in _own_addresses(sender, everyone):
                continue
        protocol = rng.choice([TCP, TCP, TCP, *protocols])
        port = rng.choice(_PORTS) if protocol == TCP else 53
        if destination in (vpc.resolver for vpc in snapshot.vpcs.values()):
            port = 53
        flows.append(
            Flow(
                source=source, destination=destination, protocol=protocol, port=port, source_port=next(ports)
            )
        )
    return tuple(flows)


def _own_addresses(sender: NetworkInterface, everyone: list[NetworkInterface]) -> set[IPv4Address]:
    """What the sender's machine has: a packet to one of these never leaves it."""
    machine = sender.host or sender.interface_id
    own = [each for each in everyone if machine in (each.interface_id, each.host)]
    return {
        address
        for each in own
        for address in (each.address, *each.secondary, each.public)
        if address is not None
    }


def _destination(
    rng: Random,
    snapshot: NetworkSnapshot,
    sender: NetworkInterface,
    receivers: list[NetworkInterface],
    exposed: list[IPv4Address],
) -> tuple[IPv4Address, tuple[int, ...]]:
    """An address, and the protocols whose fate there can be observed."""
    choice = rng.random()
    if choice < 0.5 and receivers:
        chosen = rng.choice(sorted(snapshot.vpcs))
        receiver = rng.choice([each for each in receivers if each.vpc_id == chosen] or receivers)
        if receiver.kind is InterfaceKind.VPC_ENDPOINT:
            return receiver.address, (TCP,)
        return rng.choice((receiver.address, *receiver.secondary)), (TCP, UDP, ICMP)
    if choice < 0.72:
        return service_address(rng.choice(("dynamodb", "dynamodb", "s3")), REGION), (TCP, ICMP)
    if choice < 0.77:
        return service_address("dynamodb", "eu-west-1"), (TCP, ICMP)
    if choice < 0.82:
        return service_address("kms", REGION), (TCP,)
    if choice < 0.9:
        return rng.choice(INTERNET_HOSTS), (TCP, UDP, ICMP)
    if choice < 0.93:
        return rng.choice(
            (IPv4Address("10.0.1.200"), IPv4Address("192.168.9.9"), IPv4Address("10.200.0.5"))
        ), (TCP, ICMP)
    if choice < 0.96 and exposed:
        return rng.choice(exposed), (TCP, UDP, ICMP)
    chosen = sender.vpc_id if rng.random() < 0.7 else rng.choice(sorted(snapshot.vpcs))
    return snapshot.vpcs[chosen].resolver, (UDP, TCP)
