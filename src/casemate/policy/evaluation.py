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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from casemate.model.principals import PrincipalKind
from casemate.policy.compiled import Question, compile_policy
from casemate.policy.decision import Decision, LayerTrace, Outcome, PolicyType, Reason, StatementTrace
from casemate.policy.document import Policy
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

_WITHOUT_IDENTITY = frozenset({PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS})
"""Callers that have no identity policies: only the resource's policy can let them in, and SCPs do not bind them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layer:
    """One layer's answer."""

    trace: LayerTrace
    deny: StatementTrace | None = None
    """The first explicit deny."""
    allow: StatementTrace | None = None
    """The statement that allows: the one that names the caller most directly."""
    grant: Grant = Grant.NONE
    """How directly the allowing statement names the caller."""

    @property
    def blocks(self) -> bool:
        return self.trace.outcome is Outcome.IMPLICIT_DENY


_ABSENT = {kind: _Layer(trace=LayerTrace(type=kind, outcome=Outcome.NOT_APPLICABLE)) for kind in PolicyType}
_ROOT_IDENTITY = _Layer(trace=LayerTrace(type=PolicyType.IDENTITY, outcome=Outcome.ALLOW))
"""The root user needs no identity policy."""


def evaluate(request: AuthorizationRequest, policies: PolicySet, *, with_policy_arn: bool = True) -> Decision:
    """May `request.principal` do `request.action` on `request.resource`?

    `with_policy_arn` False gives the message as AWS worded it before 2026.
    """
    if request.action.lower() in ALWAYS_ALLOWED:
        return _decision(request, reason=Reason.ALWAYS_ALLOWED)
    layers = _Layers(request, policies)
    traces = tuple(layer.trace for layer in layers.in_order())
    denied = layers.explicit_deny()
    if denied is not None:
        return _refusal(request, traces, denied, with_policy_arn=with_policy_arn)
    blocking = layers.first_block()
    if blocking is not None:
        return _refusal(request, traces, blocking, with_policy_arn=with_policy_arn)
    return _decision(request, reason=Reason.ALLOWED, layers=traces, statement=layers.allowing_statement())


class _Layers:
    """Every layer of one question, evaluated."""

    __slots__ = (
        "_request",
        "boundary",
        "endpoint",
        "identity",
        "policies",
        "rcps",
        "resource",
        "scps",
        "session",
    )

    def __init__(self, request: AuthorizationRequest, policies: PolicySet) -> None:
        question = Question(request)
        self._request = request
        self.policies = policies
        principal = request.principal
        bound = not principal.is_service_linked
        self.rcps = _levels(PolicyType.RCP, policies.rcps if bound else (), question)
        scps_bind = bound and principal.kind not in _WITHOUT_IDENTITY
        self.scps = _levels(PolicyType.SCP, policies.scps if scps_bind else (), question)
        self.endpoint = _optional(
            PolicyType.ENDPOINT, policies.endpoint, question, root_only=policies.endpoint_is_gateway
        )
        self.resource = _optional(policies.resource_type, policies.resource, question)
        self.identity = self._identity(question)
        self.boundary = _optional(PolicyType.BOUNDARY, policies.boundary, question)
        self.session = self._session(question)

    def _identity(self, question: Question) -> _Layer:
        kind = question.principal.kind
        if kind in _WITHOUT_IDENTITY:
            return _ABSENT[PolicyType.IDENTITY]
        if kind is PrincipalKind.ROOT:
            return _ROOT_IDENTITY
        return _judge(PolicyType.IDENTITY, self.policies.identity, question)

    def _session(self, question: Question) -> _Layer:
        """A federated user's session without a session policy "has no permissions" (STS, GetFederationToken)."""
        if self.policies.session or question.principal.kind is PrincipalKind.FEDERATED_USER:
            return _judge(PolicyType.SESSION, self.policies.session, question)
        return _ABSENT[PolicyType.SESSION]

    def in_order(self) -> Iterator[_Layer]:
        """The order of evaluation."""
        yield from self.rcps
        yield from self.scps
        yield self.endpoint
        yield self.resource
        yield self.identity
        yield self.boundary
        yield self.session

    def explicit_deny(self) -> _Layer | None:
        """The layer whose explicit deny is reported; None when nothing denies."""
        denying = [layer for layer in self.in_order() if layer.deny is not None]
        if not denying:
            return None
        return min(denying, key=lambda layer: DENY_ORDER.index(layer.trace.type))

    def first_block(self) -> _Layer | None:
        """The first layer that had to allow and did not; None when the request is allowed."""
        for ceiling in (*self.scps, self.endpoint):
            if ceiling.blocks:
                return ceiling
        granted = self.resource.grant
        if granted is Grant.NONE and self._resource_must_allow():
            return self.resource
        if self._request.principal.kind in _WITHOUT_IDENTITY:
            return None
        overridden = granted if self._same_account() else Grant.NONE
        if overridden is Grant.DIRECT:
            return None
        if overridden < Grant.ROLE and self.identity.blocks:
            return self.identity
        return next((layer for layer in (self.boundary, self.session) if layer.blocks), None)

    def _same_account(self) -> bool:
        return self._request.principal.account == self._request.resource_account

    def _resource_must_allow(self) -> bool:
        return (
            self.policies.resource_must_allow
            or self._request.principal.kind in _WITHOUT_IDENTITY
            or not self._same_account()
        )

    def allowing_statement(self) -> StatementTrace | None:
        """Of the identity policies where they allow, else of the resource's policy."""
        return self.identity.allow or self.resource.allow


