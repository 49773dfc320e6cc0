"""What a router counts for the bill: bytes that NAT gateways and interface endpoints process, both ways.

Source: the pricing pages of Amazon VPC ("each gigabyte processed by the NAT gateway") and AWS PrivateLink ("per GB of
data processed"). A packet that a NAT gateway forwards passes the router twice; it is counted where it enters the
gateway. What goes through a NAT gateway to a service that a gateway endpoint could carry is counted besides.
"""

from __future__ import annotations

from casemate.dataplane.plan.matches import prefix_list_set
from casemate.dataplane.plan.names import SERVICES, safe
from casemate.dataplane.plan.ruleset import NftChain, NftSet
from casemate.dataplane.plan.topology import Topology, device_of
from casemate.model.network import EndpointKind, PrefixList
from casemate.model.regions import SERVICE_PREFIX_LISTS

GATEWAY_SERVICES = ("dynamodb", "s3")


def avoidable(nat_gateway_id: str, service: str) -> str:
    """The counter of what a NAT gateway processes for a service with gateway endpoints."""
    return f"{nat_gateway_id}-{service}"


def metering(topology: Topology) -> tuple[dict[str, NftSet], dict[str, NftChain], set[str]]:
    """Sets, the chain, and the counters: `nat-...`, `nat-...-dynamodb`, `vpce-...` (of interface endpoints)."""
    counters: set[str] = set()
    rules: list[str] = []
    lists = _service_lists(topology)
    devices = {item.interface_id: device_of(item) for item in topology.attached}
    for nat in topology.vpc.nat_gateways.values():
        device = devices.get(nat.interface_id)
        if device is None:
            continue
        name = safe(nat.nat_gateway_id)
        counters.add(name)
        rules.append(f'oifname "{device}" counter name {name}')
        for service, listed in lists.items():
            counters.add(avoidable(name, service))
            ranges = f"@{prefix_list_set(listed.prefix_list_id)}"
            name_of_part = avoidable(name, service)
            rules += [
                f'oifname "{device}" ip {end} {ranges} counter name {name_of_part}'
                for end in ("daddr", "saddr")
            ]
    addresses = {item.interface_id: item.address for item in topology.endpoint_interfaces}
    for endpoint in topology.vpc.endpoints.values():
        own = [str(addresses[each]) for each in endpoint.interface_ids if each in addresses]
        if endpoint.kind is EndpointKind.INTERFACE and own:
            name, those = safe(endpoint.endpoint_id), f"{{ {', '.join(own)} }}"
            counters.add(name)
            rules.append(f'oifname "{SERVICES}" ip daddr {those} counter name {name}')
            rules.append(f'iifname "{SERVICES}" ip saddr {those} counter name {name}')
    if not rules:
        return {}, {}, set()
    sets = {
        prefix_list_set(listed.prefix_list_id): NftSet(
            declaration="type ipv4_addr; flags interval;", elements={str(cidr): None for cidr in listed.cidrs}
        )
        for listed in lists.values()
    }
    # After the last stage that drops, `departure`.
    chain = NftChain(hook="type filter hook forward priority 5;", rules=tuple(rules))
    return sets, {"metering": chain}, counters


def _service_lists(topology: Topology) -> dict[str, PrefixList]:
    """The Region's services with gateway endpoints; none without a NAT gateway to compare with."""
    if not topology.vpc.nat_gateways:
        return {}
    ids = {
        service: SERVICE_PREFIX_LISTS[service, topology.vpc.region].prefix_list_id
        for service in GATEWAY_SERVICES
    }
    return {
        service: topology.prefix_lists[each] for service, each in ids.items() if each in topology.prefix_lists
    }
