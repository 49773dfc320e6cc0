"""AWS Identity and Access Management.

Modelled: users, groups, roles, service-linked roles, instance profiles, access keys, inline and managed policies with
their versions, all AWS managed policies (`managed`), permissions boundaries, tags, the account's alias and summary, the
policy simulator (`simulator`). Not modelled: passwords and login profiles, hardware MFA devices, SAML and OIDC providers, server
certificates, service-specific credentials, credential reports, last-used times and the access advisor. AWS makes
changes visible eventually; here they are visible at once.

Belongs here: who exists and which policies they hold. Does not belong here: sessions (`sts`), evaluation (`policy`).
"""

from __future__ import annotations

from casemate.servicekit.clock import Clock
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.iam.registry import operations as registered
from casemate.services.iam.state import IamState

__all__ = ["build"]


def build(store: Store, *, clock: Clock) -> Service[IamState]:
    """The service. `IamDirectory`, `AccessKeyCredentials` and `Bootstrap` stand on its state."""
    return Service(operations=registered, state=IamState(store, clock))
