"""A new grant: its id and its token."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from casemate.servicekit.service import Context
from casemate.services.kms.records import GrantRecord, KeyRecord

_ID_BYTES = 32
_TOKEN_BYTES = 96


def new_grant(
    ctx: Context[Any],
    key: KeyRecord,
    *,
    grantee: str,
    retiring: str | None,
    operations: tuple[str, ...],
    name: str | None = None,
    context_equals: Mapping[str, str] | None = None,
    context_subset: Mapping[str, str] | None = None,
) -> GrantRecord:
    """Not yet kept. An empty constraint is none."""
    return GrantRecord(
        grant_id=ctx.random_bytes(_ID_BYTES).hex(),
        token=b64encode(ctx.random_bytes(_TOKEN_BYTES)).decode(),
        region=key.region,
        key_id=key.key_id,
        grantee=grantee,
        retiring=retiring,
        operations=operations,
        name=name,
        context_equals=context_equals or None,
        context_subset=context_subset or None,
        issuer=ctx.account,
        created=ctx.now.timestamp(),
    )
