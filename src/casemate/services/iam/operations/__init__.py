"""The operations of IAM; importing this package registers them."""

from casemate.services.iam.operations import (
    absences,
    access_advisor,
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
    service_linked_roles,
    simulation,
    tags,
    users,
)

__all__ = [
    "absences",
    "access_advisor",
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
    "service_linked_roles",
    "simulation",
    "tags",
    "users",
]
