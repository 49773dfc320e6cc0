"""Small records beside the function: what its other settings are. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from msgspec import Struct


class LayerUse(Struct, frozen=True, kw_only=True):
    """A layer version that a function uses, as it was when the function was configured.

    A deleted version stays with the functions that use it (Lambda Developer Guide, "Deleting layers").
    """

    arn: str
    code_size: int
    directory: str
    unzipped_size: int


class RuntimeManagement(Struct, frozen=True, kw_only=True):
    """When the runtime's version may change."""

    update_on: str = "Auto"
    runtime_version_arn: str | None = None


class SnapshotStatus(Enum):
    """How far the snapshot of a version with SnapStart is."""

    NONE = "none"
    """There is to be none."""
    PENDING = "pending"
    """It is being made."""
    READY = "ready"
    FAILED = "failed"


class Snapshot(Struct, frozen=True, kw_only=True):
    """The snapshot of a version."""

    status: SnapshotStatus = SnapshotStatus.NONE
    reason: str = ""
    """Why it failed, in words."""
    code: str = ""
    """The same, as `StateReasonCode`."""


class Cors(Struct, frozen=True, kw_only=True):
    """What a function URL answers to other origins."""

    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int | None = None


class FunctionUrl(Struct, frozen=True, kw_only=True):
    """An HTTPS endpoint of a function, or of one alias."""

    url_id: str
    account: str
    region: str
    function: str
    qualifier: str = ""
    auth_type: str
    invoke_mode: str = "BUFFERED"
    cors: Cors | None = None
    created: str
    modified: str

    @property
    def function_arn(self) -> str:
        """With the alias, if it is an alias's."""
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}"
        return f"{arn}:{self.qualifier}" if self.qualifier else arn

    @property
    def host(self) -> str:
        """The name in DNS."""
        return f"{self.url_id}.lambda-url.{self.region}.on.aws"


class ProvisionedConcurrency(Struct, frozen=True, kw_only=True):
    """Environments kept initialized for a version or an alias."""

    account: str
    region: str
    function: str
    qualifier: str
    requested: int
    allocated: int = 0
    status: str = "IN_PROGRESS"
    reason: str | None = None
    modified: datetime

    @property
    def key(self) -> tuple[str, str, str, str]:
        """As the collection knows it."""
        return (self.account, self.region, self.function, self.qualifier)
