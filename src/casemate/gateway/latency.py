"""`casemate fault latency --endpoint`: the answers of AWS that leave by a VPC endpoint come later.

Made here and not in the kernel: an endpoint is a route or an address, with no device of its own to hold packets at.
Connections are made as fast as ever; what waits is each answer, as it does when the service itself is slow.
"""

from __future__ import annotations

from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.location import endpoint_of
from casemate.model.faults import FaultKind
from casemate.model.network import NetworkSnapshot


def seconds_to_wait(arrival: Arrival, snapshot: NetworkSnapshot) -> float:
    """How much longer the answer to a request of this connection takes; almost always 0."""
    vpc = snapshot.vpcs.get(arrival.vpc_id or "") if arrival.side is Side.VPC else None
    if vpc is None or not vpc.faults:
        return 0.0
    endpoint = endpoint_of(vpc, snapshot, arrival.peer, arrival.destination)
    if endpoint is None:
        return 0.0
    return sum(
        fault.milliseconds / 1000
        for fault in vpc.faults
        if fault.kind is FaultKind.LATENCY and fault.target == endpoint.endpoint_id
    )
