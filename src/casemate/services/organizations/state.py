"""The organization: its tree of nodes, its policies, and where they are kept."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from casemate.model.ids import RandomBytes
from casemate.servicekit.clock import Clock
from casemate.servicekit.parsed import ParsedPolicies
from casemate.servicekit.ports import MemberAccounts
from casemate.servicekit.store import Collection, Store
from casemate.services.organizations.records import (
    AWS_POLICIES,
    DEFAULT_POLICIES,
    POLICY_TYPES,
    Creation,
    Node,
    OrganizationRecord,
    PolicyRecord,
)

MANAGEMENT_ACCOUNT = "111111111111"
WORKLOAD_ACCOUNT = "000000000000"

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_KEY = "organization"


def short_id(random_bytes: RandomBytes, length: int) -> str:
    """The letters and digits in the ids of Organizations."""
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in random_bytes(length))


class OrganizationsState:
    """Everything there is to the organization. It exists from the first start on."""

    def __init__(
        self, store: Store, *, clock: Clock, random_bytes: RandomBytes, members: MemberAccounts
    ) -> None:
        self.store = store
        self.clock = clock
        self.random_bytes = random_bytes
        self.members = members
        self.parsed = ParsedPolicies()
        self.organizations: Collection[OrganizationRecord] = store.collection(
            "organizations.organization", OrganizationRecord
        )
        self.nodes: Collection[Node] = store.collection("organizations.nodes", Node)
        self.policies: Collection[PolicyRecord] = store.collection("organizations.policies", PolicyRecord)
        self.creations: Collection[Creation] = store.collection("organizations.creations", Creation)
        if self.organizations.get(_KEY) is None:
            with store.transaction():
                self._found()

    @property
    def organization(self) -> OrganizationRecord:
        """The organization's own record."""
        record = self.organizations.get(_KEY)
        assert record is not None, "the organization exists from the start"
        return record

    def put_organization(self, record: OrganizationRecord) -> None:
        """Replace the organization's record."""
        self.organizations.put((_KEY,), record)

    def node(self, node_id: str) -> Node | None:
        """The root, unit or account of that id."""
        return self.nodes.get(node_id)

    def put_node(self, node: Node) -> None:
        """Store a new or changed node."""
        self.nodes.put((node.id,), node)

    def children(self, parent: str) -> list[Node]:
        """The units and accounts directly under a root or unit."""
        return [node for node in self.nodes.values() if node.parent == parent]

    def policy(self, policy_id: str) -> PolicyRecord | None:
        """The policy of that id, AWS's included."""
        return AWS_POLICIES.get(policy_id) or self.policies.get(policy_id)

    def attached(self, node: Node, policy_type: str) -> list[PolicyRecord]:
        """The policies of one type attached to a node."""
        found = (self.policy(policy_id) for policy_id in node.attached)
        return [policy for policy in found if policy is not None and policy.type == policy_type]

    def newborn_policies(self) -> tuple[str, ...]:
        """What AWS attaches to a new root, unit or account."""
        return tuple(DEFAULT_POLICIES[each].id for each in self.organization.enabled)

    def add_account(self, account: str, *, name: str, email: str, tags: dict[str, str] | None = None) -> Node:
        """A new account under the root."""
        node = Node(
            id=account,
            kind="ACCOUNT",
            name=name,
            parent=self.organization.root,
            attached=self.newborn_policies(),
            tags=tags or {},
            email=email,
            joined=self.now(),
        )
        self.put_node(node)
        return node

    def now(self) -> datetime:
        """The present, in whole milliseconds."""
        now = self.clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _found(self) -> None:
        """The organization as it is before anybody asked for anything.

        Both policy types are enabled, so that an SCP or RCP takes effect when it is attached; while only AWS's
        full-access policies are, they change nothing.
        """
        root = Node(id=f"r-{short_id(self.random_bytes, 4)}", kind="ROOT", name="Root", parent=None)
        organization = OrganizationRecord(
            id=f"o-{short_id(self.random_bytes, 10)}",
            management_account=MANAGEMENT_ACCOUNT,
            root=root.id,
            enabled=POLICY_TYPES,
        )
        self.put_organization(organization)
        self.put_node(replace(root, attached=self.newborn_policies()))
        management = self.add_account(MANAGEMENT_ACCOUNT, name="management", email="management@example.com")
        self.put_node(replace(management, joined_method="INVITED"))
        self.add_account(WORKLOAD_ACCOUNT, name="workload", email="workload@example.com")
