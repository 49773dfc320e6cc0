"""Records: a key with its material, an alias, a grant, as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from casemate.model.arns import Arn

_DAY = 86_400
KeyState = Literal["Enabled", "Disabled", "PendingDeletion"]


@dataclass(frozen=True, kw_only=True)
class Material:
    """One version of a key's material. Rotation adds one; older ones still decrypt."""

    material_id: str
    """64 hexadecimal digits: `CurrentKeyMaterialId`."""
    wrapped: bytes
    """The secret, encrypted under the master key of the data directory."""
    created: float
    rotation: Literal["AUTOMATIC", "ON_DEMAND"] | None = None
    """How it came; None for the first one."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """Automatic rotation, switched on."""

    period_days: int
    since: float
    """When it was switched on, or the last automatic rotation: the period counts from there."""

    @property
    def due(self) -> float:
        """When the next one is."""
        return self.since + self.period_days * _DAY


@dataclass(frozen=True, kw_only=True)
class KeyRecord:
    """A KMS key."""

    account: str
    region: str
    key_id: str
    created: float
    """Seconds since the epoch, as everywhere here."""
    spec: str
    """`SYMMETRIC_DEFAULT`, `HMAC_256`."""
    usage: str
    """`ENCRYPT_DECRYPT`, `GENERATE_VERIFY_MAC`."""
    policy: str
    materials: tuple[Material, ...]
    description: str = ""
    state: KeyState = "Enabled"
    unusable_since: float | None = None
    """When the key left the state Enabled."""
    deletion: float | None = None
    """When a key that is pending deletion is gone."""
    pending_days: int | None = None
    aws_managed: bool = False
    """True: an AWS managed key such as `aws/dynamodb`, whose policy its owner cannot change."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    rotation: Rotation | None = None
    on_demand_rotations: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Its key in the store: key ids are unique in a Region, whatever the account."""
        return self.region, self.key_id

    @property
    def arn(self) -> str:
        return key_arn(self.account, self.region, self.key_id)

    @property
    def current(self) -> Material:
        return self.materials[-1]


@dataclass(frozen=True, kw_only=True)
class AliasRecord:
    """Another name for a key of the same account and Region."""

    account: str
    region: str
    name: str
    """With `alias/`."""
    key_id: str
    created: float
    updated: float

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.region, self.name

    @property
    def arn(self) -> str:
        return alias_arn(self.account, self.region, self.name)


@dataclass(frozen=True, kw_only=True)
class GrantRecord:
    """Permissions on a key for one principal."""

    grant_id: str
    token: str
    """The first of its tokens; the others are made of it."""
    region: str
    key_id: str
    grantee: str
    """ARN of a principal, or the name of an AWS service."""
    retiring: str | None
    operations: tuple[str, ...]
    name: str | None
    context_equals: Mapping[str, str] | None
    """The encryption context must be this one."""
    context_subset: Mapping[str, str] | None
    """The encryption context must contain this."""
    issuer: str
    """Account that made the grant."""
    created: float

    @property
    def key(self) -> tuple[str, str, str]:
        return self.region, self.key_id, self.grant_id


def key_arn(account: str, region: str, key_id: str) -> str:
    return str(Arn(service="kms", region=region, account=account, resource=f"key/{key_id}"))


def alias_arn(account: str, region: str, name: str) -> str:
    return str(Arn(service="kms", region=region, account=account, resource=name))
