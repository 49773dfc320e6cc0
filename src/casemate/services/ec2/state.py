"""The slice's state: a shelf for each kind of resource, the tags, and which VPCs have changed since the last snapshot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from casemate.servicekit.ports import Functions, InstanceProfiles, Network
from casemate.servicekit.store import Store
from casemate.services.ec2 import errors
from casemate.services.ec2.quotas import Quotas
from casemate.services.ec2.records import (
    Address,
    DhcpOptions,
    EgressOnlyGateway,
    FlowLog,
    Home,
    InsightsAnalysis,
    InsightsPath,
    Instance,
    Interface,
    InternetGateway,
    KeyPair,
    ManagedPrefixList,
    Meter,
    NatGateway,
    NetworkAcl,
    Peering,
    Place,
    Record,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
)
from casemate.services.ec2.shelf import Shelf

R = TypeVar("R", bound=Record)


class TagSet(Struct, frozen=True, kw_only=True):
    """The tags of one resource, in the order they were made."""

    tags: dict[str, str]


class ClientToken(Struct, frozen=True, kw_only=True):
    """What a client token made: asked again with the same parameters, the same resource answers."""

    fingerprint: str
    resource_id: str


async def _at_once() -> None:
    """Nothing follows."""


class _InVpc(Protocol):
    @property
    def vpc_id(self) -> str: ...


def _its_vpc(record: _InVpc) -> tuple[str, ...]:
    """The VPC the record is in; a detached internet gateway is in none."""
    return (record.vpc_id,) if record.vpc_id else ()


def _nowhere(_: Record) -> tuple[str, ...]:
    """Not part of any VPC's snapshot."""
    return ()


