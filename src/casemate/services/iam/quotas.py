"""IAM's quotas at their defaults; those of document sizes are in `casemate.policy.sizes`.

Source: IAM User Guide, "IAM and AWS STS quotas" (2026).
"""

from __future__ import annotations

ACCESS_KEYS_PER_USER = 2
GROUPS_PER_USER = 10
TAGS_PER_ENTITY = 50
VERSIONS_PER_POLICY = 5
ATTACHED_POLICIES = 10
"""Managed policies attached to one user, group or role."""

USERS_PER_ACCOUNT = 5000
GROUPS_PER_ACCOUNT = 300
ROLES_PER_ACCOUNT = 1000
INSTANCE_PROFILES_PER_ACCOUNT = 1000
POLICIES_PER_ACCOUNT = 1500
