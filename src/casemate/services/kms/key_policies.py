"""Key policies: the default ones, and what a new one must be."""

from __future__ import annotations

import json
import re

from casemate.model.errors import AwsError
from casemate.policy.errors import MalformedPolicy
from casemate.servicekit.service import Check, Context
from casemate.services.kms.errors import invalid_principals, limit_exceeded, locked_out, malformed_policy
from casemate.services.kms.key_statements import key_policy
from casemate.services.kms.records import KeyRecord
from casemate.services.kms.state import KmsState

POLICY_NAME = "default"
"""The only one (API Reference, GetKeyPolicy)."""
_MOST_BYTES = 32_768
"""Developer Guide, "Quotas": key policy document size 32 KB."""
_GROUP = re.compile(r"arn:aws:iam::\d{12}:group/")
"""Developer Guide, "Elements in a key policy": groups "are not a valid principal in any policy type"."""


def default_policy(account: str) -> str:
    """What a key made without a policy gets (Developer Guide, "Default key policy")."""
    return _document(
        "key-default-1",
        {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
    )


def managed_policy(service: str, account: str, region: str) -> str:
    """The policy of an AWS managed key: its account's principals use it, through the service only.

    Source: DynamoDB Developer Guide, "DynamoDB encryption at rest", key policy of `aws/dynamodb`.
    """
    return _document(
        f"auto-{service}-1",
        {
            "Sid": f"Allow access through {service} for all principals in the account authorized to use it",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:CreateGrant",
                "kms:DescribeKey",
            ],
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": f"{service}.{region}.amazonaws.com",
                }
            },
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        },
        {
            "Sid": f"Allow the service principal {service}.amazonaws.com to describe the key directly",
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
            "Resource": "*",
        },
    )


def checked_policy(state: KmsState, document: str) -> str:
    """The document, when it is a key policy; else MalformedPolicyDocumentException.

    "The principals in the key policy must exist and be visible to KMS" (API Reference, PutKeyPolicy).
    """
    if len(document.encode()) > _MOST_BYTES:
        raise limit_exceeded(f"The key policy may be at most {_MOST_BYTES} bytes long")
    try:
        policy = key_policy(document, label="key policy")
    except MalformedPolicy as error:
        raise malformed_policy(error.message) from error
    named = [each for one in policy.statements for each in (one.principal, one.not_principal) if each]
    if any(_GROUP.match(name) or not state.is_principal(name) for spec in named for name in spec.aws):
        raise invalid_principals()
    return document


def require_no_lockout(ctx: Context[KmsState], key: KeyRecord) -> None:
    """The policy lockout safety check: the caller must be able to change the policy that was just put.

    "The key policy must allow the calling principal to make a subsequent PutKeyPolicy request on the KMS key" (API
    Reference). The same engine answers, over the new policy; the refusal undoes the transaction that put it.
    """
    try:
        ctx.authorize(
            Check(
                action="kms:PutKeyPolicy",
                resource=key.arn,
                context={"kms:CallerAccount": ctx.account, "kms:PolicyName": POLICY_NAME},
            )
        )
    except AwsError as error:
        raise locked_out() from error


def _document(policy_id: str, *statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Id": policy_id, "Statement": statements}, indent=2)
