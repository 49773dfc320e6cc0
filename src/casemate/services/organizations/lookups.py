"""Finding what a request names, or saying as AWS does that it is not there."""

from __future__ import annotations

from casemate.servicekit.service import Context
from casemate.services.organizations.errors import refusal
from casemate.services.organizations.records import Node, NodeKind, PolicyRecord
from casemate.services.organizations.state import OrganizationsState

Ctx = Context[OrganizationsState]


def _node(ctx: Ctx, node_id: str, kinds: tuple[NodeKind, ...], missing: str) -> Node:
    node = ctx.state.node(node_id)
    if node is None or node.kind not in kinds:
        raise refusal(missing)
    return node


def account(ctx: Ctx, account_id: str) -> Node:
    """The account of that id."""
    return _node(ctx, account_id, ("ACCOUNT",), "AccountNotFoundException")


def unit(ctx: Ctx, unit_id: str) -> Node:
    """The organizational unit of that id."""
    return _node(ctx, unit_id, ("ORGANIZATIONAL_UNIT",), "OrganizationalUnitNotFoundException")


def root(ctx: Ctx, root_id: str) -> Node:
    """The root of that id."""
    return _node(ctx, root_id, ("ROOT",), "RootNotFoundException")


def parent(ctx: Ctx, parent_id: str, *, missing: str = "ParentNotFoundException") -> Node:
    """The root or unit of that id."""
    return _node(ctx, parent_id, ("ROOT", "ORGANIZATIONAL_UNIT"), missing)


def target(ctx: Ctx, target_id: str) -> Node:
    """The root, unit or account of that id."""
    return _node(ctx, target_id, ("ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT"), "TargetNotFoundException")


def policy(ctx: Ctx, policy_id: str) -> PolicyRecord:
    """The policy of that id."""
    found = ctx.state.policy(policy_id)
    if found is None:
        raise refusal("PolicyNotFoundException")
    return found
