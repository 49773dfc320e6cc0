"""A new grant: its id and its tokens."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from typing import Any

from casemate.model.ids import RandomBytes
from casemate.servicekit.service import Context
from casemate.services.kms.records import GrantRecord, KeyRecord

_ID_BYTES = 32
_TOKEN_BYTES = 96
_NONCE_BYTES = 64


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


def another_token(grant: GrantRecord, random_bytes: RandomBytes) -> str:
    """A further token of the grant: "all grant tokens for the same grant ID can be used interchangeably" (API Reference)."""
    nonce = random_bytes(_NONCE_BYTES)
    return b64encode(nonce + _seal(grant, nonce)).decode()


def is_token(token: str, grant: GrantRecord) -> bool:
    """Whether it is one of the grant's."""
    if token == grant.token:
        return True
    try:
        raw = b64decode(token, validate=True)
    except (Error, ValueError):
        return False
    nonce, seal = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    return hmac.compare_digest(seal, _seal(grant, nonce))


def _seal(grant: GrantRecord, nonce: bytes) -> bytes:
    return hmac.digest(grant.token.encode(), nonce, "sha256")
