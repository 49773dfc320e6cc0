"""The whole network: one group for the internet, one per VPC with workloads, one per peering connection."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from casemate.dataplane.plan import names
from casemate.dataplane.plan.internet import internet_group
from casemate.dataplane.plan.ipv6 import peering_objects
from casemate.dataplane.plan.memory import Memory
from casemate.dataplane.plan.objects import Group, KernelObject, Link, LinkEnd, Neighbour, part
from casemate.dataplane.plan.topology import Peer, Topology, has_endpoint, has_workload
from casemate.dataplane.plan.vpc import vpc_group
from casemate.model.network import NetworkSnapshot, PeeringConnection, PrefixList, VpcSnapshot


class NetworkPlan(Struct, frozen=True, kw_only=True):
    """What the kernel must hold. Groups in the order in which they are built."""

    groups: Mapping[str, Group] = field(default_factory=dict[str, Group])
    unplannable: Mapping[str, str] = field(default_factory=dict[str, str])
    """VPC -> why it has no plan: an object in it that no kernel plan can be made of. The others are not affected."""
    peerings: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Peering group -> its two VPCs."""


class _Planned(Struct, frozen=True, kw_only=True):
    vpc: VpcSnapshot
    peers: tuple[Peer, ...]
    prefix_lists: Mapping[str, PrefixList]
    group: Group
    memory: Memory


class Planner:
    """Compiles snapshots; keeps the group of each VPC in which nothing changed, so that it stays the same object."""

    def __init__(self, *, internet_host: bool = False) -> None:
        self._internet_host = internet_host
        self._ipv6 = True
        self._internet = internet_group(host=internet_host)
        self._planned: dict[str, _Planned] = {}

    def without_ipv6(self) -> None:
        """This machine's kernel has none: plans hold none from now on."""
        self._ipv6 = False
        self._internet = internet_group(host=self._internet_host, ipv6=False)
        self._planned = {}

    def plan(self, snapshot: NetworkSnapshot) -> NetworkPlan:
        """The plan of `snapshot`."""
        live = _live(snapshot)
        peerings = {
            peering_id: peering
            for peering_id, peering in snapshot.peerings.items()
            if peering.active and peering.requester_vpc in live and peering.accepter_vpc in live
        }
        groups = {self._internet.name: self._internet}
        unplannable: dict[str, str] = {}
        for vpc_id, vpc in live.items():
            try:
                groups[vpc_id] = self._vpc_group(vpc, _peers(vpc_id, peerings, live), snapshot.prefix_lists)
            except (ValueError, KeyError, AssertionError) as error:
                unplannable[vpc_id] = f"{type(error).__name__}: {error}"
        between: dict[str, tuple[str, str]] = {}
        for peering_id, peering in peerings.items():
            ends = (peering.requester_vpc, peering.accepter_vpc)
            if all(end in groups for end in ends):
                six = self._ipv6 and all(live[end].ipv6_cidrs for end in ends)
                groups[peering_id] = _peering_group(peering, ipv6=six)
                between[peering_id] = ends
        self._planned = {vpc_id: kept for vpc_id, kept in self._planned.items() if vpc_id in groups}
        return NetworkPlan(groups=groups, unplannable=unplannable, peerings=between)

    def _vpc_group(
        self, vpc: VpcSnapshot, peers: tuple[Peer, ...], prefix_lists: Mapping[str, PrefixList]
    ) -> Group:
        kept = self._planned.get(vpc.vpc_id)
        if kept is not None and kept.vpc is vpc and kept.peers == peers:
            same = kept.prefix_lists is prefix_lists or kept.prefix_lists == prefix_lists
            if same:
                return kept.group
        # Of a plan that fails nothing is kept: the next one begins with nothing.
        self._planned.pop(vpc.vpc_id, None)
        memory = kept.memory if kept else Memory()
        topology = Topology(vpc=vpc, prefix_lists=prefix_lists, peers=peers, memory=memory, ipv6=self._ipv6)
        group = vpc_group(topology, before=kept.group if kept else None)
        memory.turn()
        self._planned[vpc.vpc_id] = _Planned(
            vpc=vpc, peers=peers, prefix_lists=prefix_lists, group=group, memory=memory
        )
        return group


def _live(snapshot: NetworkSnapshot) -> dict[str, VpcSnapshot]:
    """VPCs in which something could send a packet, and those whose interface endpoints such a one could reach."""
    sending = {vpc_id for vpc_id, vpc in snapshot.vpcs.items() if has_workload(vpc)}
    asked: set[str] = set()
    for peering in snapshot.peerings.values():
        ends = {peering.requester_vpc, peering.accepter_vpc}
        if peering.active and ends & sending:
            asked |= ends
    return {
        vpc_id: vpc
        for vpc_id, vpc in snapshot.vpcs.items()
        if vpc_id in sending or (vpc_id in asked and has_endpoint(vpc))
    }


def _peers(
    vpc_id: str, peerings: Mapping[str, PeeringConnection], live: Mapping[str, VpcSnapshot]
) -> tuple[Peer, ...]:
    found: list[Peer] = []
    for peering_id, peering in sorted(peerings.items()):
        ends = (peering.requester_vpc, peering.accepter_vpc)
        if vpc_id in ends:
            other = live[ends[1] if ends[0] == vpc_id else ends[0]]
            found.append(Peer(peering_id=names.safe(peering_id), vpc=other))
    return tuple(found)


def _peering_group(peering: PeeringConnection, *, ipv6: bool) -> Group:
    """A link between two routers. Each end's packets must be for the VPC they arrive in: it is not transitive."""
    device = names.device("p", peering.peering_id)
    ends = (names.router(peering.requester_vpc), names.router(peering.accepter_vpc))
    mac = names.ROUTER_MAC
    objects: list[KernelObject] = [
        Link(
            near=LinkEnd(namespace=ends[0], device=device, mac=mac),
            far=LinkEnd(namespace=ends[1], device=device, mac=mac),
        ),
        *(Neighbour(namespace=end, device=device, address=names.ROUTER_SIDE, mac=mac) for end in ends),
        *(peering_objects(device, ends) if ipv6 else ()),
    ]
    return Group.of(peering.peering_id, part(objects))
