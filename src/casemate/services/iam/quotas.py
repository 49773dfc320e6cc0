"""IAM's quotas at their defaults. Source: IAM User Guide, "IAM and AWS STS quotas" (2026). Whitespace is not counted."""

from __future__ import annotations

from collections.abc import Mapping

ACCESS_KEYS_PER_USER = 2
GROUPS_PER_USER = 10
TAGS_PER_ENTITY = 50
VERSIONS_PER_POLICY = 5
ALIASES_PER_ACCOUNT = 1
ATTACHED_POLICIES = 10
"""Managed policies attached to one user, group or role."""

MANAGED_POLICY_SIZE = 6144
TRUST_POLICY_SIZE = 2048
INLINE_POLICY_SIZE: Mapping[str, int] = {"User": 2048, "Group": 5120, "Role": 10240}
"""All the inline policies of one entity together."""

USERS_PER_ACCOUNT = 5000
GROUPS_PER_ACCOUNT = 300
ROLES_PER_ACCOUNT = 1000
INSTANCE_PROFILES_PER_ACCOUNT = 1000
POLICIES_PER_ACCOUNT = 1500


def size(document: str) -> int:
    """The characters that count towards a quota."""
    return len("".join(document.split()))
