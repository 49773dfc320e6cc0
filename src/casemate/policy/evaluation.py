"""The decision: every policy type asked, then combined in AWS's order.

Source: IAM User Guide, "How AWS enforcement code logic evaluates requests" and "Cross-account policy evaluation
logic". The combination, in the order of the code below:

1. An explicit deny in any policy decides.
2. Ceilings, each of which must allow: every level of SCPs, and the policy of the VPC endpoint the request came through.
   RCPs only deny: RCPFullAWSAccess is attached everywhere and cannot be detached.
3. The resource's policy must allow from another account, for a caller without identity policies (a service, an
   anonymous caller), and for roles (trust policy) and KMS keys.
4. What the resource's policy overrides in the same account, by how directly it names the caller (`Grant`).
5. Identity policies, permissions boundary, session policies: each that is left must allow.
"""

from __future__ import annotations

from collections.abc import Sequence

from casemate.model.principals import PrincipalKind
from casemate.policy.compiled import Question
from casemate.policy.decision import Decision, LayerTrace, Outcome, PolicyType, Reason, StatementTrace
from casemate.policy.layers import Layer, LayerKind
from casemate.policy.messages import caller_name, denial
from casemate.policy.principals import Grant
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet

ALWAYS_ALLOWED = frozenset({"sts:getcalleridentity"})
"""In lower case. "No permissions are required to perform this operation. If an administrator attaches a policy [...]
that explicitly denies access [...], you can still perform this operation" (STS API Reference, GetCallerIdentity)."""

DENY_ORDER = (
    PolicyType.SCP,
    PolicyType.RCP,
    PolicyType.ENDPOINT,
    PolicyType.RESOURCE,
    PolicyType.TRUST,
    PolicyType.IDENTITY,
    PolicyType.BOUNDARY,
    PolicyType.SESSION,
)
"""Which explicit deny is reported when several apply. AWS reports one and does not document which; from the widest
guardrail to the narrowest policy, so that what is reported is what the caller can least change."""

_RCP, _SCP, _ENDPOINT, _RESOURCE, _TRUST, _IDENTITY, _BOUNDARY, _SESSION = map(
    LayerKind,
    (
        PolicyType.RCP,
        PolicyType.SCP,
        PolicyType.ENDPOINT,
        PolicyType.RESOURCE,
        PolicyType.TRUST,
        PolicyType.IDENTITY,
        PolicyType.BOUNDARY,
        PolicyType.SESSION,
    ),
)
_ROOT_IDENTITY = Layer(LayerTrace(type=PolicyType.IDENTITY, outcome=Outcome.ALLOW))
"""The root user needs no identity policy."""


def evaluate(request: AuthorizationRequest, policies: PolicySet, *, with_policy_arn: bool = True) -> Decision:
    """May `request.principal` do `request.action` on `request.resource`?

    `with_policy_arn` False gives the message as AWS worded it before 2026.
    """
    question = Question(request)
    if question.action in ALWAYS_ALLOWED:
        return _decision(request, reason=Reason.ALWAYS_ALLOWED)
    layers = _Layers(request, policies, question)
    deciding = layers.explicit_deny() or layers.first_block()
    if deciding is not None:
        return _refusal(request, layers.traces(), deciding, with_policy_arn=with_policy_arn)
    return _decision(
        request, reason=Reason.ALLOWED, layers=layers.traces(), statement=layers.allowing_statement()
    )


