"""Access keys of users, and of the root user when it asks for itself."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from casemate.model.ids import unique_id
from casemate.model.principals import PrincipalKind
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.entities import USERS, creation_time, own_user_checks, own_user_name
from casemate.services.iam.errors import no_such_entity, quota_exceeded
from casemate.services.iam.last_uses import last_use
from casemate.services.iam.lookups import keys_of
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.secrets import new_secret
from casemate.services.iam.shapes import key_shape, key_use_shape
from casemate.services.iam.state import AccessKey, IamState


def _owner(ctx: Context[IamState], params: Params) -> str | None:
    """Name of the user the request is about; None for the root user."""
    if params.get("UserName") is None and ctx.principal.kind is PrincipalKind.ROOT:
        return None
    return USERS.named(ctx, {"UserName": own_user_name(ctx, params)}).name


@operations.operation("CreateAccessKey", checks=own_user_checks("CreateAccessKey"))
def create_access_key(ctx: Context[IamState], params: Params) -> Output:
    owner = _owner(ctx, params)
    if len(keys_of(ctx, owner)) >= quotas.ACCESS_KEYS_PER_USER:
        raise quota_exceeded("AccessKeysPerUser", quotas.ACCESS_KEYS_PER_USER)
    key = AccessKey(
        id=unique_id("AKIA", ctx.random_bytes, length=20),
        secret=new_secret(ctx.random_bytes),
        account=ctx.account,
        user=owner,
        created=creation_time(ctx),
    )
    ctx.state.keys.put((key.id,), key)
    return {"AccessKey": {**key_shape(key, owner), "SecretAccessKey": key.secret}}


@operations.operation("ListAccessKeys", checks=own_user_checks("ListAccessKeys"))
def list_access_keys(ctx: Context[IamState], params: Params) -> Output:
    owner = _owner(ctx, params)
    keys = keys_of(ctx, owner)
    return paged(
        params, "AccessKeyMetadata", keys, key=lambda key: key.id, shape=lambda key: key_shape(key, owner)
    )


def _key(ctx: Context[IamState], params: Params) -> AccessKey:
    owner = _owner(ctx, params)
    key = ctx.state.keys.get(params["AccessKeyId"])
    if key is None or key.account != ctx.account or key.user != owner:
        raise no_such_entity(f"The Access Key with id {params['AccessKeyId']} cannot be found.")
    return key


def _last_used_checks(ctx: Context[IamState], params: Params) -> Iterable[Check]:
    """On the user who has the key: the request names only the key."""
    key = ctx.state.keys.get(params["AccessKeyId"])
    if key is None or key.account != ctx.account or key.user is None:
        return (Check(action="iam:GetAccessKeyLastUsed"),)
    return USERS.checks("GetAccessKeyLastUsed")(ctx, {"UserName": key.user})


@operations.operation("GetAccessKeyLastUsed", checks=_last_used_checks)
def get_access_key_last_used(ctx: Context[IamState], params: Params) -> Output:
    key = ctx.state.keys.get(params["AccessKeyId"])
    if key is None or key.account != ctx.account:
        raise no_such_entity(f"The Access Key with id {params['AccessKeyId']} cannot be found.")
    use = last_use(ctx.state, key.id, ctx.now)
    return {"UserName": key.user, "AccessKeyLastUsed": key_use_shape(use)}


@operations.operation("UpdateAccessKey", checks=own_user_checks("UpdateAccessKey"))
def update_access_key(ctx: Context[IamState], params: Params) -> Output:
    key = _key(ctx, params)
    ctx.state.keys.put((key.id,), replace(key, active=params["Status"] == "Active"))
    return {}


@operations.operation("DeleteAccessKey", checks=own_user_checks("DeleteAccessKey"))
def delete_access_key(ctx: Context[IamState], params: Params) -> Output:
    key = _key(ctx, params)
    ctx.state.keys.delete(key.id)
    ctx.state.last_uses.delete(key.id)
    return {}
