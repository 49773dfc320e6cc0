"""The route table of a subnet as the router has it, in either family."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct

from casemate.dataplane.plan.objects import Route, RouteKind
from casemate.dataplane.plan.topology import Topology
from casemate.model.network import PrefixListRef, Subnet, TargetKind
from casemate.model.network import Route as ModelRoute

Network = IPv4Network | IPv6Network


class Hop(Struct, frozen=True, kw_only=True):
    """Where a route leads."""

    device: str
    via: IPv4Address | IPv6Address | None
    endpoint: str | None = None
    """The gateway endpoint that it is."""


class Family(Struct, frozen=True, kw_only=True):
    """What the tables of one family are made of."""

    default: Network
    inside: tuple[Network, ...]
    """What is not the table's but `main`'s."""
    named: Callable[[str], Iterable[Network]]
    """The ranges of a prefix list."""
    hop: Callable[[ModelRoute], Hop | None]
    """Where a route leads; None: its target cannot carry packets of this family."""


def subnet_table(topology: Topology, subnet: Subnet, family: Family) -> list[Route]:
    """The subnet's effective route table. The longest prefix wins by itself; ties are settled here."""
    made = _Maker(namespace=topology.router, subnet=subnet)
    chosen: dict[Network, Route] = {family.default: made.route(family.default, None)}
    table = topology.vpc.route_tables.get(subnet.route_table_id)
    # Ties: a static route beats a prefix list's (VPC User Guide, "Route priority"), so it is written last.
    rows = sorted(
        table.routes if table else (), key=lambda row: not isinstance(row.destination, PrefixListRef)
    )
    for row in rows:
        hop = None if row.blackhole else family.hop(row)
        for destination in _destinations(row, family):
            chosen[destination] = made.route(destination, hop)
    for local in family.inside:
        chosen[local] = Route(
            namespace=topology.router, table=subnet.subnet_id, destination=local, kind=RouteKind.THROW
        )
    return list(chosen.values())


def _destinations(row: ModelRoute, family: Family) -> Iterable[Network]:
    if row.target is TargetKind.LOCAL:
        return ()
    if isinstance(row.destination, PrefixListRef):
        return family.named(row.destination.prefix_list_id)
    return (row.destination,) if isinstance(row.destination, type(family.default)) else ()


class _Maker(Struct, frozen=True, kw_only=True):
    """Makes the rows of one table."""

    namespace: str
    subnet: Subnet

    def route(self, destination: Network, hop: Hop | None) -> Route:
        """A target that cannot carry it is a blackhole."""
        table = self.subnet.subnet_id
        if hop is None:
            return Route(
                namespace=self.namespace, table=table, destination=destination, kind=RouteKind.BLACKHOLE
            )
        return Route(
            namespace=self.namespace,
            table=table,
            destination=destination,
            kind=RouteKind.UNICAST,
            device=hop.device,
            via=hop.via,
            endpoint=hop.endpoint,
            sources=None if hop.endpoint is None else self.subnet.cidr,
        )
