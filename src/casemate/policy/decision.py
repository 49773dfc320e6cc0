"""A decision carries its explanation: every policy layer, every statement, and why each matched or did not."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class PolicyType(Enum):
    """The kinds of policy that can take part; the value is the words AWS uses for it in a denial."""

    RCP = "resource control policy"
    SCP = "service control policy"
    ENDPOINT = "VPC endpoint policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"
    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


class Outcome(Enum):
    """What one layer, or one statement, says."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"
    NOT_APPLICABLE = "notApplicable"
    """The layer does not take part in this request (no endpoint was passed, the management account has no SCPs)."""


class Element(Enum):
    """The element of a statement that kept it from applying."""

    PRINCIPAL = "Principal"
    ACTION = "Action"
    RESOURCE = "Resource"
    CONDITION = "Condition"


class ConditionTrace(Struct, frozen=True, kw_only=True):
    """One operator and key of a Condition block."""

    operator: str
    key: str
    expected: tuple[str, ...]
    """The policy's values, with policy variables replaced."""
    actual: tuple[str, ...] | None
    """The request's values; None when the key is absent."""
    matched: bool


class StatementTrace(Struct, frozen=True, kw_only=True):
    """One statement against one request."""

    policy: str
    """ARN of the policy, or a label for a policy that has none (`inline:read-orders`, `vpce-...`)."""
    index: int
    sid: str | None
    effect: Outcome
    """ALLOW or EXPLICIT_DENY: what it would do if it applied."""
    applied: bool
    failed: Element | None = None
    """The first element that did not match; None when it applied."""
    wanted: tuple[str, ...] = ()
    """What that element lists, where it is Resource or Principal; empty for their Not- forms, and for Action, which may
    list hundreds of names."""
    conditions: tuple[ConditionTrace, ...] = ()


class LayerTrace(Struct, frozen=True, kw_only=True):
    """All policies of one type. SCPs and RCPs give one layer per level of the organization's tree."""

    type: PolicyType
    outcome: Outcome
    level: str = ""
    """For SCPs and RCPs: the root, OU or account the policies are attached to."""
    statements: tuple[StatementTrace, ...] = ()


class Reason(Enum):
    """Why the decision is what it is."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicit deny"
    NO_ALLOW = "no policy of the deciding type allows it"
    ALWAYS_ALLOWED = "the action needs no permission"
    """sts:GetCallerIdentity."""


class Decision(Struct, frozen=True, kw_only=True):
    """The answer to one authorization question."""

    allowed: bool
    reason: Reason
    principal: str
    """ARN as AWS prints it in a denial (the session ARN for a role session)."""
    action: str
    """As asked: `dynamodb:GetItem`."""
    resource: str
    """ARN, or `*`."""
    decided_by: PolicyType | None = None
    """The type of policy that refused; None when allowed."""
    statement: StatementTrace | None = None
    """The statement that decided: the deny of an explicit denial, an allowing one of an allow."""
    layers: tuple[LayerTrace, ...] = ()
    """In the order of evaluation."""
    message: str = ""
    """AWS's AccessDenied text; empty when allowed."""
