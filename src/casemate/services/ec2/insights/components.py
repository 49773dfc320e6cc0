"""AnalysisComponent: a resource by id, ARN and name; and where in the network a resource is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Any

from casemate.model.arns import Arn
from casemate.model.network import NetworkInterface, NetworkSnapshot, Subnet, VpcSnapshot
from casemate.services.ec2.tags import resource_type

Component = dict[str, Any]
Tags = Callable[[str, str, str], Mapping[str, str]]
"""(account, Region, resource id) to its tags."""

_KINDS = {"i-": "instance"}


class Components:
    """The resources of one snapshot, as an analysis names them."""

    def __init__(self, snapshot: NetworkSnapshot, tags: Tags) -> None:
        self.snapshot = snapshot
        self._tags = tags
        self._homes: dict[str, VpcSnapshot] = {}
        for vpc in snapshot.vpcs.values():
            held = (
                vpc.subnets, vpc.route_tables, vpc.acls, vpc.groups, vpc.interfaces, vpc.nat_gateways, vpc.endpoints,
            )  # fmt: skip
            self._homes.update((each, vpc) for each in (vpc.vpc_id, vpc.internet_gateway_id or ""))
            self._homes.update((each, vpc) for shelf in held for each in shelf)
            self._homes.update(
                (interface.owner, vpc) for interface in vpc.interfaces.values() if interface.owner
            )

    def home(self, resource_id: str) -> VpcSnapshot | None:
        """The VPC a resource is in; of a peering connection the requester's."""
        peering = self.snapshot.peerings.get(resource_id)
        return self._homes.get(peering.requester_vpc if peering else resource_id)

    def interface(self, interface_id: str) -> NetworkInterface | None:
        vpc = self.home(interface_id)
        return vpc.interfaces.get(interface_id) if vpc else None

    def holder(self, address: str, vpc: VpcSnapshot | None = None) -> NetworkInterface | None:
        """The interface with that private address in `vpc`, or with that public address anywhere."""
        found = IPv4Address(address)
        for each in vpc.interfaces.values() if vpc else ():
            if found == each.address or found in each.secondary:
                return each
        everywhere = (each for one in self.snapshot.vpcs.values() for each in one.interfaces.values())
        return next((each for each in everywhere if each.public == found), None)

    def subnet_holding(self, vpc: VpcSnapshot, address: str) -> Subnet | None:
        found = IPv4Address(address)
        return next((each for each in vpc.subnets.values() if found in each.cidr), None)

    def of(self, resource_id: str, *, vpc: VpcSnapshot | None = None) -> Component:
        """Id, ARN and Name; an ARN stands for itself."""
        if resource_id.startswith("arn:"):
            return {"Id": resource_id, "Arn": resource_id}
        home = vpc or self.home(resource_id)
        if home is None:
            return {"Id": resource_id}
        prefix = resource_id.partition("-")[0] + "-"
        kind = _KINDS.get(prefix) or resource_type(resource_id)
        arn = Arn(service="ec2", region=home.region, account=home.account, resource=f"{kind}/{resource_id}")
        made: Component = {"Id": resource_id, "Arn": str(arn)}
        name = self._tags(home.account, home.region, resource_id).get("Name")
        return {**made, "Name": name} if name else made

    def placed(self, resource_id: str) -> dict[str, Any]:
        """`Vpc`, and `Subnet` where the resource is in one."""
        vpc = self.home(resource_id)
        if vpc is None:
            return {}
        made: dict[str, Any] = {"Vpc": self.of(vpc.vpc_id)}
        found = vpc.interfaces.get(resource_id) or vpc.nat_gateways.get(resource_id)
        if found is not None and found.subnet_id in vpc.subnets:
            made["Subnet"] = self.of(found.subnet_id)
        return made
