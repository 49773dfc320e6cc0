"""AWS's Service Authorization Reference: which actions, resource types and condition keys each service has.

A reader of dated data, `data/iam_catalogue.zip`, which `scripts/refresh_aws_data.py` takes from a maintained package
(docs/decisions/0010-iam-metadata.md). A service is read when it is asked for. Prefixes, actions and keys compare
without regard to case, as IAM compares them.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Any

from msgspec import Struct

from casemate.policy.context import KeyInfo, KeyType, key_info

_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
_SERVICES_KEPT = 32


class AccessLevel(Enum):
    """What an action does, in AWS's words. A tagging action is one that writes."""

    LIST = "List"
    READ = "Read"
    WRITE = "Write"
    TAGGING = "Tagging"
    PERMISSIONS_MANAGEMENT = "Permissions management"


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A kind of resource that a service's policies can name."""

    name: str
    """`table`."""
    arn: str
    """`arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}`."""
    condition_keys: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What ARNs of this type look like; a placeholder stands for anything, `*` and nothing included.

        Nothing: AWS asks about `log-group:NAME:log-stream:` when no stream is named.
        """
        return _placeholders(self.arn, flags=0)

    def matches(self, arn: str) -> bool:
        """Whether `arn` can be the ARN of such a resource."""
        return self.pattern.fullmatch(arn) is not None


class ActionResource(Struct, frozen=True, kw_only=True):
    """A resource type that an action can be allowed on."""

    type: ResourceType
    required: bool
    """True: a statement that allows the action must name one."""
    condition_keys: tuple[str, ...]
    """Keys present only when the action is asked about such a resource."""


class Action(Struct, frozen=True, kw_only=True):
    """One action of a service."""

    name: str
    """`dynamodb:GetItem`."""
    access_level: AccessLevel
    resources: tuple[ActionResource, ...]
    """Empty: the action has no resource-level permissions and is asked about on `*`."""
    condition_keys: tuple[str, ...]
    """Keys of the service that are present whatever the resource, as AWS writes them: `aws:RequestTag/${TagKey}`."""

    def takes(self, arn: str) -> bool:
        """Whether the action can be asked about that resource (`*` where it has no resource-level permissions)."""
        if not self.resources:
            return arn == "*"
        return any(each.type.matches(arn) for each in self.resources)

    def has_key(self, key: str) -> bool:
        """Whether the action, or a resource it is asked about, sets the condition key `key`."""
        return any(_key_pattern(name).fullmatch(key) for name in self.all_condition_keys())

    def all_condition_keys(self) -> tuple[str, ...]:
        """The action's own keys and those that its resources add."""
        keys = dict.fromkeys(self.condition_keys)
        for each in self.resources:
            keys.update(dict.fromkeys((*each.condition_keys, *each.type.condition_keys)))
        return tuple(keys)


class ServiceCatalogue(Struct, frozen=True, kw_only=True):
    """What the reference says of one service."""

    prefix: str
    name: str
    """`Amazon DynamoDB`."""
    actions: Mapping[str, Action]
    """By name in lower case, without the prefix."""
    resource_types: Mapping[str, ResourceType]
    keys: Mapping[str, KeyInfo]
    """By name as AWS writes it."""

    def key(self, name: str) -> KeyInfo | None:
        """What is known of a condition key of this service."""
        found = next((key for key in self.keys if _key_pattern(key).fullmatch(name)), None)
        return None if found is None else self.keys[found]


def _placeholders(text: str, *, flags: int) -> re.Pattern[str]:
    pieces = [re.escape(piece) for piece in _PLACEHOLDER.split(text)]
    return re.compile(".*".join(pieces), re.DOTALL | flags)


@lru_cache(maxsize=2048)
def _key_pattern(name: str) -> re.Pattern[str]:
    return _placeholders(name, flags=re.IGNORECASE)


def _read(*members: str) -> list[bytes]:
    with (
        (files("casemate.policy") / "data" / "iam_catalogue.zip").open("rb") as file,
        zipfile.ZipFile(file) as archive,
    ):
        return [archive.read(member) for member in members]


def provenance() -> dict[str, str]:
    """Package, version, licence and date of the data."""
    return json.loads(_read("provenance.json")[0])


@cache
def service_prefixes() -> frozenset[str]:
    """The prefix of every service: `dynamodb`, `s3`, ..."""
    with (
        (files("casemate.policy") / "data" / "iam_catalogue.zip").open("rb") as file,
        zipfile.ZipFile(file) as archive,
    ):
        members = archive.namelist()
    folder, suffix = "services/", ".json"
    return frozenset(
        name.removeprefix(folder).removesuffix(suffix) for name in members if name.startswith(folder)
    )


def service(prefix: str) -> ServiceCatalogue | None:
    """What the reference says of a service; None when AWS has none of that prefix."""
    return _service(prefix.lower())


@lru_cache(maxsize=_SERVICES_KEPT)
def _service(prefix: str) -> ServiceCatalogue | None:
    if prefix not in service_prefixes():
        return None
    (data,) = _read(f"services/{prefix}.json")
    loaded: dict[str, Any] = json.loads(data)
    types = {
        name: ResourceType(name=name, arn=arn, condition_keys=tuple(keys))
        for name, (arn, keys) in loaded["resources"].items()
    }
    by_lower_name = {name.lower(): found for name, found in types.items()}
    return ServiceCatalogue(
        prefix=prefix,
        name=loaded["name"],
        actions={
            name.lower(): _action(prefix, name, entry, by_lower_name)
            for name, entry in loaded["actions"].items()
        },
        resource_types=types,
        keys={name: _key_info(kind) for name, kind in loaded["keys"].items()},
    )


def _action(prefix: str, name: str, entry: dict[str, Any], types: Mapping[str, ResourceType]) -> Action:
    return Action(
        name=f"{prefix}:{name}",
        # "Tagging, Write" and "Permissions management, Write": the narrower word says more.
        access_level=AccessLevel(entry["level"].partition(",")[0]),
        resources=tuple(
            ActionResource(type=types[kind.lower()], required=required, condition_keys=tuple(keys))
            for kind, required, keys in entry["resources"]
            if kind.lower() in types
        ),
        condition_keys=tuple(entry["keys"]),
    )


def _key_info(kind: str) -> KeyInfo:
    single = kind.removeprefix("ArrayOf")
    return KeyInfo(type=KeyType(single), multi_valued=single != kind)


def action(name: str) -> Action | None:
    """`dynamodb:GetItem` in whatever case; None when AWS has no such action."""
    prefix, _, verb = name.partition(":")
    found = service(prefix)
    return None if found is None else found.actions.get(verb.lower())


def condition_key(name: str) -> KeyInfo | None:
    """Type of a condition key, global or of a service, and whether it holds a list; None when AWS has no such key."""
    known = key_info(name)
    if known is not None:
        return known
    found = service(name.partition(":")[0])
    return None if found is None else found.key(name)
