"""EC2, the part that is the network (Amazon VPC).

Modelled: VPCs with their attributes and CIDR blocks, the default VPC, subnets, route tables and routes, internet,
egress-only and NAT gateways, elastic addresses, network interfaces, security groups and their rules, network ACLs,
gateway and interface endpoints, prefix lists, DHCP options, peering, tags, flow logs, Reachability Analyzer's paths
and analyses, Availability Zones and Regions; instances with their images, types, key pairs, instance profiles,
metadata service and (as records) volumes. Each change becomes part of the network snapshot (`projection`) that packets
and explanations
follow. Every account finds a default VPC in every Region at its first call there.

Not modelled: instances with more than one interface, volumes apart from instances, images of one's own, launch
templates, spot requests, load balancers, transit and virtual private gateways,
IPAM, address pools of one's own, IPv6-only subnets, regional NAT gateways, endpoints to services of others, endpoint
services of one's own (they stand on load balancers), Network Access Analyzer, IPv6 prefixes of interfaces, NAT64 and
DNS64. IPv6 reaches interfaces; endpoints are IPv4.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any, Generic

from msgspec import Struct

from casemate.model.ids import RandomBytes
from casemate.servicekit.clock import Clock, system_clock
from casemate.servicekit.ports import InstanceProfiles, LogDelivery, RoleSessions
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.ec2.costs.bill import bill
from casemate.services.ec2.costs.meters import MeterReadings
from casemate.services.ec2.endpoint_policies import EndpointPolicies
from casemate.services.ec2.flowlogs.recorder import FlowRecorder
from casemate.services.ec2.function_interfaces import HyperplaneInterfaces
from casemate.services.ec2.instance_facts import KnownInstances
from casemate.services.ec2.instance_keeper import InstanceKeeper, M, MachineHost
from casemate.services.ec2.metadata_service import MetadataService
from casemate.services.ec2.network import CommittedNetwork
from casemate.services.ec2.quotas import Quotas, quotas_with
from casemate.services.ec2.registry import operations as registered
from casemate.services.ec2.state import Ec2State

__all__ = ["Ec2", "Quotas", "build", "quotas_with"]


class Ec2(Struct, Generic[M], frozen=True, kw_only=True):
    """The slice, and the ports it implements."""

    service: Service[Ec2State]
    network: CommittedNetwork
    """`Network`."""
    endpoints: EndpointPolicies
    """`Endpoints`."""
    function_interfaces: HyperplaneInterfaces
    """`FunctionInterfaces`."""
    keeper: InstanceKeeper[M]
    """The machines of instances."""
    instances: KnownInstances
    """`Instances`."""
    metadata: MetadataService | None
    """The instance metadata service; None without anybody to make its credentials."""

    def meter_readings(self) -> MeterReadings:
        """`MeterReader`."""
        return MeterReadings(self.service.state)

    def bill(self, now: datetime) -> dict[str, Any]:
        """What NAT gateways and endpoints come to: `text` and `json`."""
        return bill(self.service.state.meters.values(), now)

    def flow_recorder(self, store: Store, delivery: LogDelivery) -> FlowRecorder:
        """`FlowObserver`; wired apart, because who delivers needs what is wired after EC2."""
        return FlowRecorder(self.service.state, store, delivery)


def build(
    store: Store,
    *,
    random_bytes: RandomBytes = os.urandom,
    clock: Clock = system_clock,
    quotas: Quotas | None = None,
    profiles: InstanceProfiles | None = None,
    sessions: RoleSessions | None = None,
    machines: MachineHost[M] | None = None,
) -> Ec2[M]:
    """EC2 on a store. Without `machines` instances are records that run nothing."""
    state = Ec2State(store, quotas, profiles=profiles)
    policies = EndpointPolicies(state)
    network = CommittedNetwork(state, store, policies)
    state.network = network
    keeper = InstanceKeeper(state, store, network, clock, machines)
    state.settled = keeper.settled
    if machines is not None:
        state.console = machines.console
    return Ec2(
        service=Service(operations=registered, state=state),
        network=network,
        endpoints=policies,
        function_interfaces=HyperplaneInterfaces(state, random_bytes, clock),
        keeper=keeper,
        instances=KnownInstances(state),
        metadata=MetadataService(state, sessions, clock, random_bytes) if sessions else None,
    )
