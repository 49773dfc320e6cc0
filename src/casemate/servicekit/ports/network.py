"""What others need of EC2, and EC2 of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from casemate.model.flows import FlowCount
from casemate.model.network import NetworkInterface, NetworkSnapshot
from casemate.policy.document import Policy


class Endpoints(Protocol):
    """VPC endpoint policies. Implemented by services.ec2."""

    def endpoint_policy(self, endpoint_id: str) -> Policy | None: ...


class Network(Protocol):
    """The network as other services see it. Implemented by services.ec2."""

    def snapshot(self) -> NetworkSnapshot:
        """The committed network. The same object until the next change."""
        ...


class InstanceFacts(Struct, frozen=True, kw_only=True):
    """What an explanation needs to know of an instance."""

    arn: str
    state: str
    """`running`, `stopped`, ..."""
    role_arn: str | None
    """Of its instance profile; None: what runs in it finds no credentials."""
    vpc_id: str
    private_ip: str
    """Of its primary interface."""
    interface_id: str | None
    """The primary one; None once it is terminated."""


class Instances(Protocol):
    """Implemented by services.ec2."""

    def instance_facts(self, *, account: str, region: str, instance_id: str) -> InstanceFacts | None:
        """None when there is no such instance there."""
        ...


class FunctionInterfaces(Protocol):
    """Hyperplane interfaces for Lambda. Implemented by services.ec2; call inside a transaction."""

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
        """The shared interface of (subnet, set of groups), made when there is none; `function_arn` becomes a user of it.

        With `ipv6` one that has an IPv6 address too; the subnet must have a block. AwsError InvalidParameterValue, InvalidSubnetID.NotFound, InvalidGroup.NotFound, InsufficientFreeAddressesInSubnet.
        """
        ...

    def release(self, *, interface_id: str, function_arn: str) -> None:
        """`function_arn` no longer uses it; an interface without users is deleted."""
        ...

    def vpc_of(self, *, account: str, region: str, subnet_id: str) -> str:
        """The VPC of a subnet; AwsError InvalidSubnetID.NotFound."""
        ...


class FlowObserver(Protocol):
    """Who makes flow log records of what the data plane counted. Implemented by services.ec2. Times are in seconds."""

    def observe(
        self, network: NetworkSnapshot, counts: Mapping[str, Sequence[FlowCount]], *, since: int, now: int
    ) -> None:
        """The totals by VPC, for every VPC that has logged interfaces."""
        ...

    def deliver(self, network: NetworkSnapshot, *, now: int, everything: bool = False) -> None:
        """Deliver what is due; with `everything` also what is not."""
        ...


class MeterReader(Protocol):
    """Meters of what costs by the gigabyte. Implemented by services.ec2."""

    def metered_vpcs(self) -> frozenset[str]:
        """VPCs with a meter that runs."""
        ...

    def read(self, vpc_id: str, counters: Mapping[str, int]) -> None:
        """Totals of bytes by counter, since the data plane began to count. Call inside a transaction."""
        ...
