"""When credentials were last used, kept for as long as AWS reports it.

A use is a request that was authenticated, whatever was decided on it. It is written at most once a minute for each role
and key: last uses are for finding what nobody uses any more, not for following a caller (that is the trail's).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from casemate.model.principals import Principal, PrincipalKind
from casemate.model.regions import GLOBAL_SERVICES
from casemate.services.iam.state import IamState, LastUse

_WRITTEN_EVERY = timedelta(minutes=1)
_MOST_NOTED = 1024
_REPORTED_FOR = timedelta(days=400)
""" "Activity is only reported for the trailing 400 days" (API Reference, RoleLastUsed)."""


class IamCredentialUses:
    """Implements the port `CredentialUses`."""

    def __init__(self, state: IamState) -> None:
        self._state = state
        self._noted: dict[int, tuple[Principal, datetime]] = {}
        """By the identity of a principal, which the value keeps alive: until when nothing is to be written of it."""
        self._generation = -1

    def used(self, principal: Principal, *, service: str, region: str, now: datetime) -> datetime | None:
        """Note that `principal` made a request of `service`; up to when nothing is to be written of it."""
        if self._generation != self._state.store.generation or len(self._noted) > _MOST_NOTED:
            self._noted.clear()
            self._generation = self._state.store.generation
        noted = self._noted.get(id(principal))
        if noted is not None and now < noted[1]:
            return noted[1]
        owner = _used_thing(self._state, principal)
        if owner is None:
            return None
        before = self._state.last_uses.get(owner)
        if before is not None and now - before.at < _WRITTEN_EVERY:
            self._noted[id(principal)] = principal, before.at + _WRITTEN_EVERY
            return before.at + _WRITTEN_EVERY
        # IAM's times are whole seconds.
        at = now.replace(microsecond=0)
        use = LastUse(at=at, service=service, region=GLOBAL_SERVICES.get(service, region))
        with self._state.store.transaction():
            self._state.last_uses.put((owner,), use)
        return None


def _used_thing(state: IamState, principal: Principal) -> str | None:
    """The id of what was used, if it is still there: of the role behind a session, or of a long-term key."""
    if principal.kind is PrincipalKind.ROLE_SESSION and principal.role_arn is not None:
        role = state.roles.get(principal.account, principal.role_arn.rsplit("/", 1)[1].lower())
        return None if role is None else role.id
    key = principal.access_key_id or ""
    return key if state.keys.get(key) is not None else None


def last_use(state: IamState, owner: str, now: datetime) -> LastUse | None:
    """The last use of a role or a key, by its id, if it is not too long ago to be reported."""
    use = state.last_uses.get(owner)
    return use if use is not None and now - use.at <= _REPORTED_FOR else None
