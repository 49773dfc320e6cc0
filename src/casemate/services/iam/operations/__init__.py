"""The operations of IAM; importing this package registers them."""

from casemate.services.iam.operations import (
    access_keys,
    account,
    attachments,
    boundaries,
    groups,
    inline_policies,
    instance_profiles,
    managed_policies,
    roles,
    tags,
    users,
)

__all__ = [
    "access_keys",
    "account",
    "attachments",
    "boundaries",
    "groups",
    "inline_policies",
    "instance_profiles",
    "managed_policies",
    "roles",
    "tags",
    "users",
]
