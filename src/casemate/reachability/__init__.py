"""Packet x snapshot -> Verdict with its hops. Pure and total.

Belongs here: routing, security groups, network ACLs, endpoints, NAT, names: what a packet meets on its way and back.
Does not belong here: anything of the kernel; `dataplane` compiles the same snapshot independently, on purpose, and
the two are tested against each other. Knows `casemate.model` only.
"""

from casemate.reachability.named import reach_name
from casemate.reachability.names import Answer, NameStatus, resolve
from casemate.reachability.verdict import (
    Flow,
    FromInterface,
    FromInternet,
    Outcome,
    ReasonCode,
    Source,
    Verdict,
)
from casemate.reachability.walk import reach

__all__ = [
    "Answer",
    "Flow",
    "FromInterface",
    "FromInternet",
    "NameStatus",
    "Outcome",
    "ReasonCode",
    "Source",
    "Verdict",
    "reach",
    "reach_name",
    "resolve",
]
