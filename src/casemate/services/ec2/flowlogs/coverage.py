"""Which interfaces a flow log is about: "each network interface in that subnet or VPC" (VPC User Guide, "Flow logs")."""

from __future__ import annotations

from casemate.services.ec2.records import FlowLog, Interface, Vpc
from casemate.services.ec2.state import Ec2State


def covers(log: FlowLog, interface: Interface) -> bool:
    """Whether the log records the interface's flows."""
    same_place = (log.account, log.region) == (interface.account, interface.region)
    return same_place and log.resource_id in (interface.vpc_id, interface.subnet_id, interface.id)


def logged_interfaces(state: Ec2State, vpc: Vpc) -> tuple[str, ...]:
    """The interfaces of a VPC that some flow log covers, sorted."""
    logs = state.flow_logs.all(vpc)
    if not logs:
        return ()
    inside = [each for each in state.interfaces.all(vpc) if each.vpc_id == vpc.id]
    return tuple(sorted(each.id for each in inside if any(covers(log, each) for log in logs)))
