"""What a router counts of flows, for flow logs: sets that the kernel fills, a counter with each element.

Source: VPC User Guide, "Flow log records": ACCEPT is what security groups and network ACLs let pass at the interface,
whatever becomes of it further on; traffic to the Amazon DNS server and to instance metadata is not recorded. A packet
counts as sent when the security groups let it go, before routing (a packet without a route is accepted too); what the
subnet's ACL stops after routing is counted apart, and subtracted by whoever reads.
"""

from __future__ import annotations

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
_TCP = f"type ifname . ipv4_addr . ipv4_addr . inet_service . inet_service . tcp_flag; {_SETTINGS}"
_OTHER = f"type ifname . ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service; {_SETTINGS}"


def recording(topology: Topology) -> tuple[dict[str, NftSet], dict[str, NftChain]]:
    """The sets, and the chains, refusing chains included: those are there also when nothing is recorded."""
    drops = (REFUSED_BY_GROUPS_OUT, REFUSED_BY_ACL_OUT, REFUSED_IN)
    if not topology.vpc.logged_interfaces:
        return {}, {name: NftChain(rules=("drop",)) for name in drops}
    sets: dict[str, NftSet] = {}
    for kind in KINDS:
        sets[f"{kind}_tcp"] = NftSet(declaration=_TCP, elements={})
        sets[f"{kind}_other"] = NftSet(declaration=_OTHER, elements={})
    logged = set(topology.vpc.logged_interfaces)
    devices = sorted(device_of(item) for item in topology.attached if item.interface_id in logged)
    endpoints = sorted(
        str(item.address) for item in topology.endpoint_interfaces if item.interface_id in logged
    )
    sets["logged"] = NftSet(declaration="type ifname;", elements={f'"{device}"': None for device in devices})
    sets["logged_endpoints"] = NftSet(declaration="type ipv4_addr;", elements=dict.fromkeys(endpoints))
    counting = {
        kind: _counting(kind, "oifname" if kind in (RECEIVED, REFUSED) else "iifname") for kind in KINDS
    }
    chains = {f"count_{kind}": chain for kind, chain in counting.items()}
    chains |= {
        REFUSED_BY_GROUPS_OUT: NftChain(rules=(*_if_logged(BARRED, "iifname", "saddr"), "drop")),
        REFUSED_BY_ACL_OUT: NftChain(rules=(*_if_logged(STOPPED, "iifname", "saddr"), "drop")),
        REFUSED_IN: NftChain(rules=(*_if_logged(REFUSED, "oifname", "daddr"), "drop")),
        "sent": NftChain(
            # After the security groups (-150), before an internet gateway's translation (-100).
            hook="type filter hook prerouting priority -140;",
            rules=("ip daddr @platform accept", *_if_logged(SENT, "iifname", "saddr")),
        ),
        "received": NftChain(
            # After the last stage that drops, `departure`.
            hook="type filter hook forward priority 4;",
            rules=("ip saddr @platform accept", *_if_logged(RECEIVED, "oifname", "daddr")),
        ),
    }  # fmt: skip
    return sets, chains


def _if_logged(kind: str, device: str, address: str) -> tuple[str, ...]:
    return (
        f"{device} @logged jump count_{kind}",
        f'{device} "{SERVICES}" ip {address} @logged_endpoints jump count_{kind}',
    )


def _counting(kind: str, device: str) -> NftChain:
    ends = f"{device} . ip saddr . ip daddr"
    return NftChain(
        rules=(
            f"meta l4proto tcp update @{kind}_tcp {{ {ends} . tcp sport . tcp dport . tcp flags counter }} return",
            f"update @{kind}_other {{ {ends} . meta l4proto . th sport . th dport counter }}",
        )
    )
