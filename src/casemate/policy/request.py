"""The question put to the engine: who, what, on what, in which circumstances, under which policies."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from casemate.model.principals import Principal
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy


class AuthorizationRequest(Struct, frozen=True, kw_only=True):
    """One action on one resource."""

    principal: Principal
    action: str
    """`dynamodb:GetItem`, in the case of the service authorization reference."""
    resource: str
    """ARN, or `*`."""
    resource_account: str
    """Owner of the resource; the caller's account when the resource is `*`."""
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict[str, str | tuple[str, ...]])
    """Condition keys present in the request: `str` for single-valued, a tuple for multi-valued ones. Names compare
    without regard to case. A key that is not here is absent, which operators treat by their own rules."""


class PolicyLevel(Struct, frozen=True, kw_only=True):
    """The SCPs or RCPs of one level on the way from the organization's root to the account."""

    target_id: str
    """`r-...`, `ou-...` or the account id."""
    policies: tuple[Policy, ...]


class PolicySet(Struct, frozen=True, kw_only=True):
    """Every policy that applies to a request."""

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] = ()
    """Empty: no session policy was passed, so the layer does not apply."""
    scps: tuple[PolicyLevel, ...] = ()
    """Root first; empty when SCPs do not bind this principal."""
    rcps: tuple[PolicyLevel, ...] = ()
    """Root first; empty when RCPs do not bind this resource."""
    endpoint: Policy | None = None
    """The policy of the VPC endpoint the request came through; None: it came through none."""
    endpoint_is_gateway: bool = False
    """True for a gateway endpoint, in whose policy an account as Principal means that account's root user only."""
    resource: Policy | None = None
    resource_type: PolicyType = PolicyType.RESOURCE
    """RESOURCE, or TRUST for the role of sts:AssumeRole."""
    resource_must_allow: bool = False
    """True where the resource's policy must allow even in the same account (role trust policies, KMS key policies)."""
