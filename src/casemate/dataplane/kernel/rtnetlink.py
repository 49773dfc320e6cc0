"""The rtnetlink messages the data plane needs. Layouts: rtnetlink(7), linux/if_link.h, linux/fib_rules.h."""

from __future__ import annotations

import errno
import struct

from casemate.dataplane.kernel.netlink import ACK, CREATE, EXCLUSIVE, REPLACE, REQUEST, Message, attribute
from casemate.dataplane.plan.objects import (
    LOCAL,
    MAIN,
    Address,
    Delay,
    Neighbour,
    Route,
    RouteKind,
    RoutingRule,
)

_NEWLINK, _DELLINK, _GETLINK = 16, 17, 18
_NEWADDR, _DELADDR = 20, 21
_NEWROUTE, _DELROUTE = 24, 25
_NEWNEIGH, _DELNEIGH = 28, 29
_NEWRULE, _DELRULE = 32, 33
_NEWQDISC, _DELQDISC = 36, 37
_TC_ROOT, _TCA_KIND, _TCA_OPTIONS, _NETEM_LATENCY64 = 0xFFFFFFFF, 1, 2, 10
_DELAYED_PACKETS = 100_000
_IFF_UP = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 18, 28
_IFLA_EXT_MASK, _SKIP_STATISTICS = 29, 8
_IFA_F_NODAD, _IFA_F_NOPREFIXROUTE = 0x02, 0x200
_FAMILIES = {4: 2, 6: 10}
_NUD_PERMANENT = 0x80
_RTNH_F_ONLINK = 4
_ROUTE_TYPES = {RouteKind.UNICAST: 1, RouteKind.LOCAL: 2, RouteKind.BLACKHOLE: 6, RouteKind.THROW: 9}
_TABLES = {MAIN: 254, LOCAL: 255}
_GONE = frozenset({errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.EADDRNOTAVAIL})


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _link_header(index: int, *, up: bool) -> bytes:
    flag = _IFF_UP if up else 0
    return struct.pack("=BxHiII", 0, 0, index, flag, flag)


def new_veth(name: str, index: int, mac: str, peer: tuple[str, int, str, int]) -> Message:
    """A pair: (name, index, mac) here and up, and `peer` = (name, index, mac, namespace descriptor), still down.

    IFF_UP in the peer's description is refused with ENOTCONN: the peer is brought up from inside.
    """
    peer_name, peer_index, peer_mac, namespace = peer
    description = (
        _link_header(peer_index, up=False)
        + attribute(_IFLA_IFNAME, peer_name.encode() + b"\0")
        + attribute(_IFLA_ADDRESS, _mac(peer_mac))
        + attribute(_IFLA_NET_NS_FD, struct.pack("=I", namespace))
    )
    veth = attribute(1, b"veth\0") + attribute(2, attribute(1, description))
    payload = (
        _link_header(index, up=True)
        + attribute(_IFLA_IFNAME, name.encode() + b"\0")
        + attribute(_IFLA_ADDRESS, _mac(mac))
        + attribute(_IFLA_LINKINFO, veth)
    )
    return Message(
        type=_NEWLINK, flags=REQUEST | ACK | CREATE | EXCLUSIVE, payload=payload, about=f"link {name}"
    )


def link_up(index: int) -> Message:
    return Message(type=_NEWLINK, flags=REQUEST | ACK, payload=_link_header(index, up=True), about="link up")


def settle(index: int) -> Message:
    """Ask for the link: the answer waits until its queue is active, else the first packet may be lost for a second.

    Measured: 2.5 to 3 % of first connections without it, none of 500 with it (the kernel's linkwatch is asynchronous).
    """
    payload = _link_header(index, up=False) + attribute(_IFLA_EXT_MASK, struct.pack("=I", _SKIP_STATISTICS))
    return Message(type=_GETLINK, flags=REQUEST | ACK, payload=payload, about="settle")


def delete_link(index: int) -> Message:
    payload = _link_header(index, up=False)
    return Message(type=_DELLINK, flags=REQUEST | ACK, payload=payload, tolerate=_GONE, about="delete link")


def address(item: Address, index: int, *, delete: bool = False) -> Message:
    version = item.address.version
    payload = struct.pack("=BBBBI", _FAMILIES[version], item.address.max_prefixlen, 0, 0, index)
    payload += attribute(2, item.address.packed) + attribute(1, item.address.packed)
    if not delete:
        # Duplicates are impossible, and an address in doubt could not be used for a second.
        flags = _IFA_F_NOPREFIXROUTE | (_IFA_F_NODAD if version == 6 else 0)
        payload += attribute(8, struct.pack("=I", flags))
    return Message(
        type=_DELADDR if delete else _NEWADDR,
        flags=REQUEST | ACK | (0 if delete else CREATE | REPLACE),
        payload=payload,
        tolerate=_GONE if delete else frozenset(),
        about=f"address {item.address}",
    )


