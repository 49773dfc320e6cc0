"""Making sessions, and sessions as credentials."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from casemate.model.ids import unique_id
from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.ports import AssumableRole, Credential
from casemate.services.sts.state import Session, SessionKind, StsState

_TOKEN_PREFIX = "IQoJb3JpZ2luX2Vj"  # noqa: S105 - what every token of AWS begins with ("origin_ec", tagged)

_MOST_KEPT = 20_000


def new_session(
    state: StsState, *, kind: SessionKind, account: str, duration_seconds: int, **members: Any
) -> Session:
    """Make and keep a session; `members` are further members of `Session`. Inside a transaction."""
    issued = state.clock().replace(microsecond=0)
    session = Session(
        access_key_id=unique_id("ASIA", state.random_bytes, length=20),
        secret=base64.b64encode(state.random_bytes(30)).decode(),
        token=_TOKEN_PREFIX + base64.b64encode(state.random_bytes(96)).decode(),
        kind=kind,
        account=account,
        issued=issued,
        expires=issued + timedelta(seconds=duration_seconds),
        **members,
    )
    state.keep(session)
    return session


def session_arn(role_arn: str, session_name: str) -> str:
    """ARN of a session of a role: without the role's path."""
    account, name = role_arn.split(":", 5)[4], role_arn.rsplit("/", 1)[1]
    return f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}"


def role_principal(session: Session, role: AssumableRole) -> Principal:
    """The principal of a role session. Session tags go over the role's (IAM User Guide, "Passing session tags")."""
    return Principal(
        kind=PrincipalKind.ROLE_SESSION,
        arn=session_arn(role.arn, session.name),
        account=session.account,
        user_id=f"{role.role_id}:{session.name}",
        role_arn=role.arn,
        session_name=session.name,
        access_key_id=session.access_key_id,
        tags=overlaid(role.tags, session.tags),
        session_policies=session.policies,
        source_identity=session.source_identity,
        source_function_arn=session.function_arn,
        source_instance=session.instance,
        token_issued=session.issued,
        is_service_linked=role.is_service_linked,
    )


def overlaid(below: Mapping[str, str], above: dict[str, str]) -> dict[str, str]:
    """Tags of an identity with those of a session over them; keys that differ in case only are the same."""
    replaced = {key.lower() for key in above}
    return {**{key: value for key, value in below.items() if key.lower() not in replaced}, **above}


def credential_of(session: Session, principal: Principal) -> Credential:
    """What the gateway verifies signatures against."""
    return Credential(
        access_key_id=session.access_key_id,
        secret_access_key=session.secret,
        principal=principal,
        session_token=session.token,
        expires=session.expires,
        mfa_authenticated=session.issued if session.mfa else None,
    )


class SessionCredentials:
    """Implements the port `Credentials` for ASIA keys."""

    def __init__(self, state: StsState) -> None:
        self._state = state
        self._kept: dict[str, tuple[Session, AssumableRole | Principal | None, Credential]] = {}

    def credential(self, access_key_id: str) -> Credential | None:
        """The session's credential, expired ones included; None when unknown or when its role or user is gone."""
        session = self._state.sessions.get(access_key_id)
        if session is None:
            self._kept.pop(access_key_id, None)
            return None
        issuer = self._issuer(session)
        if issuer is None and session.kind != "root":
            return None
        kept = self._kept.get(access_key_id)
        if kept is not None and kept[0] is session and kept[1] is issuer:
            return kept[2]
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        credential = credential_of(session, _principal(session, issuer))
        self._kept[access_key_id] = (session, issuer, credential)
        return credential

    def _issuer(self, session: Session) -> AssumableRole | Principal | None:
        """The role or the user behind a session, if it is still the same one."""
        if session.role_arn is not None:
            role = self._state.directory.role(session.role_arn)
            return role if role is not None and role.role_id == session.issuer_id else None
        if session.user_name is not None:
            user = self._state.directory.user(session.account, session.user_name)
            return user if user is not None and user.user_id == session.issuer_id else None
        return None


def _principal(session: Session, issuer: AssumableRole | Principal | None) -> Principal:
    if isinstance(issuer, AssumableRole):
        return role_principal(session, issuer)
    if issuer is not None and session.kind == "user":
        return replace(issuer, access_key_id=session.access_key_id, token_issued=session.issued)
    root = Principal(
        kind=PrincipalKind.ROOT,
        arn=f"arn:aws:iam::{session.account}:root",
        account=session.account,
        user_id=session.account,
        access_key_id=session.access_key_id,
        token_issued=session.issued,
    )
    if session.kind == "root":
        return root
    return replace(
        root,
        kind=PrincipalKind.FEDERATED_USER,
        arn=f"arn:aws:sts::{session.account}:federated-user/{session.name}",
        user_id=f"{session.account}:{session.name}",
        session_name=session.name,
        tags=overlaid(issuer.tags if issuer else {}, session.tags),
        session_policies=session.policies,
        issuer_user_name=session.user_name,
        issuer_arn=issuer.arn if issuer else None,
    )
