"""What identifies a service on the wire, for all services at once, without loading their models.

`service_index.json` is generated from botocore's models by `python -m casemate.wire.service_index`; a test holds it
to the installed botocore.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

INDEX_FILE = Path(__file__).with_name("service_index.json")


class ServiceEntry(Struct, frozen=True, kw_only=True):
    """One service's `metadata`, reduced to what routing needs."""

    name: str
    """botocore's name, which is the folder of its model."""
    endpoint_prefix: str
    signing_name: str
    target_prefix: str | None = None
    """First part of X-Amz-Target."""
    protocols: tuple[str, ...]
    """The preferred one first."""
    api_version: str


class ServiceIndex:
    """Look-ups over all services."""

    def __init__(self, entries: Mapping[str, ServiceEntry]) -> None:
        self.entries = entries
        self._by_signing_name = self._group("signing_name")
        self._by_endpoint_prefix = self._group("endpoint_prefix")
        self._by_target_prefix = self._group("target_prefix")
        self._by_version: dict[str, tuple[str, ...]] = {}
        for entry in entries.values():
            if {"query", "ec2"}.intersection(entry.protocols):
                known = self._by_version.get(entry.api_version, ())
                self._by_version[entry.api_version] = (*known, entry.name)

    def _group(self, attribute: str) -> dict[str, tuple[str, ...]]:
        groups: dict[str, tuple[str, ...]] = {}
        for entry in self.entries.values():
            key = getattr(entry, attribute)
            if key is not None:
                groups[key] = (*groups.get(key, ()), entry.name)
        return groups

    def signed_as(self, signing_name: str) -> tuple[str, ...]:
        """Services whose credential scope carries that name."""
        return self._by_signing_name.get(signing_name, ())

    def at_endpoint(self, endpoint_prefix: str) -> tuple[str, ...]:
        """Services whose host name begins with that prefix."""
        return self._by_endpoint_prefix.get(endpoint_prefix, ())

    def targeted_by(self, target_prefix: str) -> tuple[str, ...]:
        """Services whose X-Amz-Target begins with that prefix."""
        return self._by_target_prefix.get(target_prefix, ())

    def of_query_version(self, api_version: str) -> tuple[str, ...]:
        """Services of the query and ec2 protocols with that API version."""
        return self._by_version.get(api_version, ())


@functools.cache
def default_index() -> ServiceIndex:
    """The committed index."""
    rows = msgspec.json.decode(INDEX_FILE.read_bytes(), type=dict[str, dict[str, Any]])
    entries = {
        name: ServiceEntry(
            name=name,
            endpoint_prefix=row["endpoint_prefix"],
            signing_name=row.get("signing_name", row["endpoint_prefix"]),
            target_prefix=row.get("target_prefix"),
            protocols=tuple(row["protocols"]),
            api_version=row["api_version"],
        )
        for name, row in rows.items()
    }
    return ServiceIndex(entries)


class _ModelFile(msgspec.Struct):
    """The only part of a model file that the index wants; the decoder skips the rest."""

    metadata: dict[str, Any]


def _metadata(folder: Path) -> dict[str, Any]:
    packed = folder / "service-2.json.gz"
    raw = (
        gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / "service-2.json").read_bytes()
    )
    return msgspec.json.decode(raw, type=_ModelFile).metadata


def generate() -> bytes:
    """The index of the installed botocore, as the file holds it: one service a line, so that changes read well."""
    from botocore.loaders import Loader

    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    lines: list[str] = []
    for name in sorted(loader.list_available_services("service-2")):
        version = loader.determine_latest_version(name, "service-2")
        metadata = _metadata(Path(Loader.BUILTIN_DATA_PATH) / name / version)
        row: dict[str, Any] = {
            "endpoint_prefix": metadata["endpointPrefix"],
            "protocols": metadata.get("protocols") or [metadata["protocol"]],
            "api_version": metadata["apiVersion"],
        }
        if metadata.get("signingName", row["endpoint_prefix"]) != row["endpoint_prefix"]:
            row["signing_name"] = metadata["signingName"]
        if "targetPrefix" in metadata:
            row["target_prefix"] = metadata["targetPrefix"]
        lines.append(f"{msgspec.json.encode(name).decode()}:{msgspec.json.encode(row).decode()}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


if __name__ == "__main__":
    INDEX_FILE.write_bytes(generate())
