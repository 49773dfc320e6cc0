"""Delivery of an AWS service's logs to a log group by a role of the account: who may, and then the lines."""

from __future__ import annotations

from collections.abc import Sequence

from casemate.gateway.authorization import Authorizer, Situation, refusal
from casemate.gateway.context_keys import request_keys
from casemate.model.arns import Arn
from casemate.model.principals import Principal
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import CredentialUses, LogGroups, LogSink, RoleSessions
from casemate.servicekit.service import Check


class RoleLogDelivery:
    """Implements `casemate.servicekit.ports.LogDelivery`."""

    def __init__(
        self,
        *,
        sessions: RoleSessions,
        uses: CredentialUses,
        authorizer: Authorizer,
        sink: LogSink,
        groups: LogGroups,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._uses = uses
        self._clock = clock
        self._authorizer = authorizer
        self._sink = sink
        self._groups = groups

    def deliver(
        self,
        *,
        account: str,
        region: str,
        role_arn: str,
        service: str,
        source_arn: str,
        group: str,
        stream: str,
        events: Sequence[tuple[int, str]],
    ) -> None:
        """Write the lines as `role_arn`; AwsError when the role does not let `service` in, or may not write."""
        session = self._sessions.assume_for_service(
            role_arn=role_arn, session_name="vpc-flow-logs", service=service, source_arn=source_arn
        )
        self._uses.used(session.principal, service="logs", region=region, now=self._clock())
        resource = f"log-group:{group}"
        needed = [("logs:PutLogEvents", f"{resource}:log-stream:{stream}")]
        if not self._groups.stream_exists(account=account, region=region, group=group, stream=stream):
            needed.append(("logs:CreateLogStream", resource))
        if not self._groups.group_exists(account=account, region=region, group=group):
            needed.append(("logs:CreateLogGroup", resource))
        for action, name in needed:
            arn = Arn(service="logs", region=region, account=account, resource=name)
            self._require(session.principal, region, Check(action=action, resource=str(arn)))
        self._sink.write(account=account, region=region, group=group, stream=stream, events=events)

    def _require(self, principal: Principal, region: str, check: Check) -> None:
        situation = Situation(
            service="logs",
            region=region,
            principal=principal,
            origin=None,
            request=request_keys(region=region, now=self._clock(), tls=True),
        )
        decision = self._authorizer.decide(situation, check)
        if not decision.allowed:
            raise refusal("logs", decision)
