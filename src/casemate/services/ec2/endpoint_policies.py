"""Policies of VPC endpoints: what EC2 accepts, and the parsed form that the gateway asks for."""

from __future__ import annotations

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy, PrincipalSpec
from casemate.policy.errors import MalformedPolicy
from casemate.policy.parser import parse_policy
from casemate.services.ec2 import errors
from casemate.services.ec2.endpoint_policy_rules import broken_rule
from casemate.services.ec2.state import Ec2State

DEFAULT = (
    '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
)
"""What an endpoint has unless told otherwise. Source: VPC User Guide, "Default endpoint policy"."""

_EVERYONE = (PrincipalSpec(everyone=True), PrincipalSpec(aws=("*",)))


def checked(state: Ec2State, document: str | None, *, kind: str) -> str:
    """The document to keep: as given, or the default one; AwsError InvalidPolicyDocument."""
    if not document or not document.strip():
        return DEFAULT
    if len(document) > state.quotas.policy_characters:
        raise errors.policy_document(f"it is longer than {state.quotas.policy_characters} characters")
    try:
        policy = parse_policy(document, kind=PolicyType.ENDPOINT, label="VPC endpoint policy")
    except MalformedPolicy as error:
        raise errors.policy_document(error.detail) from error
    # "For gateway endpoints, you must set Principal to *; narrow it with aws:PrincipalArn." (VPC User Guide,
    # "Control access to VPC endpoints using endpoint policies")
    if kind == "Gateway" and any(
        statement.not_principal is not None or statement.principal not in _EVERYONE
        for statement in policy.statements
    ):
        raise errors.policy_document("the Principal of a gateway endpoint policy must be *")
    broken = broken_rule(policy)
    if broken is not None:
        raise errors.policy_document(broken)
    return document


class EndpointPolicies:
    """Implements the port `Endpoints`. INVARIANT: the same Policy object as long as the document is unchanged."""

    def __init__(self, state: Ec2State) -> None:
        self._state = state
        self._policies: dict[str, Policy] = {}
        self.refresh()

    def refresh(self) -> None:
        """Parse what changed. Called after each commit that wrote an endpoint."""
        made: dict[str, Policy] = {}
        for endpoint in self._state.endpoints.everywhere():
            known = self._policies.get(endpoint.id)
            if known is None or known.document != endpoint.policy:
                known = parse_policy(endpoint.policy, kind=PolicyType.ENDPOINT, label=endpoint.id)
            made[endpoint.id] = known
        self._policies = made

    def endpoint_policy(self, endpoint_id: str) -> Policy | None:
        """The committed policy of an endpoint; None when there is no such endpoint."""
        return self._policies.get(endpoint_id)