class _Layers:
    """Every layer of one question, evaluated."""

    __slots__ = (
        "_must_allow",
        "_same_account",
        "_without_identity",
        "boundary",
        "endpoint",
        "identity",
        "ordered",
        "resource",
        "scps",
        "session",
    )

    def __init__(self, request: AuthorizationRequest, policies: PolicySet, question: Question) -> None:
        principal = request.principal
        kind = principal.kind
        # A service or an anonymous caller has no identity policies: only the resource's policy can let it in, and
        # SCPs, which bind the identities of an account, do not bind it.
        self._without_identity = kind is PrincipalKind.SERVICE or kind is PrincipalKind.ANONYMOUS
        self._same_account = principal.account == request.resource_account
        self._must_allow = policies.resource_must_allow or self._without_identity or not self._same_account
        # Neither SCPs nor RCPs affect service-linked roles (Organizations User Guide).
        exempt = principal.is_service_linked
        rcps = _levels(_RCP, () if exempt else policies.rcps, question)
        self.scps = _levels(_SCP, () if exempt or self._without_identity else policies.scps, question)
        self.endpoint = _ENDPOINT.judge_optional(
            policies.endpoint, question, root_only=policies.endpoint_is_gateway
        )
        attached = _TRUST if policies.resource_type is PolicyType.TRUST else _RESOURCE
        self.resource = attached.judge_optional(policies.resource, question)
        self.identity = self._identity(kind, policies, question)
        self.boundary = _BOUNDARY.judge_optional(policies.boundary, question)
        self.session = _SESSION.absent
        # A federated user's session made without a session policy "has no permissions" (STS, GetFederationToken).
        if policies.session or kind is PrincipalKind.FEDERATED_USER:
            self.session = _SESSION.judge(policies.session, question)
        self.ordered = (
            *rcps,
            *self.scps,
            self.endpoint,
            self.resource,
            self.identity,
            self.boundary,
            self.session,
        )

    def _identity(self, kind: PrincipalKind, policies: PolicySet, question: Question) -> Layer:
        if self._without_identity:
            return _IDENTITY.absent
        if kind is PrincipalKind.ROOT:
            return _ROOT_IDENTITY
        return _IDENTITY.judge(policies.identity, question)

    def traces(self) -> tuple[LayerTrace, ...]:
        """In the order of evaluation."""
        return tuple([layer.trace for layer in self.ordered])

    def explicit_deny(self) -> Layer | None:
        """The layer whose explicit deny is reported; None when nothing denies."""
        denying = [layer for layer in self.ordered if layer.deny is not None]
        if not denying:
            return None
        return min(denying, key=lambda layer: DENY_ORDER.index(layer.trace.type))

    def first_block(self) -> Layer | None:
        """The first layer that had to allow and did not; None when the request is allowed."""
        for ceiling in (*self.scps, self.endpoint):
            if ceiling.blocks:
                return ceiling
        granted = self.resource.grant
        if granted is Grant.NONE and self._must_allow:
            return self.resource
        if self._without_identity:
            return None
        overridden = granted if self._same_account else Grant.NONE
        if overridden is Grant.DIRECT:
            return None
        if overridden < Grant.ROLE and self.identity.blocks:
            return self.identity
        if self.boundary.blocks:
            return self.boundary
        return self.session if self.session.blocks else None

    def allowing_statement(self) -> StatementTrace | None:
        """Of the identity policies where they allow, else of the resource's policy."""
        return self.identity.allow or self.resource.allow


def _levels(kind: LayerKind, levels: Sequence[PolicyLevel], question: Question) -> tuple[Layer, ...]:
    if not levels:
        return (kind.absent,)
    return tuple([kind.judge(level.policies, question, level=level.target_id) for level in levels])


def _refusal(
    request: AuthorizationRequest, traces: tuple[LayerTrace, ...], layer: Layer, *, with_policy_arn: bool
) -> Decision:
    denying = layer.deny
    named = denying.policy if denying and with_policy_arn and _same_organization(request) else None
    return _decision(
        request,
        reason=Reason.NO_ALLOW if denying is None else Reason.EXPLICIT_DENY,
        layers=traces,
        decided_by=layer.trace.type,
        statement=denying,
        message=denial(
            caller=caller_name(request.principal),
            action=request.action,
            resource=request.resource,
            decided_by=layer.trace.type,
            explicit=denying is not None,
            policy_arn=named,
        ),
    )


def _same_organization(request: AuthorizationRequest) -> bool:
    """AWS names the policy only "in the same account or organization"."""
    if request.principal.account == request.resource_account:
        return True
    keys = {key.lower(): value for key, value in request.context.items()}
    organization = keys.get("aws:principalorgid")
    return organization is not None and organization == keys.get("aws:resourceorgid")


def _decision(
    request: AuthorizationRequest,
    *,
    reason: Reason,
    layers: tuple[LayerTrace, ...] = (),
    decided_by: PolicyType | None = None,
    statement: StatementTrace | None = None,
    message: str = "",
) -> Decision:
    return Decision(
        allowed=reason is Reason.ALLOWED or reason is Reason.ALWAYS_ALLOWED,
        reason=reason,
        principal=caller_name(request.principal),
        action=request.action,
        resource=request.resource,
        decided_by=decided_by,
        statement=statement,
        layers=layers,
        message=message,
    )
