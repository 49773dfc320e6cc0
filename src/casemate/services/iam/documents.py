"""Policy documents on their way in (parsed, measured, their principals looked for) and out (URL-encoded)."""

from __future__ import annotations

import re
from urllib.parse import quote

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.errors import MalformedPolicy, PolicyTooLarge
from casemate.policy.sizes import PolicyUse, check_size
from casemate.services.iam.errors import limit_exceeded, malformed_policy, quota_exceeded
from casemate.services.iam.state import IamState

_INLINE = {"User": PolicyUse.USER_INLINE, "Group": PolicyUse.GROUP_INLINE, "Role": PolicyUse.ROLE_INLINE}
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|aws\.internal|amazon\.com)")
"""AWS knows its services by name; here the form is looked at."""
_UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,127}")
_PRINCIPAL_ARN = re.compile(r"arn:aws:(iam|sts)::(\d{12}):(.+)")


def encoded(document: str) -> str:
    """As IAM's responses hold a document: percent-encoded after RFC 3986. botocore decodes it again."""
    return quote(document, safe="")


def inline_policy(state: IamState, document: str, *, label: str) -> Policy:
    """Parse an inline policy; MalformedPolicyDocument when it is none."""
    return _parse(state, document, kind=PolicyType.IDENTITY, label=label)


def managed_policy(state: IamState, document: str, *, label: str) -> Policy:
    """Parse a managed policy; LimitExceeded when it is too long."""
    policy = _parse(state, document, kind=PolicyType.IDENTITY, label=label, managed=True)
    _within(PolicyUse.MANAGED, document, quota="PolicySize")
    return policy


def check_inline_sizes(noun: str, name: str, documents: dict[str, str]) -> None:
    """LimitExceeded when the inline policies of one entity are too long together."""
    try:
        check_size(_INLINE[noun], *documents.values())
    except PolicyTooLarge as error:
        raise limit_exceeded(
            f"Maximum policy size of {error.limit} bytes exceeded for {noun.lower()} {name}"
        ) from error


def _within(use: PolicyUse, document: str, *, quota: str) -> None:
    try:
        check_size(use, document)
    except PolicyTooLarge as error:
        raise quota_exceeded(quota, error.limit) from error


def trust_policy(state: IamState, document: str, *, label: str) -> Policy:
    """Parse a trust policy and look for the principals it names."""
    policy = _parse(state, document, kind=PolicyType.TRUST, label=label)
    _within(PolicyUse.TRUST, document, quota="ACLSizePerRole")
    for statement in policy.statements:
        for spec in (statement.principal, statement.not_principal):
            for value in spec.aws if spec else ():
                if not principal_is_valid(state, value):
                    raise malformed_policy(f'Invalid principal in policy: "AWS":"{value}"')
            for value in spec.service if spec else ():
                if not _SERVICE.fullmatch(value):
                    raise malformed_policy(f'Invalid principal in policy: "SERVICE":"{value}"')
    return policy


def _parse(state: IamState, document: str, *, kind: PolicyType, label: str, managed: bool = False) -> Policy:
    try:
        return state.parsed.policy(document, kind=kind, label=label, managed=managed)
    except MalformedPolicy as error:
        raise malformed_policy(error.message) from error


def principal_is_valid(state: IamState, value: str) -> bool:
    """IAM User Guide, "AWS JSON policy elements: Principal": IAM looks users and roles up when a policy is saved.

    Only accounts that Casemate runs can be looked into; in others everything is taken to exist.
    """
    if value == "*" or re.fullmatch(r"\d{12}", value) or _UNIQUE_ID.fullmatch(value):
        return True
    match = _PRINCIPAL_ARN.fullmatch(value)
    if match is None:
        return False
    service, account, resource = match.groups()
    kind, _, name = resource.partition("/")
    if service == "sts":
        return kind in ("assumed-role", "federated-user") and bool(name) and "*" not in name
    if resource == "root":
        return True
    if kind not in ("user", "role") or not name or "*" in name:
        return False
    if not state.knows_account(account):
        return True
    records = state.users if kind == "user" else state.roles
    found = records.get(account, name.rsplit("/", 1)[-1].lower())
    return found is not None and found.arn == value
