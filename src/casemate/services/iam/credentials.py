"""Long-term access keys as credentials."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.memo import Memo, Reads
from casemate.servicekit.ports import Credential
from casemate.services.iam.identities import IamDirectory
from casemate.services.iam.state import IamState


class AccessKeyCredentials:
    """Implements the port `Credentials` for AKIA keys."""

    def __init__(self, state: IamState, directory: IamDirectory) -> None:
        self._state = state
        self._directory = directory
        self._kept: Memo[Credential | None] = Memo()

    def credential(self, access_key_id: str) -> Credential | None:
        """The key's credential, inactive ones included; None when there is no such key."""
        return self._kept.get(access_key_id, lambda reads: self._make(reads, access_key_id))

    def _make(self, reads: Reads, access_key_id: str) -> Credential | None:
        key = reads.get(self._state.keys, access_key_id)
        if key is None:
            return None
        if key.user is None:
            principal = _root(key.account)
        else:
            reads.get(self._state.users, key.account, key.user.lower())
            user = self._directory.user(key.account, key.user)
            # INVARIANT: a user that has access keys can't be deleted.
            assert user is not None, f"{key.id} belongs to nobody"
            principal = user
        return Credential(
            access_key_id=key.id,
            secret_access_key=key.secret,
            principal=replace(principal, access_key_id=key.id),
            active=key.active,
        )


def _root(account: str) -> Principal:
    return Principal(
        kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{account}:root", account=account, user_id=account
    )