def neighbour(item: Neighbour, index: int, *, delete: bool = False) -> Message:
    family = _FAMILIES[item.address.version]
    payload = struct.pack("=BxHiHBB", family, 0, index, _NUD_PERMANENT, 0, 0)
    payload += attribute(1, item.address.packed) + attribute(2, _mac(item.mac))
    return Message(
        type=_DELNEIGH if delete else _NEWNEIGH,
        flags=REQUEST | ACK | (0 if delete else CREATE | REPLACE),
        payload=payload,
        tolerate=_GONE if delete else frozenset(),
        about=f"neighbour {item.address}",
    )


def route(item: Route, table: int, index: int | None, *, delete: bool = False) -> Message:
    """Add or replace; or delete, only if it leads where `item` says."""
    if item.kind is RouteKind.LOCAL:
        scope = 254
    else:
        scope = 253 if item.kind is RouteKind.UNICAST and item.via is None else 0
    flags = _RTNH_F_ONLINK if item.via is not None else 0
    kind = _ROUTE_TYPES[item.kind]
    prefix = item.destination.prefixlen
    family = _FAMILIES[item.destination.version]
    payload = struct.pack(
        "=BBBBBBBBI", family, prefix, 0, 0, table if table < 256 else 252, 3, scope, kind, flags
    )
    payload += attribute(15, struct.pack("=I", table))
    if prefix:
        payload += attribute(1, item.destination.network_address.packed)
    if index is not None:
        payload += attribute(4, struct.pack("=I", index))
    if item.via is not None:
        payload += attribute(5, item.via.packed)
    return Message(
        type=_DELROUTE if delete else _NEWROUTE,
        flags=REQUEST | ACK | (0 if delete else CREATE | REPLACE),
        payload=payload,
        tolerate=_GONE if delete else frozenset(),
        about=f"route {item.destination} table {item.table}",
    )


def rule(item: RoutingRule, table: int, *, delete: bool = False) -> Message:
    length = item.source.prefixlen if item.source else 0
    family = _FAMILIES[item.source.version if item.source else 6 if item.ipv6 else 4]
    payload = struct.pack("=BBBBBBBBI", family, 0, length, 0, table if table < 256 else 252, 0, 0, 1, 0)
    payload += attribute(15, struct.pack("=I", table)) + attribute(6, struct.pack("=I", item.priority))
    if item.source is not None:
        payload += attribute(2, item.source.network_address.packed)
    if item.device is not None:
        payload += attribute(3, item.device.encode() + b"\0")
    return Message(
        type=_DELRULE if delete else _NEWRULE,
        flags=REQUEST | ACK | (0 if delete else CREATE | EXCLUSIVE),
        payload=payload,
        tolerate=_GONE if delete else frozenset(),
        about=f"rule {item.source or item.device} table {item.table}",
    )


def delay(item: Delay, index: int, *, delete: bool = False) -> Message:
    """Layout: linux/pkt_sched.h, tc_netem_qopt (latency, limit, loss, gap, duplicate, jitter), then attributes."""
    options = struct.pack("=IIIIII", 0, _DELAYED_PACKETS, 0, 0, 0, 0)
    options += attribute(_NETEM_LATENCY64, struct.pack("=q", item.milliseconds * 1_000_000))
    return scheduler("netem", options, index, delete=delete)


def scheduler(kind: str, options: bytes, index: int, *, delete: bool = False) -> Message:
    """The queueing discipline at a device's root."""
    payload = struct.pack("=BxHiIII", 0, 0, index, 0, _TC_ROOT, 0)
    if not delete:
        payload += attribute(_TCA_KIND, kind.encode() + b"\0") + attribute(_TCA_OPTIONS, options)
    return Message(
        type=_DELQDISC if delete else _NEWQDISC,
        flags=REQUEST | ACK | (0 if delete else CREATE | REPLACE),
        payload=payload,
        tolerate=_GONE if delete else frozenset(),
        about=f"scheduler {kind}",
    )


def table_number(name: str, known: dict[str, int]) -> int:
    """The number of a routing table of one namespace: its own for `main` and `local`, else the next free one."""
    if name in _TABLES:
        return _TABLES[name]
    return known.setdefault(name, 1000 + len(known))
