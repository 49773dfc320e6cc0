"""CreateAlias, UpdateAlias, DeleteAlias, ListAliases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.kms.errors import (
    alias_not_found,
    key_not_found,
    limit_exceeded,
    no_alias_prefix,
    validation,
)
from casemate.services.kms.names import ALIAS, Named, named
from casemate.services.kms.paging import paged
from casemate.services.kms.permissions import check_on, having, on_nothing, require_own
from casemate.services.kms.records import AliasRecord, alias_arn
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import require_not_pending

_RESERVED = "alias/aws/"
_MOST_PER_KEY = 50
"""Developer Guide, "Quotas": aliases per KMS key."""
_PAGE = 50
_MOST_ON_A_PAGE = 100


def _alias_check(ctx: Context[KmsState], action: str, name: str) -> Check:
    # The alias has no policy of its own: the caller's identity policies decide (Developer Guide, "Controlling access
    # to aliases": permission on the alias in an IAM policy, permission on the key in a key policy or an IAM policy).
    return Check(
        action=f"kms:{action}",
        resource=alias_arn(ctx.account, ctx.region, name),
        context=having(action, {"kms:CallerAccount": ctx.account}),
    )


def _checked_name(name: str) -> str:
    if not name.startswith(ALIAS) or name == ALIAS:
        raise no_alias_prefix()
    return name


def _create_checks(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
    name = _checked_name(params["AliasName"])
    if name.startswith(_RESERVED):
        # Of the others it is the policy of an AWS managed key that refuses.
        raise AwsError(
            "InvalidAliasNameException", f"The prefix {_RESERVED} is reserved for AWS managed keys"
        )
    yield _alias_check(ctx, "CreateAlias", name)
    yield check_on(
        ctx.state, "CreateAlias", _target(ctx, "CreateAlias", params["TargetKeyId"]), caller=ctx.account
    )


def _target(ctx: Context[KmsState], action: str, text: str) -> Named:
    """A key of the caller's account, named by its id or ARN."""
    if text.startswith(ALIAS) or f":{ALIAS}" in text:
        # The text as public tests of AWS clients have it.
        raise validation("Aliases must refer to keys. Not aliases")
    found = named(ctx, ctx.state, text, aliases=False)
    require_own(ctx, action, found)
    return found


@operations.operation("CreateAlias", checks=_create_checks)
def create_alias(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["TargetKeyId"], aliases=False).key
    require_not_pending(key)
    name = params["AliasName"]
    if ctx.state.alias(ctx.account, ctx.region, name) is not None:
        arn = alias_arn(ctx.account, ctx.region, name)
        raise AwsError("AlreadyExistsException", f"An alias with the name {arn} already exists")
    if len(ctx.state.aliases_of(key)) >= _MOST_PER_KEY:
        raise limit_exceeded(f"{key.arn} has {_MOST_PER_KEY} aliases, the most a key may have")
    now = ctx.now.timestamp()
    alias = AliasRecord(
        account=ctx.account, region=ctx.region, name=name, key_id=key.key_id, created=now, updated=now
    )
    ctx.state.aliases.put(alias.key, alias)
    return {}


def _existing(ctx: Context[KmsState], name: str) -> AliasRecord:
    alias = ctx.state.alias(ctx.account, ctx.region, name)
    if alias is None:
        raise alias_not_found(alias_arn(ctx.account, ctx.region, name))
    return alias


def _update_checks(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
    yield _alias_check(ctx, "UpdateAlias", _checked_name(params["AliasName"]))
    current = _existing(ctx, params["AliasName"]).key_id
    for text in (current, params["TargetKeyId"]):
        target = _target(ctx, "UpdateAlias", text)
        yield check_on(ctx.state, "UpdateAlias", target, caller=ctx.account)


@operations.operation("UpdateAlias", checks=_update_checks)
def update_alias(ctx: Context[KmsState], params: Params) -> Output:
    """The new key must be of the same type and usage as the present one (API Reference)."""
    alias = _existing(ctx, params["AliasName"])
    new = named(ctx, ctx.state, params["TargetKeyId"], aliases=False).key
    require_not_pending(new)
    old = named(ctx, ctx.state, alias.key_id).key
    if old.usage != new.usage:
        raise validation(f"Alias {alias.arn} cannot be changed from a {old.usage} key to a {new.usage} key")
    ctx.state.aliases.put(alias.key, replace(alias, key_id=new.key_id, updated=ctx.now.timestamp()))
    return {}


def _delete_checks(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
    yield _alias_check(ctx, "DeleteAlias", _checked_name(params["AliasName"]))
    target = named(ctx, ctx.state, _existing(ctx, params["AliasName"]).key_id)
    yield check_on(ctx.state, "DeleteAlias", target, caller=ctx.account)


@operations.operation("DeleteAlias", checks=_delete_checks)
def delete_alias(ctx: Context[KmsState], params: Params) -> Output:
    ctx.state.aliases.delete(*_existing(ctx, params["AliasName"]).key)
    return {}


@operations.operation("ListAliases", checks=on_nothing("ListAliases"))
def list_aliases(ctx: Context[KmsState], params: Params) -> Output:
    """Those of the account, or of one key."""
    if params.get("KeyId"):
        key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
        # "Cross-account use: No" (API Reference): the action has no resource that the owner's policy could speak of.
        if key.account != ctx.account:
            raise key_not_found(key.arn)
        listed = ctx.state.aliases_of(key)
    else:
        listed = ctx.state.aliases.values(ctx.account, ctx.region)
    return paged(
        params,
        "Aliases",
        listed,
        key=lambda alias: alias.name,
        shape=_entry,
        default=_PAGE,
        most=_MOST_ON_A_PAGE,
    )


def _entry(alias: AliasRecord) -> dict[str, Any]:
    return {
        "AliasName": alias.name,
        "AliasArn": alias.arn,
        "TargetKeyId": alias.key_id,
        "CreationDate": datetime.fromtimestamp(alias.created, UTC),
        "LastUpdatedDate": datetime.fromtimestamp(alias.updated, UTC),
    }
