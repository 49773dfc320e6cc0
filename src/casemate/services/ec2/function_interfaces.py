"""Hyperplane interfaces for Lambda: the port `FunctionInterfaces`.

Source: Lambda Developer Guide, "Understanding Hyperplane Elastic Network Interfaces": one interface per subnet and set
of security groups of an account, shared by functions, gone when no function uses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.model.ids import RandomBytes, uuid4
from casemate.model.network import NetworkInterface
from casemate.servicekit.clock import Clock
from casemate.services.ec2.interface_making import checked_groups, make_interface, unmake_interface
from casemate.services.ec2.ipv6_allocation import pick_ipv6
from casemate.services.ec2.projection import interface_of
from casemate.services.ec2.records import Home, Interface
from casemate.services.ec2.state import Ec2State


class HyperplaneInterfaces:
    """Implements `casemate.servicekit.ports.FunctionInterfaces`."""

    def __init__(self, state: Ec2State, random_bytes: RandomBytes, clock: Clock) -> None:
        self._state = state
        self._random_bytes = random_bytes
        self._clock = clock

    def acquire(
        self,
        *,
        account: str,
        region: str,
        subnet_id: str,
        group_ids: Sequence[str],
        function_arn: str,
        ipv6: bool = False,
    ) -> NetworkInterface:
        """The shared interface of (subnet, set of groups, IPv6 or not), made when there is none."""
        state = self._state
        place = Home(account=account, region=region)
        subnet = state.subnets.get(place, subnet_id)
        if state.vpcs.get(place, subnet.vpc_id).tenancy != "default":
            # Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC".
            message = "Lambda functions can't connect directly to a VPC with dedicated instance tenancy."
            raise AwsError("UnsupportedTenancy", message)
        groups = checked_groups(state, subnet, group_ids)
        for each in state.interfaces_in_subnet(subnet):
            if each.kind == "lambda" and set(each.groups) == set(groups) and bool(each.ipv6) == ipv6:
                users = each.users if function_arn in each.users else (*each.users, function_arn)
                return interface_of(state.interfaces.put(replace(each, users=users)))
        name = function_arn.split(":")[6] if function_arn.count(":") >= 6 else function_arn
        made = make_interface(
            state,
            subnet,
            self._random_bytes,
            groups=groups,
            description=f"AWS Lambda VPC ENI-{name}-{uuid4(self._random_bytes)}",
            kind="lambda",
            requester_id=f"AROALAMBDAHYPERPLANE:{account}",
            users=(function_arn,),
            attached=self._clock(),
            ipv6=pick_ipv6(state, subnet, 1) if ipv6 else (),
        )
        return interface_of(made)

    def release(self, *, interface_id: str, function_arn: str) -> None:
        """`function_arn` no longer uses it; without users it is deleted. Releasing twice does nothing."""
        interface = self._find(interface_id)
        if interface is None:
            return
        users = tuple(each for each in interface.users if each != function_arn)
        if users:
            self._state.interfaces.put(replace(interface, users=users))
        else:
            unmake_interface(self._state, interface)

    def vpc_of(self, *, account: str, region: str, subnet_id: str) -> str:
        """The VPC of a subnet; AwsError InvalidSubnetID.NotFound."""
        return self._state.subnets.get(Home(account=account, region=region), subnet_id).vpc_id

    def _find(self, interface_id: str) -> Interface | None:
        for each in self._state.interfaces.everywhere():
            if each.id == interface_id and each.kind == "lambda":
                return each
        return None
