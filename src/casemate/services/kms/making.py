"""Making keys: for users, and for services that have one of their own."""

from __future__ import annotations

from typing import Any

from casemate.servicekit.service import Context
from casemate.services.kms.records import KeyRecord
from casemate.services.kms.state import KmsState


def new_key(ctx: Context[Any], state: KmsState, *, spec: str, usage: str, policy: str) -> KeyRecord:
    """A record with new material, not yet kept."""
    key_id = ctx.new_uuid()
    now = ctx.now.timestamp()
    return KeyRecord(
        account=ctx.account,
        region=ctx.region,
        key_id=key_id,
        created=now,
        spec=spec,
        usage=usage,
        policy=policy,
        materials=(state.ring.make(key_id, spec, now),),
    )
