"""AWS Organizations.

Modelled: one organization that exists from the start, with management account 111111111111 and workload account
000000000000 under its root, all features on, service control policies and resource control policies enabled from the
start (with FullAWSAccess and RCPFullAWSAccess attached everywhere they change nothing until a policy is attached);
organizational units, accounts (created at once, each with the role OrganizationAccountAccessRole), policies and their
attachments, tags, the list of services with trusted access. Not modelled: other policy types, invitations and
handshakes, removing and closing accounts, delegated administrators, effective policies; the quota of ten accounts.

Belongs here: who is in the organization, and which of its policies are on the way to an account.
"""

from __future__ import annotations

from casemate.model.ids import RandomBytes
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import MemberAccounts
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.organizations.registry import operations as registered
from casemate.services.organizations.state import MANAGEMENT_ACCOUNT, WORKLOAD_ACCOUNT, OrganizationsState

__all__ = ["MANAGEMENT_ACCOUNT", "WORKLOAD_ACCOUNT", "build"]


def build(
    store: Store, *, clock: Clock, random_bytes: RandomBytes, members: MemberAccounts
) -> Service[OrganizationsState]:
    """The service. `OrganizationMembership` stands on its state."""
    state = OrganizationsState(store, clock=clock, random_bytes=random_bytes, members=members)
    return Service(operations=registered, state=state)
