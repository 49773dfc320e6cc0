"""Customer-managed prefix lists."""

from __future__ import annotations

from msgspec import Struct

from casemate.services.ec2.records.base import Record


class PrefixEntry(Struct, frozen=True, kw_only=True):
    cidr: str
    description: str = ""


class ManagedPrefixList(Record, frozen=True, kw_only=True):
    name: str
    family: str
    """IPv4 or IPv6."""
    max_entries: int
    version: int = 1
    state: str = "create-complete"
    versions: dict[str, tuple[PrefixEntry, ...]]
    """Every version's entries, by version number as text."""

    @property
    def entries(self) -> tuple[PrefixEntry, ...]:
        """Of the current version."""
        return self.versions[str(self.version)]
