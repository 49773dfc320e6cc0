"""Accounts' places in the organization, and the policies on their way: what the pipeline asks of Organizations."""

from __future__ import annotations

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.request import PolicyLevel
from casemate.servicekit.memo import Memo, Reads
from casemate.servicekit.ports import Membership
from casemate.services.organizations.arns import policy_arn
from casemate.services.organizations.records import AWS_POLICIES, RCP, SCP, Node, OrganizationRecord
from casemate.services.organizations.state import OrganizationsState

_KINDS = {SCP: PolicyType.SCP, RCP: PolicyType.RCP}


class OrganizationMembership:
    """Implements the port `Organization`. What it gives out is the same object until the organization changes."""

    def __init__(self, state: OrganizationsState) -> None:
        self._state = state
        self._kept: Memo[Membership | None] = Memo()

    def account_exists(self, account: str) -> bool:
        """Whether the account is one of the organization's."""
        node = self._state.node(account)
        return node is not None and node.kind == "ACCOUNT"

    def membership(self, account: str) -> Membership | None:
        """None when the account belongs to no organization."""
        return self._kept.get(account, lambda reads: self._compute(reads, account))

    def _compute(self, reads: Reads, account: str) -> Membership | None:
        organization = reads.get(self._state.organizations, "organization")
        node = reads.get(self._state.nodes, account)
        if organization is None or node is None or node.kind != "ACCOUNT":
            return None
        chain = [node]
        while chain[0].parent is not None:
            parent = reads.get(self._state.nodes, chain[0].parent)
            assert parent is not None, f"{chain[0].id} hangs on {chain[0].parent}, which does not exist"
            chain.insert(0, parent)
        path = "/".join([organization.id, *(each.id for each in chain[:-1])]) + "/"
        management = account == organization.management_account
        return Membership(
            organization_id=organization.id,
            paths=(path,),
            is_management=management,
            # "SCPs don't affect users or roles in the management account", nor RCPs its resources
            # (Organizations User Guide, "Service control policies", "Resource control policies").
            scps=() if management else self._types(reads, organization, chain, SCP),
            rcps=() if management else self._types(reads, organization, chain, RCP),
        )

    def _types(
        self, reads: Reads, organization: OrganizationRecord, chain: list[Node], policy_type: str
    ) -> tuple[PolicyLevel, ...]:
        if policy_type not in organization.enabled:
            return ()
        return tuple(
            PolicyLevel(target_id=node.id, policies=self._policies(reads, organization, node, policy_type))
            for node in chain
        )

    def _policies(
        self, reads: Reads, organization: OrganizationRecord, node: Node, policy_type: str
    ) -> tuple[Policy, ...]:
        found: list[Policy] = []
        for policy_id in node.attached:
            record = AWS_POLICIES.get(policy_id) or reads.get(self._state.policies, policy_id)
            # INVARIANT: a policy that is attached can't be deleted.
            assert record is not None, f"{policy_id} is attached to {node.id} and does not exist"
            if record.type == policy_type:
                label = policy_arn(organization, record)
                found.append(self._state.parsed.policy(record.content, kind=_KINDS[policy_type], label=label))
        return tuple(found)
