"""Route selection, table by table."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from tests.support.networks import route

from casemate.model.network import PrefixList, RouteTable
from casemate.reachability.routes import RoutingTable

LISTS = {
    "pl-1": PrefixList(
        prefix_list_id="pl-1",
        name="one",
        cidrs=(IPv4Network("10.2.0.0/16"), IPv4Network("52.0.0.0/24")),
        max_entries=2,
    )
}


def lookup(address: str, *routes: str, cidr: str = "10.0.0.0/16") -> tuple[str | None, tuple[str, ...]]:
    table = RouteTable(
        route_table_id="rtb", vpc_id="vpc", is_main=True, routes=tuple(route(text) for text in routes)
    )
    match = RoutingTable(table, (IPv4Network(cidr),), LISTS).lookup(int(IPv4Address(address)))
    return (match.entry.route.target_id if match.entry else None), match.lost


@pytest.mark.parametrize(
    ("address", "routes", "target", "lost"),
    [
        ("10.0.5.5", [], "local", []),
        ("10.1.5.5", [], None, []),
        ("10.0.5.5", ["0.0.0.0/0 -> igw-1"], "local", ["0.0.0.0/0 -> igw-1"]),
        ("10.0.5.5", ["10.0.5.0/24 -> nat-1"], "nat-1", ["10.0.0.0/16 -> local"]),
        ("10.0.6.5", ["10.0.5.0/24 -> nat-1"], "local", []),
        ("10.0.5.5", ["10.0.0.0/16 -> eni-1"], "eni-1", []),
        ("52.0.0.1", ["0.0.0.0/0 -> igw-1", "pl-1 -> vpce-1"], "vpce-1", ["0.0.0.0/0 -> igw-1"]),
        ("52.0.0.1", ["pl-1 -> vpce-1", "52.0.0.0/24 -> nat-1"], "nat-1", ["pl-1 (52.0.0.0/24) -> vpce-1"]),
        ("52.0.0.1", ["pl-1 -> vpce-1", "52.0.0.0/25 -> nat-1"], "nat-1", ["pl-1 (52.0.0.0/24) -> vpce-1"]),
        ("52.0.0.200", ["pl-1 -> vpce-1", "52.0.0.0/25 -> nat-1"], "vpce-1", []),
        ("10.2.0.1", ["pl-1 -> pcx-1"], "pcx-1", []),
        ("8.8.8.8", ["0.0.0.0/0 -> nat-1 blackhole"], "nat-1", []),
        ("8.8.8.8", ["8.0.0.0/8 -> nat-1", "8.8.0.0/16 -> igw-1",
                     "8.8.8.0/24 -> pcx-1"], "pcx-1", ["8.8.0.0/16 -> igw-1", "8.0.0.0/8 -> nat-1"]),
        ("52.0.0.1", ["pl-unknown -> vpce-1"], None, []),
        ("255.255.255.255", ["0.0.0.0/0 -> igw-1"], "igw-1", []),
    ],
)  # fmt: skip
def test_the_longest_prefix_wins(
    address: str, routes: list[str], target: str | None, lost: list[str]
) -> None:
    assert lookup(address, *routes) == (target, tuple(lost))
    assert lookup(address, *reversed(routes)) == (target, tuple(lost))
