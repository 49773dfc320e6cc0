"""Tags: the rules for keys and values, and TagSpecifications. Source: EC2 User Guide, "Tag restrictions"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casemate.model.errors import AwsError
from casemate.services.ec2 import errors
from casemate.services.ec2.records import Place
from casemate.services.ec2.state import Ec2State, TagSet

Tags = list[dict[str, str]]

RESOURCE_TYPES: Mapping[str, str] = {
    "vpc-": "vpc",
    "subnet-": "subnet",
    "rtb-": "route-table",
    "igw-": "internet-gateway",
    "eigw-": "egress-only-internet-gateway",
    "nat-": "natgateway",
    "eipalloc-": "elastic-ip",
    "eni-": "network-interface",
    "sg-": "security-group",
    "sgr-": "security-group-rule",
    "acl-": "network-acl",
    "vpce-": "vpc-endpoint",
    "dopt-": "dhcp-options",
    "pl-": "prefix-list",
    "pcx-": "vpc-peering-connection",
    "fl-": "vpc-flow-log",
    "nip-": "network-insights-path",
    "nia-": "network-insights-analysis",
    "i-": "instance",
    "vol-": "volume",
    "key-": "key-pair",
}
"""Id prefix to `ResourceType`, which is also the ARN's resource type."""


def resource_type(resource_id: str) -> str:
    """`subnet` for `subnet-1`; AwsError InvalidID for an id of no known kind."""
    kind = RESOURCE_TYPES.get(resource_id.partition("-")[0] + "-")
    if kind is None:
        raise AwsError("InvalidID", f"The ID '{resource_id}' is not valid")
    return kind


def rendered(state: Ec2State, place: Place, resource_id: str) -> Tags:
    """As Describe operations show them."""
    return [{"Key": key, "Value": value} for key, value in state.tags_of(place, resource_id).items()]


def specified(params: Mapping[str, Any], *types: str) -> dict[str, str]:
    """The tags that TagSpecifications gives to a resource of the first of `types`.

    A specification for a type that the operation does not make is refused.
    """
    made: dict[str, str] = {}
    for specification in params.get("TagSpecifications") or ():
        kind = specification.get("ResourceType")
        if kind is None:
            raise errors.invalid_value("Tag specification resource type must have a value")
        if kind not in types:
            raise errors.invalid_value(f"'{kind}' is not a valid taggable resource type for this operation.")
        if kind == types[0]:
            made.update(_checked(specification.get("Tags") or ()))
    return made


def _checked(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    made: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key"), tag.get("Value") or ""
        if not key:
            raise errors.missing_parameter("Tag.Key")
        if key.lower().startswith("aws:"):
            raise errors.invalid_value("Tag keys starting with 'aws:' are reserved for internal use")
        if len(key) > 127:
            raise errors.invalid_value(f"Tag key exceeds the maximum length of 127 characters: '{key}'")
        if len(value) > 256:
            raise errors.invalid_value(f"Tag value exceeds the maximum length of 256 characters: '{value}'")
        if key in made:
            raise errors.invalid_value(f"Duplicate tag key '{key}' specified.")
        made[key] = value
    return made


def put(state: Ec2State, place: Place, resource_id: str, tags: Mapping[str, str]) -> None:
    """Add or replace tags of a resource; AwsError TagLimitExceeded."""
    if not tags:
        return
    merged = {**state.tags_of(place, resource_id), **tags}
    if len(merged) > state.quotas.tags:
        raise AwsError(
            "TagLimitExceeded",
            f"The maximum number of tags ({state.quotas.tags}) for resource '{resource_id}' has been exceeded",
        )
    state.tags.put((place.account, place.region, resource_id), TagSet(tags=merged))


def add(state: Ec2State, place: Place, resource_id: str, tags: Sequence[Mapping[str, str]]) -> None:
    """CreateTags for one resource."""
    put(state, place, resource_id, _checked(tags))


def forget(state: Ec2State, place: Place, resource_id: str) -> None:
    """The resource is gone, and its tags with it."""
    state.tags.delete(place.account, place.region, resource_id)


def remove(state: Ec2State, place: Place, resource_id: str, tags: Sequence[Mapping[str, str]] | None) -> None:
    """DeleteTags: all of them, by key, or by key and value."""
    current = dict(state.tags_of(place, resource_id))
    if not tags:
        current.clear()
    for tag in tags or ():
        key = tag.get("Key", "")
        if "Value" not in tag or current.get(key) == tag["Value"]:
            current.pop(key, None)
    state.tags.put((place.account, place.region, resource_id), TagSet(tags=current))
