"""AWS Security Token Service.

Modelled: GetCallerIdentity, AssumeRole (trust policies, external ids, session tags with transitive ones, source
identity, session policies, MFA, role chaining and its hour), GetSessionToken, GetFederationToken, GetAccessKeyInfo,
DecodeAuthorizationMessage, and the sessions that services make of roles. Not modelled: web identity and SAML (no
providers exist, so they are refused as AWS refuses them), AssumeRoot, packed sizes beyond plain text. Tokens are opaque
and stored. What sessions cannot call at all is the gateway's to refuse (`gateway/session_reach.py`).

Who may assume a role is decided by the pipeline, not here: a role's trust policy is its resource policy.
"""

from __future__ import annotations

from casemate.model.ids import RandomBytes
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import AuthorizationMessages, Credentials, Directory, Organization
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.sts.registry import operations as registered
from casemate.services.sts.state import StsState

__all__ = ["build"]


_NOBODY = Policy(label="no such role", version="2012-10-17", statements=(), document="")


def build(
    store: Store,
    *,
    clock: Clock,
    random_bytes: RandomBytes,
    directory: Directory,
    access_keys: Credentials,
    organization: Organization,
    messages: AuthorizationMessages | None = None,
) -> Service[StsState]:
    """The service. `SessionCredentials` and `ServiceSessions` stand on its state."""

    def trust_policy(arn: str) -> Policy | None:
        """The trust policy of a role; one that admits nobody for a role that does not exist.

        None for what is no role: `*`, the federated user of GetFederationToken.
        """
        role = directory.role(arn)
        if role is not None:
            return role.trust
        return _NOBODY if ":role/" in arn else None

    return Service(
        operations=registered,
        state=StsState(
            store=store,
            clock=clock,
            random_bytes=random_bytes,
            directory=directory,
            access_keys=access_keys,
            organization=organization,
            messages=messages,
        ),
        resource_policies=trust_policy,
        resource_policy_type=PolicyType.TRUST,
        resource_must_allow=True,
    )
