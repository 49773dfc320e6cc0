"""Connection tracking over netlink: forget some connections. Layout: linux/netfilter/nfnetlink_conntrack.h."""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from casemate.dataplane.kernel.netlink import ACK, REQUEST, Message, NetlinkSocket, attribute, attributes

_CONNTRACK = 1 << 8
_GET, _DELETE = _CONNTRACK | 1, _CONNTRACK | 2
_FAMILY_HEADER = struct.pack("=BBH", 2, 0, 0)
_TUPLE_ORIGINAL, _TUPLE_ADDRESSES, _ADDRESS_SOURCE, _ADDRESS_DESTINATION, _NESTED = 1, 1, 1, 2, 0x8000


def cut_flows(
    netlink: NetlinkSocket, sources: Sequence[IPv4Network], destinations: Sequence[IPv4Network]
) -> int:
    """Forget the connections opened from `sources` to `destinations`; how many there were."""
    doomed: list[Message] = []
    for entry in netlink.dump(_GET, _FAMILY_HEADER):
        original = dict(attributes(entry[4:])).get(_TUPLE_ORIGINAL)
        if original is None:
            continue
        addresses = dict(attributes(dict(attributes(original)).get(_TUPLE_ADDRESSES, b"")))
        source, destination = addresses.get(_ADDRESS_SOURCE), addresses.get(_ADDRESS_DESTINATION)
        if source is None or destination is None:
            continue
        if _within(source, sources) and _within(destination, destinations):
            payload = _FAMILY_HEADER + attribute(_TUPLE_ORIGINAL | _NESTED, original)
            doomed.append(
                Message(
                    type=_DELETE,
                    flags=REQUEST | ACK,
                    payload=payload,
                    tolerate=frozenset({errno.ENOENT}),
                    about="conntrack delete",
                )
            )
    netlink.run(doomed)
    return len(doomed)


def _within(packed: bytes, networks: Sequence[IPv4Network]) -> bool:
    found = IPv4Address(packed)
    return any(found in network for network in networks)
