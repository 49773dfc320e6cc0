"""What a router drops because somebody asked for a fault: rules before every filter, and nothing without a fault.

Rules alone are added and taken away: routes, addresses and tracked connections stay as they are, so that a connection
that outlives the fault goes on, as one does when a link comes back.
"""

from __future__ import annotations

from casemate.dataplane.plan.matches import prefix_list_set
from casemate.dataplane.plan.names import SERVICES
from casemate.dataplane.plan.objects import Delay
from casemate.dataplane.plan.ruleset import NftChain, NftSet
from casemate.dataplane.plan.topology import Topology, device_of, inside_of
from casemate.model.faults import FaultKind

FAULT_DROPS = "fault-drops"
"""The counter of what faults drop."""
_DROP = f"counter name {FAULT_DROPS} drop"
_DEVICES, _ENDPOINTS = "failed", "failed_endpoints"


def faults(topology: Topology) -> tuple[dict[str, NftSet], dict[str, NftChain], set[str]]:
    """The sets, the chain and the counter; none of them in a VPC in which everything works."""
    vpc = topology.vpc
    if all(fault.kind is FaultKind.LATENCY for fault in vpc.faults):
        return {}, {}, set()
    broken_gateways = {
        gateway.interface_id
        for gateway in vpc.nat_gateways.values()
        if vpc.failure_of(gateway.nat_gateway_id)
    }
    broken_endpoints = {
        interface_id
        for endpoint in vpc.endpoints.values()
        if vpc.failure_of(endpoint.endpoint_id)
        for interface_id in endpoint.interface_ids
    }
    devices = [
        f'"{device_of(item)}"'
        for item in topology.attached
        if item.interface_id in broken_gateways or vpc.failure_of(topology.subnet_of(item).zone_id)
    ]
    endpoints = [
        str(item.address)
        for item in topology.endpoint_interfaces
        if item.interface_id in broken_endpoints or vpc.failure_of(topology.subnet_of(item).zone_id)
    ]
    sets = {
        _DEVICES: NftSet(declaration="type ifname;", elements=dict.fromkeys(devices)),
        _ENDPOINTS: NftSet(declaration="type ipv4_addr;", elements=dict.fromkeys(endpoints)),
    }
    rules = (
        f"iifname @{_DEVICES} {_DROP}",
        f"oifname @{_DEVICES} {_DROP}",
        f'iifname "{SERVICES}" ip saddr @{_ENDPOINTS} {_DROP}',
        f'oifname "{SERVICES}" ip daddr @{_ENDPOINTS} {_DROP}',
        *_gateway_endpoints(topology),
    )
    # At the forward hook, where both devices are known, and before every stage of the filters there.
    chain = NftChain(hook="type filter hook forward priority -10;", rules=rules)
    return sets, {"faults": chain}, {FAULT_DROPS}


def delays(topology: Topology) -> list[Delay]:
    """Packets to what runs in a slow subnet wait before they get there: round trips take so much longer."""
    slow = {
        fault.target: fault.milliseconds for fault in topology.vpc.faults if fault.kind is FaultKind.LATENCY
    }
    found: list[Delay] = []
    for item in topology.attached if slow else ():
        subnet = topology.subnet_of(item)
        added = slow.get(subnet.subnet_id, 0) + slow.get(subnet.zone_id, 0)
        if added:
            inside, end = inside_of(item)
            found.append(
                Delay(
                    namespace=topology.router,
                    device=device_of(item),
                    milliseconds=added,
                    inside=inside,
                    end=end,
                )
            )
    return found


def _gateway_endpoints(topology: Topology) -> list[str]:
    """What enters and leaves a gateway endpoint that was made to fail."""
    rules: list[str] = []
    for subnet, endpoint_id, list_id in topology.endpoint_routes:
        if topology.vpc.failure_of(endpoint_id):
            listed = f"@{prefix_list_set(list_id)}"
            rules += [
                f'oifname "{SERVICES}" ip saddr {subnet.cidr} ip daddr {listed} {_DROP}',
                f'iifname "{SERVICES}" ip saddr {listed} ip daddr {subnet.cidr} {_DROP}',
            ]
    return rules
