"""What to ask before an operation is said to be missing: nobody declared its checks, so AWS's reference gives them.

The Service Authorization Reference says which kinds of resource an action is asked about and what their ARNs look like.
Which of them a request means is read from its parameters: an ARN of such a kind is one; a parameter that has the name of
an ARN's placeholder (`TableName`, `table/${TableName}`) fills it in. What names no resource is asked about on `*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from casemate.policy.catalogue import ResourceType, action
from casemate.servicekit.service import Check, Params

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_SUFFIX = re.compile(r"(withpath|name|id)+$")


def reference_checks(asked: str, params: Params, *, region: str, account: str) -> tuple[Check, ...]:
    """The checks of action `asked`, such as `dynamodb:CreateBackup`: one for each resource that the request names."""
    known = action(asked)
    if known is None:
        return (Check(action=asked),)
    texts = tuple(_texts(params))
    place = {"partition": "aws", "region": region, "account": account}
    found = [arn for each in known.resources for arn in _named(each.type, texts, place)]
    # A name may be that of several kinds; each ARN is asked about once, in the order of the reference.
    return tuple(Check(action=known.name, resource=arn) for arn in dict.fromkeys(found or ("*",)))


def _texts(params: Params) -> Iterator[tuple[str, str]]:
    """The parameters that are texts, by name; those of a list under the name of one: `InstanceIds` gives `InstanceId`s."""
    for name, value in params.items():
        if isinstance(value, str):
            yield name, value
            if name.endswith("Url") and "://" in value:
                # A queue is named by its URL, which ends in its name.
                yield f"{name.removesuffix('Url')}Name", value.rstrip("/").rpartition("/")[2]
        elif isinstance(value, list):
            members = cast("list[object]", value)
            yield from ((name.removesuffix("s"), each) for each in members if isinstance(each, str))


def _named(kind: ResourceType, texts: tuple[tuple[str, str], ...], place: dict[str, str]) -> Iterator[str]:
    """The ARNs of that kind which the request means."""
    arns = [text for _, text in texts if text.startswith("arn:") and kind.matches(text)]
    if arns:
        yield from arns
        return
    wanted = [kind.arn]
    for name in cast("list[str]", _PLACEHOLDER.findall(kind.arn)):
        known = place.get(name.lower())
        if known is not None:
            values = [known]
        else:
            values = [text for other, text in texts if _stem(other) == _stem(name) and ":" not in text]
        wanted = [arn.replace(f"${{{name}}}", value) for arn in wanted for value in values]
    yield from wanted


def _stem(name: str) -> str:
    """`RoleNameWithPath`, `RoleName` and `Role` are one: the reference and the models differ in this only.

    And what S3's operations call `Key` is `ObjectName`.
    """
    lowered = "objectname" if name == "Key" else name.lower()
    return _SUFFIX.sub("", lowered) or lowered
