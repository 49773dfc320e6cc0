"""Route tables: the longest prefix wins, and who wins a tie.

Source: VPC User Guide, "Route priority": the longest prefix; then local, then static routes, then routes whose
destination is a prefix list.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from casemate.model.network import Network, PrefixList, PrefixListRef, Route, RouteTable, TargetKind
from casemate.reachability.numbers import matcher
from casemate.reachability.verdict import Hop, HopKind


class RouteEntry(Struct, frozen=True, kw_only=True):
    """One destination network of one route: a route to a prefix list is one entry per network of the list."""

    route: Route
    network: Network
    words: str
    """`pl-4ca54025 (52.94.4.0/24) -> vpce-...`."""
    passes: Hop
    """The hop of a packet that takes this route, when no other route matched."""


class RouteMatch(Struct, frozen=True, kw_only=True):
    """The answer to a look-up."""

    entry: RouteEntry | None
    """None: no route matches."""
    lost: tuple[str, ...]
    """Matching routes that lost, next best first."""


class RoutingTable:
    """A route table arranged by prefix length."""

    __slots__ = ("_lengths", "route_table_id")

    def __init__(
        self, table: RouteTable, vpc_cidrs: tuple[Network, ...], prefix_lists: Mapping[str, PrefixList]
    ) -> None:
        self.route_table_id = table.route_table_id
        by_mask: dict[int, dict[int, list[RouteEntry]]] = {}
        for entry in (*_entries(table, prefix_lists), *_local_entries(table, vpc_cidrs)):
            network, mask = matcher(entry.network)
            by_mask.setdefault(mask, {}).setdefault(network, []).append(entry)
        self._lengths = tuple(
            (
                mask,
                {address: tuple(sorted(entries, key=_priority)) for address, entries in networks.items()},
            )
            # Of two masks of one family the greater is the longer; those of the other family match nothing.
            for mask, networks in sorted(by_mask.items(), reverse=True)
        )

    def lookup(self, address: int) -> RouteMatch:
        """The route that takes `address`."""
        winner: RouteEntry | None = None
        lost: list[str] = []
        for mask, networks in self._lengths:
            for entry in networks.get(address & mask, ()):
                if winner is None:
                    winner = entry
                else:
                    lost.append(entry.words)
        return RouteMatch(entry=winner, lost=tuple(lost))


def _entry(route_table_id: str, route: Route, network: Network, words: str) -> RouteEntry:
    passes = Hop(
        kind=HopKind.ROUTE_TABLE,
        component=route_table_id,
        passed=not route.blackhole,
        matched=words,
        rule=route,
    )
    return RouteEntry(route=route, network=network, words=words, passes=passes)


def _entries(table: RouteTable, prefix_lists: Mapping[str, PrefixList]) -> list[RouteEntry]:
    entries: list[RouteEntry] = []
    for route in table.routes:
        target = "local" if route.target is TargetKind.LOCAL else route.target_id
        if route.blackhole:
            target += " (blackhole)"
        destination = route.destination
        if isinstance(destination, PrefixListRef):
            listed = prefix_lists.get(destination.prefix_list_id)
            for network in listed.cidrs if listed else ():
                words = f"{destination.prefix_list_id} ({network}) -> {target}"
                entries.append(_entry(table.route_table_id, route, network, words))
        else:
            entries.append(_entry(table.route_table_id, route, destination, f"{destination} -> {target}"))
    return entries


def _local_entries(table: RouteTable, vpc_cidrs: tuple[Network, ...]) -> list[RouteEntry]:
    """The local route of each CIDR always exists; only a route of exactly that CIDR can stand in its place."""
    present = {
        route.destination for route in table.routes if not isinstance(route.destination, PrefixListRef)
    }
    return [
        _entry(
            table.route_table_id,
            Route(destination=cidr, target=TargetKind.LOCAL, target_id="local"),
            cidr,
            f"{cidr} -> local",
        )
        for cidr in vpc_cidrs
        if cidr not in present
    ]


def _priority(entry: RouteEntry) -> tuple[int, str]:
    """Order among equal prefixes; ids settle what AWS would have refused, so that the order never depends on a map."""
    if entry.route.target is TargetKind.LOCAL:
        return (0, "")
    return (2 if isinstance(entry.route.destination, PrefixListRef) else 1, entry.words)
