"""The operations of IAM; importing this package registers them."""

from casemate.services.iam.operations import (
    absences,
    access_keys,
    account,
    attachments,
    authorization_details,
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
    "absences",
    "access_keys",
    "account",
    "attachments",
    "authorization_details",
    "boundaries",
    "groups",
    "inline_policies",
    "instance_profiles",
    "managed_policies",
    "roles",
    "tags",
    "users",
]
