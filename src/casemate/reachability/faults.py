"""Faults that somebody asked for: what they take out loses every packet, in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casemate.model.faults import Fault
from casemate.model.network import Subnet
from casemate.reachability.path import Drop, Path
from casemate.reachability.verdict import HopKind, ReasonCode

if TYPE_CHECKING:
    from casemate.reachability.index import VpcIndex


def zone_outage(path: Path, vpc: VpcIndex, subnet: Subnet) -> Drop | None:
    """Nothing leaves or enters a subnet whose Availability Zone is out."""
    fault = vpc.vpc.failure_of(subnet.zone_id)
    if fault is None:
        return None
    path.met(HopKind.ZONE, subnet.zone_id, passed=False, matched=f"{subnet.subnet_id} is in it")
    return _drop(f"{subnet.zone_id}, the Availability Zone of {subnet.subnet_id},", fault)


def failure(vpc: VpcIndex, component: str) -> Drop | None:
    """A NAT gateway or an endpoint that was made to fail. The caller records the hop."""
    fault = vpc.vpc.failure_of(component)
    return None if fault is None else _drop(component, fault)


def _drop(what: str, fault: Fault) -> Drop:
    return Drop(
        reason=ReasonCode.CM_FAULT,
        explanation=f"{what} is failed by a fault you asked for: {fault.words} ({fault.fault_id}).",
        remedy=f"End the fault: casemate fault clear {fault.fault_id}.",
    )
