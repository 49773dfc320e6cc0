"""Medians of a verdict, by kind of flow. Budget: 50 us for a typical one. `PYTHONPATH=src:. python bench/reachability.py`."""

from __future__ import annotations

import json
import sys
from ipaddress import IPv4Address
from statistics import median
from time import perf_counter_ns
from typing import Any

from msgspec.structs import replace
from tests.support.reference import DYNAMODB, FUNCTION, reference_network

from casemate.model.network import NetworkInterface, NetworkSnapshot
from casemate.reachability import Flow, FromInterface, FromInternet, reach, reach_name, resolve

FROM_FUNCTION = FromInterface(interface_id=FUNCTION)
NO_ROUTE = {"vpc-main": {"tables": {"rtb-private": []}}}
NAT = {"vpc-main": {"tables": {"rtb-private": ["0.0.0.0/0 -> nat-main"]}}}


def crowded(interfaces: int) -> NetworkSnapshot:
    """The reference network with many more interfaces, all members of one group."""
    snapshot = reference_network()
    vpc = snapshot.vpcs["vpc-main"]
    more: dict[str, NetworkInterface] = dict(vpc.interfaces)
    for number in range(interfaces):
        name = f"eni-more{number}"
        more[name] = replace(
            vpc.interfaces["eni-instance"], interface_id=name, address=IPv4Address("10.0.2.20") + number
        )
    return replace(snapshot, vpcs={"vpc-main": replace(vpc, interfaces=more)})


def timed(call: Any, *, rounds: int = 4000) -> float:
    """Median in microseconds."""
    for _ in range(50):
        call()
    samples: list[int] = []
    for _ in range(rounds):
        start = perf_counter_ns()
        call()
        samples.append(perf_counter_ns() - start)
    return median(samples) / 1000


def main() -> None:
    reference, no_route, nat, large = (
        reference_network(),
        reference_network(NO_ROUTE),
        reference_network(NAT),
        crowded(500),
    )
    to_dynamodb = Flow(source=FROM_FUNCTION, destination=DYNAMODB)
    inside = Flow(source=FromInterface(interface_id="eni-instance"), destination=IPv4Address("10.0.0.20"))
    inbound = Flow(
        source=FromInternet(address=IPv4Address("198.51.100.7")), destination=IPv4Address("18.161.64.20")
    )
    results = {
        "gateway endpoint": timed(lambda: reach(reference, to_dynamodb)),
        "gateway endpoint, 500 interfaces": timed(lambda: reach(large, to_dynamodb)),
        "no route (with its explanation)": timed(lambda: reach(no_route, to_dynamodb)),
        "NAT gateway": timed(lambda: reach(nat, to_dynamodb)),
        "between subnets": timed(lambda: reach(reference, inside)),
        "from the internet": timed(lambda: reach(reference, inbound)),
        "name": timed(lambda: resolve(reference, "vpc-main", "dynamodb.us-east-2.amazonaws.com")),
        "name and gateway endpoint": timed(
            lambda: reach_name(reference, FROM_FUNCTION, "dynamodb.us-east-2.amazonaws.com")
        ),
        "first verdict on a new snapshot of 500 interfaces, one VPC changed": timed(
            lambda: reach(_changed(large), to_dynamodb), rounds=50
        ),
    }
    if "--json" in sys.argv:
        print(json.dumps(results))
        return
    for name, microseconds in results.items():
        print(f"{microseconds:9.1f} us  {name}")


def _changed(snapshot: NetworkSnapshot) -> NetworkSnapshot:
    vpc = snapshot.vpcs["vpc-main"]
    return replace(snapshot, generation=snapshot.generation + 1, vpcs={"vpc-main": replace(vpc)})


if __name__ == "__main__":
    main()
