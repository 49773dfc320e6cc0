"""Layers: numbered versions of archives, and who may use them."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from casemate.servicekit.store import Store

_ARN = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):layer:(?P<name>[a-zA-Z0-9-_]{1,140})"
    r"(?::(?P<version>\d{1,9}))?",
    re.ASCII,
)


class LayerVersion(Struct, frozen=True, kw_only=True):
    """One version; it never changes."""

    account: str
    region: str
    name: str
    version: int
    description: str = ""
    created: str
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    license: str | None = None
    code_sha256: str
    code_size: int
    directory: str
    unzipped_size: int

    @property
    def layer_arn(self) -> str:
        """Without the version."""
        return f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"

    @property
    def arn(self) -> str:
        """With the version."""
        return f"{self.layer_arn}:{self.version}"


class LayerName(Struct, frozen=True, kw_only=True):
    """A layer, or one version of it."""

    account: str
    region: str
    name: str
    version: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """As collections know the layer."""
        return (self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        """With the version, if it names one."""
        arn = f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"
        return arn if self.version is None else f"{arn}:{self.version}"


def parse_arn(arn: str) -> LayerName | None:
    """A layer's ARN, or a layer version's; None when it is something else."""
    match = _ARN.fullmatch(arn)
    if match is None:
        return None
    version = match["version"]
    return LayerName(
        account=match["account"],
        region=match["region"],
        name=match["name"],
        version=None if version is None else int(version),
    )


class LayerPermissions(Struct, frozen=True, kw_only=True):
    """The resource-based policy of a layer version."""

    statements: tuple[dict[str, Any], ...] = ()
    revision: str


class Numbering(Struct, frozen=True, kw_only=True):
    """The number that a layer's next version gets: numbers of deleted versions are not used again."""

    next: int


class Layers:
    """The collections of layers."""

    def __init__(self, store: Store) -> None:
        self.versions = store.collection("lambda.layer_versions", LayerVersion)
        """By (account, Region, name, version)."""
        self.permissions = store.collection("lambda.layer_permissions", LayerPermissions)
        """By the key of the version."""
        self._numbering = store.collection("lambda.layer_numbers", Numbering)

    def version(self, name: LayerName) -> LayerVersion | None:
        """The version that `name` names."""
        return self.versions.get(*name.key, str(name.version))

    def permissions_of(self, name: LayerName) -> LayerPermissions | None:
        """The policy of the version that `name` names."""
        return self.permissions.get(*name.key, str(name.version))

    def versions_of(self, name: LayerName) -> list[LayerVersion]:
        """Newest first."""
        return sorted(self.versions.values(*name.key), key=lambda one: -one.version)

    def next_number(self, name: LayerName) -> int:
        """Take the next number. Inside a transaction."""
        known = self._numbering.get(*name.key)
        number = 1 if known is None else known.next
        self._numbering.put(name.key, Numbering(next=number + 1))
        return number