def _levels(kind: PolicyType, levels: Sequence[PolicyLevel], question: Question) -> tuple[_Layer, ...]:
    if not levels:
        return (_ABSENT[kind],)
    return tuple(_judge(kind, level.policies, question, level=level.target_id) for level in levels)


def _optional(
    kind: PolicyType, policy: Policy | None, question: Question, *, root_only: bool = False
) -> _Layer:
    return _ABSENT[kind] if policy is None else _judge(kind, (policy,), question, root_only=root_only)


def _judge(
    kind: PolicyType,
    policies: Sequence[Policy],
    question: Question,
    *,
    level: str = "",
    root_only: bool = False,
) -> _Layer:
    """All statements of one layer. `root_only`: naming an account names its root user alone (gateway endpoints)."""
    statements: list[StatementTrace] = []
    deny: StatementTrace | None = None
    allow: StatementTrace | None = None
    best = Grant.NONE
    for policy in policies:
        for entry in compile_policy(policy).plan(question):
            grant = Grant.DIRECT
            if isinstance(entry, StatementTrace):
                trace = entry
            else:
                grant = entry.grant(question.principal)
                if grant is Grant.NONE or (root_only and grant is Grant.ACCOUNT):
                    trace = entry.failed_principal
                else:
                    trace = entry.evaluate(question)
            statements.append(trace)
            if not trace.applied:
                continue
            if trace.effect is Outcome.EXPLICIT_DENY:
                deny = deny or trace
            elif grant > best:
                allow, best = trace, grant
    # RCPFullAWSAccess "cannot be detached": the absence of an Allow in an RCP level never decides.
    outcome = (
        Outcome.EXPLICIT_DENY
        if deny
        else Outcome.ALLOW
        if allow or kind is PolicyType.RCP
        else Outcome.IMPLICIT_DENY
    )
    trace = LayerTrace(type=kind, outcome=outcome, level=level, statements=tuple(statements))
    return _Layer(trace=trace, deny=deny, allow=allow, grant=best)


def _refusal(
    request: AuthorizationRequest, traces: tuple[LayerTrace, ...], layer: _Layer, *, with_policy_arn: bool
) -> Decision:
    explicit = layer.deny is not None
    named = layer.deny.policy if layer.deny and with_policy_arn and _same_organization(request) else None
    message = denial(
        caller=caller_name(request.principal),
        action=request.action,
        resource=request.resource,
        decided_by=layer.trace.type,
        explicit=explicit,
        policy_arn=named,
    )
    return _decision(
        request,
        reason=Reason.EXPLICIT_DENY if explicit else Reason.NO_ALLOW,
        layers=traces,
        decided_by=layer.trace.type,
        statement=layer.deny,
        message=message,
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
        allowed=reason in {Reason.ALLOWED, Reason.ALWAYS_ALLOWED},
        reason=reason,
        principal=caller_name(request.principal),
        action=request.action,
        resource=request.resource,
        decided_by=decided_by,
        statement=statement,
        layers=layers,
        message=message,
    )
