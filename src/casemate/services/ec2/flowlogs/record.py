"""One flow log record: a line of the fields that the log's format names.

Source: VPC User Guide, "Flow log records", the table of available fields with their versions. A field that does not
apply, or that Casemate cannot know, is `-`, as there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from casemate.model.flows import FlowKey
from casemate.model.network import Address, NetworkInterface, NetworkSnapshot, TargetKind, VpcSnapshot
from casemate.model.regions import SERVICE_PREFIX_LISTS
from casemate.reachability.index import vpc_index
from casemate.reachability.numbers import number

FIELD = re.compile(r"\$\{([a-z0-9-]+)\}")
VERSIONS = {
    **dict.fromkeys(
        ("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets",
         "bytes", "start", "end", "action", "log-status"), 2,
    ),
    **dict.fromkeys(
        ("vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr"), 3
    ),
    **dict.fromkeys(("region", "az-id", "sublocation-type", "sublocation-id"), 4),
    **dict.fromkeys(("pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "traffic-path"), 5),
    **dict.fromkeys(
        ("ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn", "ecs-container-instance-id",
         "ecs-container-id", "ecs-second-container-id", "ecs-service-name", "ecs-task-definition-arn", "ecs-task-arn",
         "ecs-task-id"), 7,
    ),
    "reject-reason": 8,
    "resource-id": 9,
    "encryption-status": 10,
}  # fmt: skip
"""Every field, with the version that brought it."""
_REPORTED_FLAGS = 0x17
"""FIN, SYN, RST and ACK: "The bitmask value for the following TCP flags"."""
_FIN_SYN_RST, _SYN = 0x07, 0x02
NOTHING = "-"


class Traffic(Struct, frozen=True, kw_only=True):
    """What of one flow was seen within one window."""

    key: FlowKey
    packets: int
    bytes: int
    start: int
    """Seconds since the epoch."""
    end: int
    tcp_flags: int


class Scene(Struct, frozen=True, kw_only=True):
    """Where the interface of a record is."""

    network: NetworkSnapshot
    vpc: VpcSnapshot
    interface: NetworkInterface


def line(template: str, scene: Scene, traffic: Traffic) -> str:
    """The record of a flow."""
    return _filled(template, scene, lambda name: _OF_TRAFFIC[name](scene, traffic), status="OK")


def no_data(template: str, scene: Scene, *, start: int, end: int) -> str:
    """NODATA: "There was no network traffic to or from the network interface during the aggregation interval"."""
    window = {"start": str(start), "end": str(end)}
    return _filled(template, scene, lambda name: window.get(name, NOTHING), status="NODATA")


def _filled(template: str, scene: Scene, of_traffic: Callable[[str], str], *, status: str) -> str:
    names = FIELD.findall(template)
    version = str(max(VERSIONS[name] for name in names))

    def value(name: str) -> str:
        if name == "version":
            return version
        if name == "log-status":
            return status
        if name in _OF_SCENE:
            return _OF_SCENE[name](scene)
        return of_traffic(name) if name in _OF_TRAFFIC else NOTHING

    return " ".join(value(name) for name in names)


def _zone(scene: Scene) -> str:
    subnet = scene.vpc.subnets.get(scene.interface.subnet_id)
    return subnet.zone_id if subnet else NOTHING


_OF_SCENE: dict[str, Callable[[Scene], str]] = {
    "account-id": lambda scene: scene.vpc.account,
    "interface-id": lambda scene: scene.interface.interface_id,
    "vpc-id": lambda scene: scene.vpc.vpc_id,
    "subnet-id": lambda scene: scene.interface.subnet_id,
    "instance-id": lambda scene: scene.interface.owner if scene.interface.owner.startswith("i-") else NOTHING,
    "region": lambda scene: scene.vpc.region,
    "az-id": _zone,
}


def _own(scene: Scene, address: Address) -> str:
    """Of what an interface only passes on, too, its own address: "always its private IPv4 address"; or an IPv6 one."""
    interface = scene.interface
    if address.version == 6:
        return str(interface.ipv6[0] if interface.ipv6 and address not in interface.ipv6 else address)
    return str(address if address in interface.secondary else interface.address)


def _source(scene: Scene, traffic: Traffic) -> str:
    key = traffic.key
    return _own(scene, key.source) if key.egress else str(key.source)


def _destination(scene: Scene, traffic: Traffic) -> str:
    key = traffic.key
    return str(key.destination) if key.egress else _own(scene, key.destination)


def _service(address: Address) -> str:
    for listed in SERVICE_PREFIX_LISTS.values():
        if any(address in cidr for cidr in listed.cidrs):
            return listed.service.upper()
    return NOTHING


_PATHS = {
    TargetKind.LOCAL: "1",
    TargetKind.PEERING: "4",
    TargetKind.GATEWAY_ENDPOINT: "7",
    TargetKind.INTERNET_GATEWAY: "8",
}
"""As numbered there: "1: Through another resource in the same VPC, including resources that create a network interface", "4: ... an
intra-region VPC peering connection", "7: ... a gateway VPC endpoint (Nitro-based instances only)", "8: ... an internet
gateway (Nitro-based instances only)"; everything here counts as Nitro."""


def _path(scene: Scene, traffic: Traffic) -> str:
    """For egress alone: "The path that egress traffic takes to the destination"."""
    subnet = scene.vpc.subnets.get(scene.interface.subnet_id)
    if not traffic.key.egress or subnet is None:
        return NOTHING
    table = vpc_index(scene.vpc, scene.network.prefix_lists).table(subnet.route_table_id)
    entry = table.lookup(number(traffic.key.destination)).entry
    if entry is None:
        return NOTHING
    # A NAT gateway is "another resource in the same VPC".
    return _PATHS.get(entry.route.target, "1" if entry.route.target is TargetKind.NAT_GATEWAY else NOTHING)


def _flags(_: Scene, traffic: Traffic) -> str:
    """FIN, SYN and RST; "ACK is reported only when it's accompanied with SYN"."""
    flags = traffic.tcp_flags & _REPORTED_FLAGS
    return str(flags if flags & _SYN else flags & _FIN_SYN_RST)


_OF_TRAFFIC: dict[str, Callable[[Scene, Traffic], str]] = {
    "srcaddr": _source,
    "dstaddr": _destination,
    "srcport": lambda _, traffic: str(traffic.key.source_port),
    "dstport": lambda _, traffic: str(traffic.key.destination_port),
    "protocol": lambda _, traffic: str(traffic.key.protocol),
    "packets": lambda _, traffic: str(traffic.packets),
    "bytes": lambda _, traffic: str(traffic.bytes),
    "start": lambda _, traffic: str(traffic.start),
    "end": lambda _, traffic: str(traffic.end),
    "action": lambda _, traffic: "ACCEPT" if traffic.key.accepted else "REJECT",
    "tcp-flags": _flags,
    "type": lambda _, traffic: f"IPv{traffic.key.source.version}",
    "pkt-srcaddr": lambda _, traffic: str(traffic.key.source),
    "pkt-dstaddr": lambda _, traffic: str(traffic.key.destination),
    "pkt-src-aws-service": lambda _, traffic: _service(traffic.key.source),
    "pkt-dst-aws-service": lambda _, traffic: _service(traffic.key.destination),
    "flow-direction": lambda _, traffic: "egress" if traffic.key.egress else "ingress",
    "traffic-path": _path,
}
