"""authorize: gather every policy that applies to a request, ask the engine, keep its answer, refuse with AWS's error.

The engine decides (`casemate.policy.evaluation`); here is only who brings which policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from casemate.gateway.context_keys import (
    Values,
    network_keys,
    principal_keys,
    resource_keys,
)
from casemate.gateway.failures import SealedMessages, failure
from casemate.model.arns import Arn
from casemate.model.errors import AwsError
from casemate.model.origin import EndpointOrigin, Origin
from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.decision import Decision, PolicyType
from casemate.policy.document import Policy
from casemate.policy.evaluation import evaluate
from casemate.policy.rcp_services import rcps_bind
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet
from casemate.policy.sessions import session_policies
from casemate.servicekit.ports import Endpoints, Identities, Organization
from casemate.servicekit.service import Check, Service


class PolicySources(Struct, frozen=True, kw_only=True):
    """Who owns the policies."""

    identities: Identities
    organization: Organization
    endpoints: Endpoints
    services: Mapping[str, Service[Any]]
    """By IAM prefix: for resource-based policies."""
    messages: SealedMessages


class Situation(Struct, frozen=True, kw_only=True):
    """What the questions of one request have in common."""

    service: str
    """botocore's name; it decides the form of a refusal."""
    region: str
    principal: Principal
    origin: Origin | None
    """None: from inside AWS, on behalf of somebody who made no request (a function's role at creation)."""
    request: Values = field(default_factory=dict[str, str | tuple[str, ...]])
    """`context_keys.request_keys`."""


class Authorizer:
    """Answers checks. One for the whole gateway."""

    def __init__(self, sources: PolicySources) -> None:
        self._sources = sources

    def decide(self, situation: Situation, check: Check) -> Decision:
        """The engine's decision on one check."""
        return evaluate(*self.question(situation, check))

    def encoded(self, situation: Situation, check: Check, decision: Decision) -> str:
        """What the service encodes of a refusal for those who may read it: asked only when it refuses."""
        request, policies = self.question(situation, check)
        return self._sources.messages.seal(failure(request, policies, decision), situation.principal.account)

    def question(self, situation: Situation, check: Check) -> tuple[AuthorizationRequest, PolicySet]:
        """The request and every policy that applies to it."""
        principal = situation.principal
        prefix = check.action.partition(":")[0]
        owner = _owner(check.resource) or principal.account
        organization = self._sources.organization
        caller = organization.membership(principal.account) if principal.account else None
        holder = caller if owner == principal.account else organization.membership(owner)
        context: Values = {
            **situation.request,
            **principal_keys(principal, caller),
            **resource_keys(check.action, owner, holder),
        }
        if situation.origin is not None:
            context |= network_keys(
                situation.origin, action=check.action, region=situation.region, organization=organization
            )
        context |= check.context
        scps: tuple[PolicyLevel, ...] = ()
        if (
            caller is not None
            and not principal.is_service_linked
            and principal.kind is not PrincipalKind.SERVICE
        ):
            scps = caller.scps
        owner_service = self._sources.services.get(prefix)
        spared = owner_service.spared_by_rcps if owner_service else None
        rcps: tuple[PolicyLevel, ...] = ()
        if (
            holder is not None
            and not principal.is_service_linked
            and rcps_bind(check.action)
            and not (spared and spared(check.action, check.resource))
        ):
            rcps = holder.rcps
        identity = self._sources.identities.policies_of(principal)
        spares = check.spares_resource_policy
        resource_policy = None if spares else _resource_policy(owner_service, check.resource)
        policies = PolicySet(
            identity=identity.identity,
            boundary=identity.boundary,
            session=session_policies(principal),
            scps=scps,
            rcps=rcps,
            endpoint=self._endpoint_policy(situation.origin),
            endpoint_is_gateway=isinstance(situation.origin, EndpointOrigin) and situation.origin.is_gateway,
            resource=resource_policy,
            resource_type=owner_service.resource_policy_type if owner_service else PolicyType.RESOURCE,
            # A resource without a policy of its own (a federated user) asks the identity policies alone.
            resource_must_allow=bool(owner_service and owner_service.resource_must_allow and resource_policy),
        )
        question = AuthorizationRequest(
            principal=principal,
            action=check.action,
            resource=check.resource,
            resource_account=owner,
            context=context,
        )
        return question, policies

    def _endpoint_policy(self, origin: Origin | None) -> Policy | None:
        if not isinstance(origin, EndpointOrigin):
            return None
        return self._sources.endpoints.endpoint_policy(origin.endpoint_id)


_ACCOUNT_DIGITS = 12
_UNENCODED = ("Describe", "Get", "List", "Search", "Export")
"""EC2's reading actions refuse in plain words only (seen in `DescribeVpcs` answers quoted in public issue threads)."""


def encodes(service: str, decision: Decision) -> bool:
    """Whether a refusal by that service carries an encoded message.

    "Only certain AWS operations return an encoded authorization message" (STS, DecodeAuthorizationMessage).
    """
    return service == "ec2" and not decision.action.partition(":")[2].startswith(_UNENCODED)


def refusal(service: str, decision: Decision, encoded: str = "") -> AwsError:
    """The error a service answers a denied request with. Codes and statuses differ by service and protocol.

    Sources: DynamoDB Developer Guide "Error handling" (400 AccessDeniedException), EC2 API Reference "Error codes"
    (403 UnauthorizedOperation), IAM and STS common errors (403 AccessDenied), Lambda common errors (403).
    """
    match service:
        case "ec2":
            text = f"You are not authorized to perform this operation. {decision.message}"
            if encoded:
                text += f". Encoded authorization failure message: {encoded}"
            return AwsError("UnauthorizedOperation", text, http_status=403)
        case "iam" | "sts" | "cloudformation" | "s3" | "sqs" | "sns" | "cloudwatch" | "rds":
            return AwsError("AccessDenied", decision.message, http_status=403)
        case "lambda" | "apigateway":
            return AwsError("AccessDeniedException", decision.message, http_status=403)
        case _:
            return AwsError("AccessDeniedException", decision.message, http_status=400)


def _owner(resource: str) -> str:
    """The account in an ARN; empty when it names none (AWS's own policies have `aws` there)."""
    try:
        account = Arn.parse(resource).account
    except ValueError:
        return ""
    return account if len(account) == _ACCOUNT_DIGITS and account.isdigit() else ""


def _resource_policy(service: Service[Any] | None, resource: str) -> Policy | None:
    if service is None or service.resource_policies is None or resource == "*":
        return None
    return service.resource_policies(resource)
