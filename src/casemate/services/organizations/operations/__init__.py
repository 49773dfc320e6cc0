"""The operations of Organizations; importing this package registers them."""

from casemate.services.organizations.operations import (
    accounts,
    attachments,
    organization,
    policies,
    policy_types,
    tags,
    tree,
    trusted_access,
    units,
)

__all__ = [
    "accounts",
    "attachments",
    "organization",
    "policies",
    "policy_types",
    "tags",
    "tree",
    "trusted_access",
    "units",
]