class Ec2State:
    """Everything the slice remembers, for all accounts and Regions."""

    def __init__(
        self, store: Store, quotas: Quotas | None = None, *, profiles: InstanceProfiles | None = None
    ) -> None:
        self.quotas = quotas or Quotas()
        self.profiles = profiles
        """None: nobody's instance profiles are known, so none can be named."""
        self.settled: Callable[[], Awaitable[None]] = _at_once
        """Waits until the machines have followed what was committed. The keeper's, once there is one."""
        self.console: Callable[[str], bytes] = lambda _: b""
        """What an instance wrote to its console. The machines', once there are any."""
        self.dirty: set[str] = set()
        """Ids of the VPCs whose records were written since the last snapshot. A superset of those that changed."""
        self._store = store
        self.vpcs = self._shelf("vpcs", Vpc, errors.VPC, lambda it: (it.id,))
        self.subnets = self._shelf("subnets", Subnet, errors.SUBNET, _its_vpc)
        self.route_tables = self._shelf("route_tables", RouteTable, errors.ROUTE_TABLE, _its_vpc)
        self.internet_gateways = self._shelf(
            "internet_gateways", InternetGateway, errors.INTERNET_GATEWAY, _its_vpc
        )
        self.egress_gateways = self._shelf(
            "egress_gateways", EgressOnlyGateway, errors.EGRESS_GATEWAY, _its_vpc
        )
        self.nat_gateways = self._shelf("nat_gateways", NatGateway, errors.NAT_GATEWAY, _its_vpc)
        self.interfaces = self._shelf("interfaces", Interface, errors.INTERFACE, _its_vpc)
        self.groups = self._shelf("security_groups", SecurityGroup, errors.GROUP, _its_vpc)
        self.acls = self._shelf("network_acls", NetworkAcl, errors.NETWORK_ACL, _its_vpc)
        self.endpoints = self._shelf("vpc_endpoints", VpcEndpoint, errors.ENDPOINT, _its_vpc)
        # The state of routes to it changes with it.
        self.peerings = self._shelf(
            "peerings", Peering, errors.PEERING, lambda it: (it.requester_vpc, it.accepter_vpc)
        )
        self.addresses = self._shelf("addresses", Address, errors.ALLOCATION, _nowhere)
        self.dhcp_options = self._shelf("dhcp_options", DhcpOptions, errors.DHCP_OPTIONS, _nowhere)
        self.prefix_lists = self._shelf("prefix_lists", ManagedPrefixList, errors.PREFIX_LIST, _nowhere)
        self.flow_logs = self._shelf("flow_logs", FlowLog, errors.FLOW_LOG, _its_vpc)
        self.instances = self._shelf("instances", Instance, errors.INSTANCE, _nowhere)
        self.key_pairs = self._shelf("key_pairs", KeyPair, errors.KEY_PAIR, _nowhere)
        self.insights_paths = self._shelf("insights_paths", InsightsPath, errors.INSIGHTS_PATH, _nowhere)
        self.insights_analyses = self._shelf(
            "insights_analyses", InsightsAnalysis, errors.INSIGHTS_ANALYSIS, _nowhere
        )
        self.network: Network | None = None
        """The committed network, for analyses of it. Wired by `build`."""
        self.functions: Functions | None = None
        """Wired by the app; None: no function is known."""
        self.projected: tuple[Shelf[Any], ...] = (
            self.vpcs, self.subnets, self.route_tables, self.internet_gateways, self.egress_gateways,
            self.nat_gateways, self.interfaces, self.groups, self.acls, self.endpoints, self.peerings,
            self.prefix_lists, self.flow_logs,
        )  # fmt: skip
        """What the network snapshot is made of."""
        self.by_type: dict[str, Shelf[Any]] = {
            "vpc": self.vpcs,
            "subnet": self.subnets,
            "route-table": self.route_tables,
            "internet-gateway": self.internet_gateways,
            "egress-only-internet-gateway": self.egress_gateways,
            "natgateway": self.nat_gateways,
            "elastic-ip": self.addresses,
            "network-interface": self.interfaces,
            "security-group": self.groups,
            "network-acl": self.acls,
            "vpc-endpoint": self.endpoints,
            "dhcp-options": self.dhcp_options,
            "prefix-list": self.prefix_lists,
            "vpc-peering-connection": self.peerings,
            "vpc-flow-log": self.flow_logs,
            "network-insights-path": self.insights_paths,
            "network-insights-analysis": self.insights_analyses,
            "instance": self.instances,
            "key-pair": self.key_pairs,
        }
        """By `ResourceType`."""
        self.meters = store.collection("ec2.meters", Meter)
        """Keys are (account, Region, id of the NAT gateway or endpoint)."""
        self.tags = store.collection("ec2.tags", TagSet)
        self.homes = store.collection("ec2.homes", Home)
        self.tokens = store.collection("ec2.client_tokens", ClientToken)

    def _shelf(
        self, name: str, record_type: type[R], noun: errors.Noun, vpcs_of: Callable[[R], tuple[str, ...]]
    ) -> Shelf[R]:
        collection = self._store.collection(f"ec2.{name}", record_type)
        return Shelf(collection, noun, vpcs_of, self.dirty)

    def subnets_in(self, vpc: Vpc) -> list[Subnet]:
        """The VPC's subnets."""
        return [each for each in self.subnets.all(vpc) if each.vpc_id == vpc.id]

    def tables_in(self, vpc: Vpc) -> list[RouteTable]:
        """The VPC's route tables."""
        return [each for each in self.route_tables.all(vpc) if each.vpc_id == vpc.id]

    def main_table(self, vpc: Vpc) -> RouteTable:
        """The VPC's main route table."""
        return next(each for each in self.tables_in(vpc) if each.is_main)

    def acls_in(self, vpc: Vpc) -> list[NetworkAcl]:
        """The VPC's network ACLs."""
        return [each for each in self.acls.all(vpc) if each.vpc_id == vpc.id]

    def groups_in(self, vpc: Vpc) -> list[SecurityGroup]:
        """The VPC's security groups."""
        return [each for each in self.groups.all(vpc) if each.vpc_id == vpc.id]

    def default_group(self, vpc: Vpc) -> SecurityGroup:
        """The VPC's default security group."""
        return next(each for each in self.groups_in(vpc) if each.name == "default")

    def endpoints_in(self, vpc: Vpc) -> list[VpcEndpoint]:
        """The VPC's endpoints."""
        return [each for each in self.endpoints.all(vpc) if each.vpc_id == vpc.id]

    def interfaces_in_subnet(self, subnet: Subnet) -> list[Interface]:
        """Every interface with an address of the subnet."""
        return [each for each in self.interfaces.all(subnet) if each.subnet_id == subnet.id]

    def interfaces_of(self, instance: Instance) -> list[Interface]:
        """The interfaces attached to an instance, the primary one first."""
        found = [
            (each.attachment.device_index, each)
            for each in self.interfaces.all(instance)
            if each.attachment is not None and each.attachment.instance_id == instance.id
        ]
        return [interface for _, interface in sorted(found, key=lambda pair: pair[0])]

    def gateway_of(self, vpc: Vpc) -> InternetGateway | None:
        """The attached internet gateway."""
        return next((each for each in self.internet_gateways.all(vpc) if each.vpc_id == vpc.id), None)

    def tags_of(self, place: Place, resource_id: str) -> dict[str, str]:
        """Key to value."""
        found = self.tags.get(place.account, place.region, resource_id)
        return found.tags if found else {}

    def discard(self, shelf: Shelf[R], record: R) -> None:
        """Delete a resource and its tags."""
        shelf.remove(record)
        self.tags.delete(record.account, record.region, record.id)
