"""Credentials put together: several sources as one, and the convention of other emulators on request."""

from __future__ import annotations

from casemate.model.principals import Principal
from casemate.servicekit.ports import Credential, Credentials


class JoinedCredentials:
    """Access keys of IAM and session credentials of STS, as one port."""

    def __init__(self, *sources: Credentials) -> None:
        self._sources = sources

    def credential(self, access_key_id: str) -> Credential | None:
        """From the first source that knows the key."""
        for source in self._sources:
            found = source.credential(access_key_id)
            if found is not None:
                return found
        return None


class AnyCredentials:
    """`--accept-any-credentials`: an unknown key whose secret is `test` acts as the workload's administrator."""

    def __init__(self, known: Credentials, administrator: Principal) -> None:
        self._known = known
        self._administrator = administrator

    def credential(self, access_key_id: str) -> Credential | None:
        """The known credential, or the administrator's."""
        found = self._known.credential(access_key_id)
        if found is not None:
            return found
        return Credential(
            access_key_id=access_key_id,
            secret_access_key="test",  # noqa: S106 the convention of other emulators
            principal=self._administrator,
        )
