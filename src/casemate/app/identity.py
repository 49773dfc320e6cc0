"""Who there is: IAM, STS and Organizations, wired to one another."""

from __future__ import annotations

import os

from casemate.app.options import ACCOUNTS, WORKLOAD_ACCOUNT
from casemate.gateway.data_directory import DataDirectory
from casemate.gateway.failures import KEY_BYTES, SealedMessages
from casemate.servicekit.clock import system_clock
from casemate.servicekit.credentials import AnyCredentials, JoinedCredentials
from casemate.servicekit.ports import Credentials
from casemate.servicekit.store import Store
from casemate.services import iam, organizations, sts
from casemate.services.iam.bootstrap import Bootstrap
from casemate.services.iam.credentials import AccessKeyCredentials
from casemate.services.iam.identities import IamDirectory
from casemate.services.iam.instance_profiles import IamInstanceProfiles
from casemate.services.iam.last_uses import IamCredentialUses
from casemate.services.iam.linked_roles import IamServiceLinkedRoles
from casemate.services.organizations.membership import OrganizationMembership
from casemate.services.sts.credentials import SessionCredentials
from casemate.services.sts.service_sessions import ServiceSessions


class Identity:
    """The three services, and the ports that others take from them."""

    def __init__(self, store: Store, directory: DataDirectory, *, accept_any: bool) -> None:
        self.messages = SealedMessages(directory.secret("authorization-messages.key", KEY_BYTES))
        self.iam = iam.build(store, clock=system_clock)
        bootstrap = Bootstrap(state=self.iam.state, random_bytes=os.urandom)
        self.directory = IamDirectory(self.iam.state)
        access_keys = AccessKeyCredentials(self.iam.state, self.directory)
        self.organizations = organizations.build(
            store, clock=system_clock, random_bytes=os.urandom, members=bootstrap
        )
        self.organization = OrganizationMembership(self.organizations.state)
        self.iam.state.organization = self.organization
        self.sts = sts.build(
            store,
            clock=system_clock,
            random_bytes=os.urandom,
            directory=self.directory,
            access_keys=access_keys,
            organization=self.organization,
            messages=self.messages,
        )
        self.role_sessions = ServiceSessions(self.sts.state)
        self.uses = IamCredentialUses(self.iam.state)
        self.linked_roles = IamServiceLinkedRoles(self.iam.state)
        self.instance_profiles = IamInstanceProfiles(self.iam.state)
        _ensure_administrators(bootstrap, directory)
        self.credentials: Credentials = JoinedCredentials(access_keys, SessionCredentials(self.sts.state))
        if accept_any:
            administrator = self.directory.user(WORKLOAD_ACCOUNT, "admin")
            assert administrator is not None
            self.credentials = AnyCredentials(self.credentials, administrator)


def _ensure_administrators(bootstrap: Bootstrap, directory: DataDirectory) -> None:
    """An administrator in each account; its key, kept beside the state, survives `casemate reset`."""
    known = directory.read_credentials()
    keys: dict[str, dict[str, str]] = {}
    for account in ACCOUNTS:
        kept = known.get(account)
        pair = (kept["access_key_id"], kept["secret_access_key"]) if kept else None
        key = bootstrap.ensure_administrator(account, pair)
        keys[account] = {"access_key_id": key.id, "secret_access_key": key.secret}
    directory.write_credentials(keys)
