"""The decision: every policy type that takes part asked, then combined in AWS's order.

Here: who takes part. `combination` has AWS's order.
"""

from __future__ import annotations

from collections.abc import Sequence

from casemate.model.principals import PrincipalKind
from casemate.policy.combination import Combined, combine
from casemate.policy.compiled import Question
from casemate.policy.decision import Decision, LayerTrace, Outcome, PolicyType, Reason, StatementTrace
from casemate.policy.layers import Layer, LayerKind
from casemate.policy.messages import caller_name, denial
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet

ALWAYS_ALLOWED = frozenset({"sts:getcalleridentity"})
"""In lower case. "No permissions are required to perform this operation. If an administrator attaches a policy [...]
that explicitly denies access [...], you can still perform this operation" (STS API Reference, GetCallerIdentity)."""

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
    if request.action.lower() in ALWAYS_ALLOWED:
        return _decision(request, reason=Reason.ALWAYS_ALLOWED)
    combined = _ask(request, policies, Question(request, bounded=policies.boundary is not None))
    if combined.deciding is not None:
        return _refusal(request, combined.traces, combined.deciding, with_policy_arn=with_policy_arn)
    return _decision(
        request, reason=Reason.ALLOWED, layers=combined.traces, statement=combined.allowing_statement
    )


def _ask(request: AuthorizationRequest, policies: PolicySet, question: Question) -> Combined:
    """Every layer asked, and their answers combined."""
    principal = request.principal
    kind = principal.kind
    # A service or an anonymous caller has no identity policies: only the resource's policy can let it in, and
    # SCPs, which bind the identities of an account, do not bind it.
    without_identity = kind is PrincipalKind.SERVICE or kind is PrincipalKind.ANONYMOUS
    # Neither SCPs nor RCPs affect service-linked roles (Organizations User Guide).
    exempt = principal.is_service_linked
    attached = _TRUST if policies.resource_type is PolicyType.TRUST else _RESOURCE
    if without_identity:
        identity = _IDENTITY.absent
    elif kind is PrincipalKind.ROOT:
        identity = _ROOT_IDENTITY
    else:
        identity = _IDENTITY.judge(policies.identity, question)
    # A federated user's session made without a session policy "has no permissions" (STS, GetFederationToken).
    in_session = policies.session or kind is PrincipalKind.FEDERATED_USER
    return combine(
        _levels(_RCP, () if exempt else policies.rcps, question),
        _levels(_SCP, () if exempt or without_identity else policies.scps, question),
        (
            _ENDPOINT.judge_optional(policies.endpoint, question, root_only=policies.endpoint_is_gateway),
            attached.judge_optional(policies.resource, question),
            identity,
            _BOUNDARY.judge_optional(policies.boundary, question),
            _SESSION.judge(policies.session, question) if in_session else _SESSION.absent,
        ),
        (principal.account == request.resource_account, policies.resource_must_allow, without_identity),
    )


def _levels(kind: LayerKind, levels: Sequence[PolicyLevel], question: Question) -> tuple[Layer, ...]:
    if not levels:
        return kind.none
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
