"""Named nftables counters, read over netlink. Layout: linux/netfilter/nf_tables.h."""

from __future__ import annotations

import struct

from msgspec import Struct

from casemate.dataplane.kernel.netlink import (
    NFPROTO_IPV4,
    NFPROTO_IPV6,
    NetlinkSocket,
    attribute,
    attributes,
)
from casemate.dataplane.plan.ruleset import TABLE

_GET_OBJECT = (10 << 8) | 19
_OBJ_TABLE, _OBJ_NAME, _OBJ_TYPE, _OBJ_DATA = 1, 2, 3, 4
_COUNTER_BYTES, _COUNTER_PACKETS = 1, 2
_OBJECT_IS_COUNTER = 1


class Counter(Struct, frozen=True, kw_only=True):
    packets: int
    bytes: int


def read_counters(netlink: NetlinkSocket) -> dict[str, Counter]:
    """Every named counter of the tables of both families, which have some of their names in common: these are added."""
    found: dict[str, Counter] = {}
    for family in (NFPROTO_IPV4, NFPROTO_IPV6):
        payload = struct.pack("=BBH", family, 0, 0)
        payload += attribute(_OBJ_TABLE, TABLE.encode() + b"\0")
        payload += attribute(_OBJ_TYPE, struct.pack(">I", _OBJECT_IS_COUNTER))
        for entry in netlink.dump(_GET_OBJECT, payload):
            fields = dict(attributes(entry[4:]))
            data = dict(attributes(fields.get(_OBJ_DATA, b"")))
            if _COUNTER_PACKETS in data and _OBJ_NAME in fields:
                name = fields[_OBJ_NAME].rstrip(b"\0").decode()
                before = found.get(name, Counter(packets=0, bytes=0))
                found[name] = Counter(
                    packets=before.packets + struct.unpack(">Q", data[_COUNTER_PACKETS])[0],
                    bytes=before.bytes + struct.unpack(">Q", data[_COUNTER_BYTES])[0],
                )
    return found
