"""What exists in an account before anybody could have asked for it."""

from __future__ import annotations

import json
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from casemate.model.ids import RandomBytes, unique_id
from casemate.servicekit.service import Params
from casemate.services.iam.secrets import new_secret
from casemate.services.iam.state import AccessKey, IamState, Role, User

ADMINISTRATOR = "admin"
ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"


class Bootstrap(Struct, frozen=True, kw_only=True):
    """Makes administrators, root keys and the access roles of member accounts (the port `MemberAccounts`)."""

    state: IamState
    random_bytes: RandomBytes

    def ensure_administrator(self, account: str, kept: tuple[str, str] | None = None) -> AccessKey:
        """User `admin` with AdministratorAccess and an active key; what is there already is kept.

        `kept` is the id and the secret of a new key, for keys that outlive the state (`casemate reset`).
        """
        with self.state.store.transaction():
            user = self.state.users.get(account, ADMINISTRATOR)
            if user is None:
                user = User(
                    account=account,
                    name=ADMINISTRATOR,
                    path="/",
                    id=unique_id("AIDA", self.random_bytes),
                    created=self._now(),
                )
            if ADMINISTRATOR_ACCESS not in user.attached:
                user = replace(user, attached=(*user.attached, ADMINISTRATOR_ACCESS))
                self.state.users.put((account, ADMINISTRATOR), user)
            return self._ensure_key(account, user.name, kept)

    def ensure_root_key(self, account: str) -> AccessKey:
        """An active access key of the account's root user."""
        with self.state.store.transaction():
            return self._ensure_key(account, None)

    def create_access_role(self, *, account: str, role_name: str, management_account: str) -> None:
        """As Organizations makes it: it trusts the management account and holds AdministratorAccess inline.

        Source: Organizations User Guide, "Accessing a member account that has OrganizationAccountAccessRole".
        """
        trust = _document(
            {"Principal": {"AWS": f"arn:aws:iam::{management_account}:root"}, "Action": "sts:AssumeRole"}
        )
        role = Role(
            account=account,
            name=role_name,
            path="/",
            id=unique_id("AROA", self.random_bytes),
            created=self._now(),
            trust=trust,
            inline={"AdministratorAccess": _document({"Action": "*", "Resource": "*"})},
        )
        self.state.roles.put((account, role_name.lower()), role)

    def _ensure_key(self, account: str, user: str | None, kept: tuple[str, str] | None = None) -> AccessKey:
        for key in self.state.keys.values():
            if key.account == account and key.user == user and key.active:
                return key
        key_id, secret = kept or (
            unique_id("AKIA", self.random_bytes, length=20),
            new_secret(self.random_bytes),
        )
        key = AccessKey(
            id=key_id,
            secret=secret,
            account=account,
            user=user,
            created=self._now(),
        )
        self.state.keys.put((key.id,), key)
        return key

    def _now(self) -> datetime:
        return self.state.clock().replace(microsecond=0)


def _document(statement: Params) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
