"""AWS's own managed policies, as AWS publishes them: all of them, read when somebody asks for one.

`data/aws_managed_policies.zip` is made by `scripts/refresh_aws_data.py` and says inside where it comes from. It holds
one default version per policy. Its index (names, paths, versions, times; 2 ms) and a policy's document are read when
somebody names a policy: start-up reads nothing, and nothing stays in memory but the policies that were named.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from casemate.services.iam.policies import ManagedPolicy, PolicyVersion

AWS = "aws"
"""What stands in the place of the account in the ARN of a policy of AWS's."""

DOCUMENTS_PER_MEMBER = 32
"""As `scripts/refresh_aws_data.py` packs them."""
_KEPT = 256
"""Policies kept whole; an installation uses a handful."""

_Row = tuple[str, str, str, int, int]
"""Name, path, default version, times of creation and of the last update."""


class _Detail(msgspec.Struct):
    id: str
    description: str


class _Details(msgspec.Struct):
    source: str
    retrieved: str
    policies: dict[str, _Detail]


class _Entry(Struct, frozen=True, kw_only=True):
    """What the index tells of a policy."""

    position: int
    """Among all policies, which says where its document is."""
    row: _Row


def _read(member: str) -> bytes:
    with (
        (files("casemate.services.iam") / "data" / "aws_managed_policies.zip").open("rb") as file,
        zipfile.ZipFile(file) as archive,
    ):
        return archive.read(member)


def provenance() -> dict[str, str]:
    """Package, version, licence and date of the data."""
    return json.loads(_read("provenance.json"))


def _index() -> dict[str, _Entry]:
    """By ARN."""
    rows = msgspec.json.decode(_read("index.json"), type=list[_Row])
    return {_arn(row): _Entry(position=position, row=row) for position, row in enumerate(rows)}


@cache
def _details() -> dict[str, _Detail]:
    """Descriptions, which the package does not have, of the policies most used here."""
    text = (files("casemate.services.iam") / "data" / "aws_managed_policy_details.json").read_bytes()
    return msgspec.json.decode(text, type=_Details).policies


def aws_policy_arns() -> tuple[str, ...]:
    """The ARN of every AWS managed policy."""
    return tuple(_index())


def is_aws_policy(arn: str) -> bool:
    """Whether there is an AWS managed policy of that ARN."""
    return arn in _index()


def aws_policy_listing() -> Iterator[ManagedPolicy]:
    """Every AWS managed policy without its document: `versions` is empty."""
    for entry in _index().values():
        yield _managed(entry.row, ())


@lru_cache(maxsize=_KEPT)
def aws_policy(arn: str) -> ManagedPolicy | None:
    """The AWS managed policy of that ARN, its document included; None when there is none."""
    entry = _index().get(arn)
    if entry is None:
        return None
    member, offset = divmod(entry.position, DOCUMENTS_PER_MEMBER)
    documents: list[dict[str, Any]] = json.loads(_read(f"documents/{member}.json"))
    version = PolicyVersion(
        id=entry.row[2],
        # The layout in which the console and `get-policy-version` show AWS's policies.
        document=json.dumps(documents[offset], indent=2, ensure_ascii=False),
        created=_time(entry.row[4]),
    )
    return _managed(entry.row, (version,))


def _managed(row: _Row, versions: tuple[PolicyVersion, ...]) -> ManagedPolicy:
    name, path, version, created, updated = row
    detail = _details().get(name)
    return ManagedPolicy(
        account=AWS,
        name=name,
        path=path,
        id=detail.id if detail else _made_up_id(name),
        created=_time(created),
        updated=_time(updated),
        versions=versions,
        default=version,
        description=detail.description if detail else None,
    )


def _arn(row: _Row) -> str:
    return f"arn:aws:iam::{AWS}:policy{row[1]}{row[0]}"


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _made_up_id(name: str) -> str:
    """AWS's ids are not published; this one is the same on every machine."""
    return "ANPA" + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]
