"""Managed policies and their versions."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field


class PolicyVersion(Struct, frozen=True, kw_only=True):
    """One version of a managed policy."""

    id: str
    """`v1`, `v2`, ...; numbers are never used again."""
    document: str
    created: datetime


class ManagedPolicy(Struct, frozen=True, kw_only=True):
    """A customer managed policy, or one of AWS's."""

    account: str
    """Twelve digits, or `aws`."""
    name: str
    path: str
    id: str
    created: datetime
    updated: datetime
    versions: tuple[PolicyVersion, ...]
    default: str
    """Id of the version in force."""
    next_version: int = 2
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:policy{self.path}{self.name}"

    @property
    def is_for_service_linked_roles(self) -> bool:
        """One of AWS's that only its service attaches, to its service-linked role."""
        return self.account == "aws" and self.path.startswith("/aws-service-role/")

    def version(self, version_id: str) -> PolicyVersion | None:
        """The version of that id."""
        return next((each for each in self.versions if each.id == version_id), None)

    @property
    def document(self) -> str:
        """The document in force."""
        version = self.version(self.default)
        # INVARIANT: the default version can't be deleted.
        assert version is not None, f"{self.arn} has no version {self.default}"
        return version.document
