"""Sessions: temporary credentials and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from casemate.model.ids import RandomBytes
from casemate.model.principals import InstanceSource
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import AuthorizationMessages, Credentials, Directory, Organization
from casemate.servicekit.store import Collection, Store

SessionKind = Literal["role", "user", "root", "federated"]

_KEPT_AFTER_EXPIRY = timedelta(days=1)
"""So that a client with an old session hears that it expired, not that it never was."""
_PRUNED_EVERY = timedelta(minutes=10)


class Session(Struct, frozen=True, kw_only=True):
    """One set of temporary credentials."""

    access_key_id: str
    secret: str
    token: str
    kind: SessionKind
    account: str
    issued: datetime
    expires: datetime
    name: str = ""
    """RoleSessionName, or the name of the federated user."""
    role_arn: str | None = None
    user_name: str | None = None
    """The user who asked, for "user" and "federated"."""
    issuer_id: str = ""
    """AROA... or AIDA...: a session dies with the role or the user it was made of, even when the name lives on."""
    tags: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    transitive: tuple[str, ...] = ()
    """Keys of the session tags that roles assumed from this session inherit."""
    policies: tuple[str, ...] = ()
    """Documents of the session policies."""
    source_identity: str | None = None
    function_arn: str | None = None
    instance: InstanceSource | None = None
    mfa: bool = False
    """Made with a code of an MFA device, by GetSessionToken."""


@dataclass(kw_only=True)
class StsState:
    """The sessions of every account, and who STS asks about identities."""

    store: Store
    clock: Clock
    random_bytes: RandomBytes
    directory: Directory
    access_keys: Credentials
    """Long-term keys."""
    organization: Organization
    messages: AuthorizationMessages | None = None
    """None: nothing encodes messages, so none can be decoded."""
    sessions: Collection[Session] = field(init=False)
    _pruned: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.sessions = self.store.collection("sts.sessions", Session)

    def keep(self, session: Session) -> None:
        """Store a new session, and now and then forget those that expired long ago. Inside a transaction."""
        self.sessions.put((session.access_key_id,), session)
        if self._pruned is not None and session.issued - self._pruned < _PRUNED_EVERY:
            return
        self._pruned = session.issued
        for old in self.sessions.values():
            if old.expires + _KEPT_AFTER_EXPIRY < session.issued:
                self.sessions.delete(old.access_key_id)
