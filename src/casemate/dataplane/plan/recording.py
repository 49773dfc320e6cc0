"""What a router counts of flows, for flow logs: sets that the kernel fills, a counter with each element.

Source: VPC User Guide, "Flow log records": ACCEPT is what security groups and network ACLs let pass at the interface,
whatever becomes of it further on; traffic to the Amazon DNS server and to instance metadata is not recorded. A packet
counts as sent when the security groups let it go, before routing (a packet without a route is accepted too); what the
subnet's ACL stops after routing is counted apart, and subtracted by whoever reads. IPv4 and IPv6 have tables, and so
sets, of their own.
"""

from __future__ import annotations

from casemate.dataplane.plan.matches import Family, Side
from casemate.dataplane.plan.names import SERVICES
from casemate.dataplane.plan.ruleset import NftChain, NftSet
from casemate.dataplane.plan.topology import Topology, device_of

REFUSED_BY_GROUPS_OUT, REFUSED_BY_ACL_OUT, REFUSED_IN = "barred_out", "stopped_out", "refused_in"
"""The chains that refused packets go to; each ends in a drop."""
SENT, BARRED, STOPPED, RECEIVED, REFUSED = (
    "flows_sent",
    "flows_barred",
    "flows_stopped",
    "flows_received",
    "flows_refused",
)
KINDS = (SENT, BARRED, STOPPED, RECEIVED, REFUSED)
LIFETIME_SECONDS = 3600
"""Of an element after its last packet."""
_MOST = 65535
_SETTINGS = f"flags dynamic,timeout; timeout {LIFETIME_SECONDS}s; size {_MOST};"
_ADDRESSES: dict[Family, str] = {"ip": "ipv4_addr", "ip6": "ipv6_addr"}


def recording(topology: Topology, family: Family = "ip") -> tuple[dict[str, NftSet], dict[str, NftChain]]:
    """The sets, and the chains, refusing chains included: those are there also when nothing is recorded."""
    drops = (REFUSED_BY_GROUPS_OUT, REFUSED_BY_ACL_OUT, REFUSED_IN)
    if not topology.vpc.logged_interfaces:
        return {}, {name: NftChain(rules=("drop",)) for name in drops}
    counting = {kind: _counting(kind, family) for kind in KINDS}
    chains = {f"count_{kind}": chain for kind, chain in counting.items()}
    chains |= {
        REFUSED_BY_GROUPS_OUT: NftChain(rules=(*_if_logged(BARRED, family), "drop")),
        REFUSED_BY_ACL_OUT: NftChain(rules=(*_if_logged(STOPPED, family), "drop")),
        REFUSED_IN: NftChain(rules=(*_if_logged(REFUSED, family), "drop")),
        "sent": NftChain(
            # After the security groups (-150), before an internet gateway's translation (-100).
            hook="type filter hook prerouting priority -140;",
            rules=(*_unrecorded(family, "daddr"), *_if_logged(SENT, family)),
        ),
        "received": NftChain(
            # After the last stage that drops, `departure`.
            hook="type filter hook forward priority 4;",
            rules=(*_unrecorded(family, "saddr"), *_if_logged(RECEIVED, family)),
        ),
    }  # fmt: skip
    return _sets(topology, family), chains


def _sets(topology: Topology, family: Family) -> dict[str, NftSet]:
    ends = f"type ifname . {_ADDRESSES[family]} . {_ADDRESSES[family]}"
    sets: dict[str, NftSet] = {}
    for kind in KINDS:
        tcp = f"{ends} . inet_service . inet_service . tcp_flag; {_SETTINGS}"
        other = f"{ends} . inet_proto . inet_service . inet_service; {_SETTINGS}"
        sets[f"{kind}_tcp"] = NftSet(declaration=tcp, elements={})
        sets[f"{kind}_other"] = NftSet(declaration=other, elements={})
    logged = set(topology.vpc.logged_interfaces)
    devices = sorted(device_of(item) for item in topology.attached if item.interface_id in logged)
    sets["logged"] = NftSet(declaration="type ifname;", elements={f'"{device}"': None for device in devices})
    if family == "ip":
        endpoints = sorted(
            str(item.address) for item in topology.endpoint_interfaces if item.interface_id in logged
        )
        sets["logged_endpoints"] = NftSet(declaration="type ipv4_addr;", elements=dict.fromkeys(endpoints))
    return sets


def _unrecorded(family: Family, side: Side) -> tuple[str, ...]:
    """Nothing of the platform answers over IPv6."""
    return (f"ip {side} @platform accept",) if family == "ip" else ()


def _ends(kind: str) -> tuple[str, Side]:
    """Which device, and which address, are those of the interface that is counted for."""
    return ("oifname", "daddr") if kind in (RECEIVED, REFUSED) else ("iifname", "saddr")


def _if_logged(kind: str, family: Family) -> tuple[str, ...]:
    device, side = _ends(kind)
    counted = f"{device} @logged jump count_{kind}"
    if family == "ip6":
        return (counted,)
    return (counted, f'{device} "{SERVICES}" ip {side} @logged_endpoints jump count_{kind}')


def _counting(kind: str, family: Family) -> NftChain:
    ends = f"{_ends(kind)[0]} . {family} saddr . {family} daddr"
    return NftChain(
        rules=(
            f"meta l4proto tcp update @{kind}_tcp {{ {ends} . tcp sport . tcp dport . tcp flags counter }} return",
            f"update @{kind}_other {{ {ends} . meta l4proto . th sport . th dport counter }}",
        )
    )
