"""AWS managed keys: those that services have in an account, made on first use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from casemate.servicekit.service import Context
from casemate.services.kms.key_policies import managed_policy
from casemate.services.kms.making import new_key
from casemate.services.kms.names import ALIAS
from casemate.services.kms.records import AliasRecord, KeyRecord, Rotation
from casemate.services.kms.state import KmsState

_SERVICES = frozenset({"dynamodb", "lambda"})
"""That encrypt with keys here."""


def predefined(state: KmsState, account: str, region: str, name: str) -> str | None:
    """The service whose alias that is, when there is no key behind it yet."""
    service = name.removeprefix(f"{ALIAS}aws/")
    if service not in _SERVICES or service == name or state.alias(account, region, name) is not None:
        return None
    return service


def managed_key(ctx: Context[Any], state: KmsState, service: str) -> KeyRecord:
    """The service's key of the caller's account, made when there is none. Call inside a transaction."""
    alias = f"{ALIAS}aws/{service}"
    present = state.alias(ctx.account, ctx.region, alias)
    found = present and state.key(ctx.region, present.key_id)
    if found is not None:
        return found
    policy = managed_policy(service, ctx.account, ctx.region)
    made = replace(
        new_key(ctx, state, spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT", policy=policy),
        aws_managed=True,
        description=f"Default key that protects my {service} data when no other key is defined",
        # "AWS managed keys are rotated every year" (Developer Guide, "Rotating AWS KMS keys").
        rotation=Rotation(period_days=365, since=ctx.now.timestamp()),
    )
    now = ctx.now.timestamp()
    record = AliasRecord(
        account=ctx.account, region=ctx.region, name=alias, key_id=made.key_id, created=now, updated=now
    )
    state.keys.put(made.key, made)
    state.aliases.put(record.key, record)
    return made
