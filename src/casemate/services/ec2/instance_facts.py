"""What others need to know of an instance: the port `Instances`."""

from __future__ import annotations

from casemate.servicekit.ports import InstanceFacts
from casemate.services.ec2.records import Instance
from casemate.services.ec2.state import Ec2State


def arn_of(instance: Instance) -> str:
    """`ec2:SourceInstanceARN` of its credentials."""
    return f"arn:aws:ec2:{instance.region}:{instance.account}:instance/{instance.id}"


class KnownInstances:
    """Implements `casemate.servicekit.ports.Instances`."""

    def __init__(self, state: Ec2State) -> None:
        self._state = state

    def instance_facts(self, *, account: str, region: str, instance_id: str) -> InstanceFacts | None:
        """None when there is no such instance there."""
        for instance in self._state.instances.everywhere():
            if (instance.id, instance.account, instance.region) == (instance_id, account, region):
                return self._facts(instance)
        return None

    def _facts(self, instance: Instance) -> InstanceFacts:
        profile = instance.profile
        found = (
            self._state.profiles.profile(instance.account, arn=profile.arn)
            if profile and self._state.profiles
            else None
        )
        interfaces = self._state.interfaces_of(instance)
        return InstanceFacts(
            arn=arn_of(instance),
            state=instance.state,
            role_arn=found.role_arn if found else None,
            vpc_id=instance.vpc_id,
            private_ip=instance.private_ip,
            interface_id=interfaces[0].id if interfaces else None,
        )
