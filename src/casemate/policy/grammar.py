"""What each type of policy may and must contain, as data.

Sources: IAM User Guide, "Grammar of the IAM JSON policy language"; Organizations User Guide, "SCP syntax" (the full
language since September 2025, without Principal and NotPrincipal) and "RCP syntax"; the texts as AWS's APIs return
them, quoted in public issue threads where the guides do not list them.
"""

from __future__ import annotations

from msgspec import Struct

from casemate.policy.decision import PolicyType

VERSIONS = ("2008-10-17", "2012-10-17")
"""The first one is the default when a document names none."""

DOCUMENT_FIELDS = frozenset({"Version", "Id", "Statement"})
STATEMENT_FIELDS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
PRINCIPAL_TYPES = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})

SYNTAX = "Syntax errors in policy."
LEADING_SPACE = "JSON strings must not have leading spaces"
VERSION = "Policy document must be version 2012-10-17 or greater."
LEGACY = "The policy failed legacy parsing"
"""What IAM says of an Effect that is neither Allow nor Deny (hashicorp/terraform issue 10057)."""
NO_ACTIONS = "Policy statement must contain actions."
NO_RESOURCES = "Policy statement must contain resources."
NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
COLONS = "Actions/Condition can contain only one colon."
RESOURCE_VENDOR = "Resource vendor must be fully qualified and cannot contain regexes."
CONDITION_PREFIX = "Invalid condition prefix"
"""A key written where an operator belongs: `"Condition": {"aws:SourceVpc": ...}`."""
NOT_STS = "AssumeRole policy may only specify STS AssumeRole actions."
SID_CHARACTERS = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
SID_UNIQUE = "Statement IDs (SID) in a single policy must be unique."
NO_PRINCIPAL_HERE = "Policy document should not specify a principal."
ORGANIZATIONS = "The provided policy document does not meet the requirements of the specified policy type."
"""The one text of Organizations' MalformedPolicyDocumentException."""

RCP_FULL_AWS_ACCESS = "arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess"
"""The only RCP that may allow; AWS attaches it everywhere."""


def missing(field: str) -> str:
    return f"Missing required field {field}"


def prohibited(field: str) -> str:
    return f"Has prohibited field {field}"


def unknown(field: str) -> str:
    return f"Unknown field {field}"


class Grammar(Struct, frozen=True, kw_only=True):
    """The rules of one policy type."""

    prohibited: frozenset[str] = frozenset()
    needs_principal: bool = False
    needs_action: bool = True
    needs_resource: bool = True
    newest_version_only: bool = False
    """The Version must be 2012-10-17, and must be there."""
    strict_sids: bool = False
    """Sids are alphanumeric and unique. S3 and KMS accept spaces, so resource-based policies are not held to it."""
    no_leading_space: bool = False
    actions_of: str = ""
    """The one service whose actions may appear."""
    only_denies: bool = False
    """Effect must be Deny, and an Action names its service (RCPs that customers write)."""
    only_everyone: bool = False
    """Principal must be `*`."""
    message: str = ""
    """What the service says of any fault, when it has one text for all."""


_PRINCIPALS = frozenset({"Principal", "NotPrincipal"})
_PERMISSIONS = Grammar(prohibited=_PRINCIPALS, strict_sids=True, no_leading_space=True)
_ATTACHED = Grammar(needs_principal=True)

GRAMMARS = {
    PolicyType.IDENTITY: _PERMISSIONS,
    PolicyType.BOUNDARY: _PERMISSIONS,
    PolicyType.SESSION: _PERMISSIONS,
    PolicyType.SCP: Grammar(
        prohibited=_PRINCIPALS, newest_version_only=True, strict_sids=True, message=ORGANIZATIONS
    ),
    PolicyType.RCP: Grammar(
        prohibited=frozenset({"NotPrincipal", "NotAction"}),
        needs_principal=True,
        newest_version_only=True,
        strict_sids=True,
        only_denies=True,
        only_everyone=True,
        message=ORGANIZATIONS,
    ),
    PolicyType.RESOURCE: _ATTACHED,
    PolicyType.ENDPOINT: _ATTACHED,
    PolicyType.TRUST: Grammar(
        prohibited=frozenset({"Resource", "NotResource"}),
        needs_principal=True,
        needs_resource=False,
        strict_sids=True,
        no_leading_space=True,
        actions_of="sts",
    ),
}
