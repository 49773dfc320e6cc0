"""Customer-managed prefix lists."""

from __future__ import annotations

from dataclasses import dataclass

from casemate.services.ec2.records.base import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class PrefixEntry:
    cidr: str
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ManagedPrefixList(Record):
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
