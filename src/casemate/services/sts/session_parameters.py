"""What a request may say about the session it asks for: duration, tags, policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from casemate.policy.decision import PolicyType
from casemate.policy.errors import MalformedPolicy
from casemate.policy.parser import parse_policy
from casemate.policy.sizes import SIZE_LIMITS, PolicyUse
from casemate.servicekit.service import Params
from casemate.services.sts.errors import (
    invalid_parameter,
    malformed_policy,
    packed_policy_too_large,
    validation_error,
)
from casemate.services.sts.state import StsState

_MOST_POLICY_ARNS = 10
_MOST_TAGS = 50
_FULL = 100


def session_tags(params: Params) -> dict[str, str]:
    """The `Tags` of a request."""
    listed = cast("list[dict[str, str]]", params.get("Tags") or [])
    if len(listed) > _MOST_TAGS:
        raise validation_error(
            f"1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have "
            f"length less than or equal to {_MOST_TAGS}"
        )
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    if len({key.lower() for key in tags}) != len(listed):
        raise invalid_parameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid_parameter("Tag keys starting with 'aws:' are reserved for system use")
    return tags


def session_policies(state: StsState, params: Params, account: str) -> tuple[str, ...]:
    """The documents of `Policy` and `PolicyArns`, parsed once here so that nothing malformed is ever stored."""
    documents: list[str] = []
    if params.get("Policy"):
        documents.append(str(params["Policy"]))
    arns = [str(each.get("arn")) for each in cast("list[dict[str, str]]", params.get("PolicyArns") or [])]
    if len(arns) > _MOST_POLICY_ARNS:
        raise validation_error(f"The number of policy ARNs exceeds the limit of {_MOST_POLICY_ARNS}")
    for arn in arns:
        document = state.directory.policy_document(arn)
        if document is None or arn.split(":")[4] not in ("aws", account):
            raise validation_error(f"Policy {arn} does not exist or is not attachable.")
        documents.append(document)
    for document in documents:
        try:
            parse_policy(document, kind=PolicyType.SESSION, label="session policy")
        except MalformedPolicy as error:
            raise malformed_policy(error.message) from error
    return tuple(documents)


def packed_size(params: Params) -> int | None:
    """PackedPolicySize: how much of the allotted space is used, in percent; None when nothing was passed.

    AWS packs in a way it does not publish; this counts the plain text against the documented 2,048 characters.
    """
    tags = session_tags(params)
    arns = cast("list[Mapping[str, Any]]", params.get("PolicyArns") or [])
    texts = [str(params.get("Policy") or ""), *(str(each.get("arn")) for each in arns), *tags, *tags.values()]
    size, limit = sum(map(len, texts)), SIZE_LIMITS[PolicyUse.SESSION].limit
    if not size:
        return None
    percent = -(-size * 100 // limit)
    if percent > _FULL:
        raise packed_policy_too_large(percent)
    return percent
