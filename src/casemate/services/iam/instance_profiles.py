"""Instance profiles as ec2 needs them: the port `InstanceProfiles`."""

from __future__ import annotations

from casemate.servicekit.ports import ProfileFacts
from casemate.services.iam.state import IamState


class IamInstanceProfiles:
    """Implements `casemate.servicekit.ports.InstanceProfiles`."""

    def __init__(self, state: IamState) -> None:
        self._state = state

    def profile(
        self, account: str, *, name: str | None = None, arn: str | None = None
    ) -> ProfileFacts | None:
        """By name or by ARN, both exact."""
        wanted = name or (arn or "").rsplit("/", 1)[-1]
        found = self._state.profiles.get(account, wanted.lower())
        if found is None or found.name != wanted or (arn is not None and found.arn != arn):
            return None
        role = self._state.roles.get(account, found.role.lower()) if found.role else None
        return ProfileFacts(
            arn=found.arn, name=found.name, profile_id=found.id, role_arn=role.arn if role else None
        )
