"""Caches: by identity, bounded, and never stale."""

from __future__ import annotations

from ipaddress import IPv4Network

from msgspec.structs import replace
from tests.support.reference import DYNAMODB, FUNCTION, PREFIX_LIST, reference_network

from casemate.model.network import NetworkSnapshot, PrefixList
from casemate.reachability import Flow, FromInterface, Outcome, index, reach
from casemate.reachability.index import network_index, vpc_index

TO_DYNAMODB = Flow(source=FromInterface(interface_id=FUNCTION), destination=DYNAMODB)


def test_an_unchanged_vpc_is_compiled_once() -> None:
    first = reference_network()
    second = replace(first, generation=2, prefix_lists=dict(first.prefix_lists))
    assert network_index(first) is network_index(first)
    assert network_index(second) is not network_index(first)
    assert network_index(second).vpcs["vpc-main"] is network_index(first).vpcs["vpc-main"]


def test_a_changed_prefix_list_compiles_the_vpc_again() -> None:
    first = reference_network()
    assert reach(first, TO_DYNAMODB).outcome is Outcome.REACHED
    moved = PrefixList(
        prefix_list_id=PREFIX_LIST, name="moved", cidrs=(IPv4Network("198.51.100.0/24"),), max_entries=1
    )
    second = replace(first, generation=2, prefix_lists={**first.prefix_lists, PREFIX_LIST: moved})
    assert reach(second, TO_DYNAMODB).outcome is Outcome.DROPPED
    assert reach(first, TO_DYNAMODB).outcome is Outcome.REACHED


def test_a_changed_vpc_is_compiled_again() -> None:
    first = reference_network()
    assert reach(first, TO_DYNAMODB).outcome is Outcome.REACHED
    vpc = first.vpcs["vpc-main"]
    second = replace(first, generation=2, vpcs={"vpc-main": replace(vpc, groups={})})
    assert reach(second, TO_DYNAMODB).outcome is Outcome.DROPPED


def test_caches_are_bounded() -> None:
    snapshots: list[NetworkSnapshot] = [reference_network() for _ in range(2000)]
    for snapshot in snapshots:
        network_index(snapshot)
    assert len(index._network_cache) <= index._NETWORK_CACHE_SIZE
    assert len(index._vpc_cache) <= index._VPC_CACHE_SIZE


def test_the_two_indexes_agree() -> None:
    snapshot = reference_network()
    vpc = snapshot.vpcs["vpc-main"]
    assert network_index(snapshot).home[FUNCTION] is vpc_index(vpc, snapshot.prefix_lists)
