"""How large a policy document may be, as data.

Sources: IAM User Guide, "IAM and AWS STS quotas" ("IAM doesn't count white space when calculating the size of a
policy against these quotas"); Organizations User Guide, "Quotas" ("All characters in your SCP count against its
maximum size"); VPC User Guide, "Control access using endpoint policies" ("including white space"); DynamoDB and KMS
developer guides.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from casemate.policy.errors import PolicyTooLarge


class SizeLimit(Struct, frozen=True, kw_only=True):
    """A quota in characters."""

    limit: int
    counts_white_space: bool = False


class PolicyUse(Enum):
    """What a document is used for."""

    MANAGED = "managed policy"
    USER_INLINE = "inline policies of a user"
    GROUP_INLINE = "inline policies of a group"
    ROLE_INLINE = "inline policies of a role"
    TRUST = "role trust policy"
    SESSION = "session policy"
    SCP = "service control policy"
    RCP = "resource control policy"
    ENDPOINT = "VPC endpoint policy"
    DYNAMODB_RESOURCE = "resource-based policy of a table or stream"
    KMS_KEY = "key policy"


SIZE_LIMITS = {
    PolicyUse.MANAGED: SizeLimit(limit=6144),
    # The inline policies of an entity count together.
    PolicyUse.USER_INLINE: SizeLimit(limit=2048),
    PolicyUse.GROUP_INLINE: SizeLimit(limit=5120),
    PolicyUse.ROLE_INLINE: SizeLimit(limit=10240),
    # The default; adjustable to 4,096.
    PolicyUse.TRUST: SizeLimit(limit=2048),
    PolicyUse.SESSION: SizeLimit(limit=2048, counts_white_space=True),
    # 5,120 until 15 May 2026.
    PolicyUse.SCP: SizeLimit(limit=10240, counts_white_space=True),
    PolicyUse.RCP: SizeLimit(limit=5120, counts_white_space=True),
    PolicyUse.ENDPOINT: SizeLimit(limit=20480, counts_white_space=True),
    PolicyUse.DYNAMODB_RESOURCE: SizeLimit(limit=20 * 1024, counts_white_space=True),
    PolicyUse.KMS_KEY: SizeLimit(limit=32 * 1024, counts_white_space=True),
}


def size_of(document: str, use: PolicyUse) -> int:
    """The size of a document as AWS counts it for that use."""
    limit = SIZE_LIMITS[use]
    return (
        len(document) if limit.counts_white_space else sum(not character.isspace() for character in document)
    )


def check_size(use: PolicyUse, *documents: str) -> None:
    """Raise PolicyTooLarge when the documents together exceed the quota (one document, or all inline policies)."""
    size = sum(size_of(document, use) for document in documents)
    limit = SIZE_LIMITS[use].limit
    if size > limit:
        raise PolicyTooLarge(size=size, limit=limit)
