"""IPv6 in random networks: added to a drawing of IPv4, so that the networks of a seed stay the same without it."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network
from random import Random
from typing import Any

from casemate.model.network import ICMP, TCP, UDP, Address, InterfaceKind, NetworkInterface, NetworkSnapshot
from casemate.model.regions import service_address_6
from casemate.reachability.verdict import FromInterface, FromInternet, Source

INTERNET_HOSTS_6 = (IPv6Address("2001:db8::7"), IPv6Address("2606:4700::1111"))
_TRAFFIC = (
    "all",
    "all",
    "tcp 443",
    "tcp 80-443",
    "tcp",
    "udp 53",
    "udp",
    "icmp6",
    "icmp6 128",
    "icmp",
    "tcp 5432",
)


def add_ipv6(rng: Random, notation: dict[str, Any]) -> None:
    """Blocks for most VPCs, addresses for most interfaces, routes and rules."""
    vpcs = {name: vpc for name, vpc in notation.items() if name.startswith("vpc-")}
    blocks = {
        name: IPv6Network(f"2600:1f00:{number}:100::/56")
        for number, name in enumerate(vpcs)
        if rng.random() < 0.9
    }
    notation["prefix_lists"]["pl-six"] = " ".join(
        ["2001:db8::/32", *(f"{block[0]}/60" for block in blocks.values())]
    )
    for name, block in blocks.items():
        _dual_stack(rng, name.removeprefix("vpc-"), vpcs[name], block)
    for peering, text in notation.get("peerings", {}).items():
        one, other = text.split()[:2]
        for here, there in ((one, other), (other, one)):
            if {here, there} <= blocks.keys():
                _peer(rng, vpcs[here], str(blocks[there]), peering)


def _peer(rng: Random, vpc: dict[str, Any], block: str, peering: str) -> None:
    for routes in vpc["tables"].values():
        if rng.random() < 0.7:
            routes.append(f"{block} -> {peering}")
        elif rng.random() < 0.1 and not any(route.startswith("::/0") for route in routes):
            routes.append(f"::/0 -> {peering}")


def _dual_stack(rng: Random, name: str, vpc: dict[str, Any], block: IPv6Network) -> None:
    vpc["cidr6"] = str(block)
    vpc["eigws"] = [f"eigw-{name}"] if rng.random() < 0.8 else []
    if rng.random() < 0.1:
        vpc["igw"] = None
    for routes in vpc["tables"].values():
        target = rng.choice(("", f"igw-{name}", f"igw-{name}", f"eigw-{name}", f"eigw-{name}", f"nat-{name}"))
        if target:
            routes.append(f"::/0 -> {target}")
        if rng.random() < 0.2:
            routes.append(f"pl-six -> {rng.choice((f'igw-{name}', f'eigw-{name}', 'eigw-gone blackhole'))}")
        if rng.random() < 0.15:
            routes.append(
                f"2001:db8::/48 -> {rng.choice((f'igw-{name}', f'eigw-{name}', 'igw-gone blackhole'))}"
            )
    six: dict[str, IPv6Network] = {}
    for number, subnet in enumerate(sorted(vpc["subnets"])):
        if rng.random() < 0.85:
            six[subnet] = list(block.subnets(new_prefix=64))[number]
            vpc["subnets"][subnet] += f" six={six[subnet]}"
    for interface, text in vpc["interfaces"].items():
        kind, subnet, address, *_ = text.split()
        if kind != "endpoint" and subnet in six and rng.random() < 0.85:
            host = int(IPv4Network(address.split(",", maxsplit=1)[0]).network_address) & 0xFF
            addresses = [str(six[subnet][host])] + (
                [str(six[subnet][host + 4096])] if rng.random() < 0.2 else []
            )
            vpc["interfaces"][interface] += f" six={','.join(addresses)}"
    _rules(rng, name, vpc, [str(block), *map(str, six.values())])


def _rules(rng: Random, name: str, vpc: dict[str, Any], blocks: list[str]) -> None:
    peers = ["::/0", "::/0", *blocks, "pl-six", *sorted(vpc["groups"])]
    for rules in vpc["groups"].values():
        if rng.random() < 0.5:
            rules.append("in all ::/0")
        rules += [f"in {rng.choice(_TRAFFIC)} {rng.choice(peers)}" for _ in range(rng.randint(0, 3))]
        if rng.random() < 0.65:
            rules.append("out all ::/0")
        else:
            rules += [f"out {rng.choice(_TRAFFIC)} {rng.choice(peers)}" for _ in range(rng.randint(0, 3))]
    traffic = ("all", "tcp 443", "tcp 80-443", "tcp 1024-65535", "udp", "icmp6", "icmp6 129", "icmp6 128")
    for entries in vpc["acls"].values():
        for direction in ("in", "out"):
            number = 1000
            for _ in range(rng.randint(0, 2)):
                number += 10
                far = rng.choice(["::/0", *blocks, "2001:db8::/32"])
                action = rng.choice(("allow", "allow", "deny"))
                entries.append(f"{direction} {number} {action} {rng.choice(traffic)} {far}")
            if rng.random() < 0.75:
                entries.append(f"{direction} 2000 allow all ::/0")


def ipv6_ends(
    rng: Random, snapshot: NetworkSnapshot, senders: list[NetworkInterface]
) -> tuple[Source, Address, tuple[int, ...]]:
    """Who asks, an IPv6 address, and the protocols whose fate there can be observed."""
    six = [
        address
        for vpc in snapshot.vpcs.values()
        for interface in vpc.interfaces.values()
        if interface.kind is InterfaceKind.INTERFACE
        for address in interface.ipv6
    ]
    functions = [each.ipv6[0] for each in senders if each.kind is InterfaceKind.LAMBDA and each.ipv6]
    every = (TCP, UDP, ICMP)
    if six and rng.random() < 0.3:
        host = rng.choice(INTERNET_HOSTS_6)
        target = rng.choice(functions) if functions and rng.random() < 0.1 else rng.choice(six)
        return FromInternet(address=host), target, every
    # A machine finds its other interfaces' addresses by itself, and sends from theirs what one without any would send.
    machines: dict[str, list[IPv6Address]] = {}
    for vpc in snapshot.vpcs.values():
        for each in vpc.interfaces.values():
            machines.setdefault(each.host or each.interface_id, []).extend(each.ipv6)
    fit = [each for each in senders if each.ipv6 or not machines[each.host or each.interface_id]]
    sender = rng.choice(fit or senders)
    source = FromInterface(interface_id=sender.interface_id)
    others = [address for address in six if address not in machines[sender.host or sender.interface_id]]
    choice = rng.random()
    if choice < 0.6 and others:
        return source, rng.choice(others), every
    if choice < 0.75:
        return source, service_address_6(rng.choice(("dynamodb", "kms")), "us-east-2"), (TCP,)
    if choice < 0.9:
        return source, rng.choice(INTERNET_HOSTS_6), every
    nobody = ("2600:1f00:0:100::dead", "2600:1f00:99:100::1", "fd12::1", "fd00:ec2::254")
    return source, IPv6Address(rng.choice(nobody)), (TCP, ICMP)
