"""What a decision depends on: the condition keys that the policies of a question read."""

from __future__ import annotations

from casemate.policy.compiled import compile_policy
from casemate.policy.document import Policy
from casemate.policy.request import PolicySet


def keys_read(policies: PolicySet) -> tuple[str, ...]:
    """Names in lower case. Two questions that differ in other keys only have the same decision, trace included."""
    single = (policies.boundary, policies.endpoint, policies.resource)
    levels = (level.policies for level in (*policies.scps, *policies.rcps))
    groups: tuple[tuple[Policy, ...], ...] = (
        policies.identity,
        policies.session,
        tuple(policy for policy in single if policy is not None),
        *levels,
    )
    statements = (
        statement for group in groups for policy in group for statement in compile_policy(policy).statements
    )
    return tuple(dict.fromkeys(key for statement in statements for key in statement.keys))
