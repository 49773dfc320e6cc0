"""Sessions that AWS services make of roles, for the functions and instances they run."""

from __future__ import annotations

from casemate.model.arns import Arn
from casemate.model.principals import InstanceSource, Principal, PrincipalKind
from casemate.policy.context import principal_context
from casemate.policy.decision import PolicyType
from casemate.policy.evaluation import evaluate
from casemate.policy.request import AuthorizationRequest, PolicySet
from casemate.servicekit.ports import AssumableRole, Credential
from casemate.services.sts.credentials import credential_of, new_session, role_principal
from casemate.services.sts.errors import access_denied
from casemate.services.sts.state import StsState

_SECONDS = 12 * 3600
"""Services renew; MaxSessionDuration does not bind them (IAM User Guide, "Update the maximum session duration")."""


class ServiceSessions:
    """Implements the port `RoleSessions`."""

    def __init__(self, state: StsState) -> None:
        self._state = state

    def assume_for_service(
        self,
        *,
        role_arn: str,
        session_name: str,
        service: str,
        source_function_arn: str | None = None,
        source_instance: InstanceSource | None = None,
        source_arn: str | None = None,
    ) -> Credential:
        """Credentials of `role_arn` for `service`; AccessDenied when the trust policy does not let it in."""
        role = self._state.directory.role(role_arn)
        if role is None:
            raise access_denied(_not_authorized(service, role_arn))
        self._authorize(role, session_name, service, source_arn or source_function_arn)
        with self._state.store.transaction():
            session = new_session(
                self._state,
                kind="role",
                account=role.account,
                duration_seconds=_SECONDS,
                name=session_name,
                role_arn=role.arn,
                issuer_id=role.role_id,
                function_arn=source_function_arn,
                instance=source_instance,
            )
        return credential_of(session, role_principal(session, role))

    def _authorize(self, role: AssumableRole, session_name: str, service: str, source: str | None) -> None:
        principal = Principal(kind=PrincipalKind.SERVICE, arn=service, account="", user_id=service)
        membership = self._state.organization.membership(role.account)
        now = self._state.clock()
        context: dict[str, str | tuple[str, ...]] = {
            **principal_context(principal),
            "sts:RoleSessionName": session_name,
            "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:EpochTime": str(int(now.timestamp())),
            "aws:SecureTransport": "true",
            "aws:ViaAWSService": "false",
            "aws:ResourceAccount": role.account,
            **({} if source is None else self._source_keys(source)),
        }
        if membership is not None:
            context["aws:ResourceOrgID"] = membership.organization_id
            context["aws:ResourceOrgPaths"] = membership.paths
        decision = evaluate(
            AuthorizationRequest(
                principal=principal,
                action="sts:AssumeRole",
                resource=role.arn,
                resource_account=role.account,
                context=context,
            ),
            PolicySet(
                rcps=membership.rcps if membership and not role.is_service_linked else (),
                resource=role.trust,
                resource_type=PolicyType.TRUST,
                resource_must_allow=True,
            ),
        )
        if not decision.allowed:
            raise access_denied(decision.message)

    def _source_keys(self, source: str) -> dict[str, str | tuple[str, ...]]:
        """Keys of the resource for which the service calls, and of its owner's organization.

        Source: IAM User Guide, "AWS global condition context keys", aws:SourceArn, -Account, -OrgID and -OrgPaths.
        """
        arn = Arn.parse(source)
        keys: dict[str, str | tuple[str, ...]] = {
            "aws:SourceArn": source,
            "aws:SourceAccount": arn.account,
            "aws:RequestedRegion": arn.region,
        }
        membership = self._state.organization.membership(arn.account)
        if membership is not None:
            keys["aws:SourceOrgID"] = membership.organization_id
            keys["aws:SourceOrgPaths"] = membership.paths
        return keys


def _not_authorized(service: str, role_arn: str) -> str:
    return f"User: {service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
