"""KeyId: a key's id or ARN, and where an operation takes them, an alias or an alias's ARN."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from casemate.model.arns import Arn
from casemate.servicekit.service import Context
from casemate.services.kms.errors import (
    alias_not_found,
    invalid_arn,
    invalid_key_id,
    key_not_found,
    other_region,
)
from casemate.services.kms.records import KeyRecord, alias_arn, key_arn
from casemate.services.kms.state import KmsState

ALIAS = "alias/"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Named(Struct, frozen=True, kw_only=True):
    """The key that a request names."""

    key: KeyRecord
    alias: str | None
    """The alias it was named by: `kms:RequestAlias`."""


def named(ctx: Context[Any], state: KmsState, text: str, *, aliases: bool = True) -> Named:
    """The key that `text` names; NotFoundException and InvalidArnException as AWS raises them.

    `aliases` False: "You must use the key ID or key ARN" (API Reference, operations that manage a key).
    """
    account, name = ctx.account, text
    if text.startswith("arn:"):
        account, name = _from_arn(ctx, text)
    if name.startswith(ALIAS):
        if not aliases:
            raise invalid_key_id(text)
        alias = state.alias(account, ctx.region, name)
        found = alias and state.key(ctx.region, alias.key_id)
        if found is None:
            raise alias_not_found(alias_arn(account, ctx.region, name))
        return Named(key=found, alias=name)
    found = state.key(ctx.region, name)
    if found is None or found.account != account:
        if not text.startswith("arn:") and not _UUID.fullmatch(name):
            raise invalid_key_id(text)
        raise key_not_found(key_arn(account, ctx.region, name))
    return Named(key=found, alias=None)


def _from_arn(ctx: Context[Any], text: str) -> tuple[str, str]:
    """Account, and id or alias."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise invalid_arn(text) from None
    kind, _, rest = arn.resource.partition("/")
    if arn.service != "kms" or kind not in {"key", "alias"} or not rest:
        raise invalid_arn(text)
    if arn.region != ctx.region:
        raise other_region(arn.region)
    return arn.account, rest if kind == "key" else arn.resource
