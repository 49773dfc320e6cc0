"""CreateGrant, ListGrants, ListRetirableGrants, RevokeGrant, RetireGrant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.kms.errors import (
    dry_run,
    grant_not_found,
    invalid_grant_token,
    limit_exceeded,
    no_principal,
    not_modelled,
    not_retirable_by,
    validation,
)
from casemate.services.kms.granting import another_token, new_grant
from casemate.services.kms.key_statements import GRANT_KEY
from casemate.services.kms.names import Named, named
from casemate.services.kms.paging import paged
from casemate.services.kms.permissions import Keys, check_on, context_keys, on_key, on_nothing
from casemate.services.kms.records import GrantRecord, KeyRecord
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import check_grant_tokens, require_enabled

_MOST = 50_000
"""Developer Guide, "Quotas": grants per KMS key."""
_PAGE = 50
_MOST_ON_A_PAGE = 100
_MOST_PAIRS = 8
_MOST_CHARACTERS = 384
"""Developer Guide, "Using grant constraints": pairs of a constraint, characters of a value."""
_PRINCIPAL = re.compile(
    r"\d{12}|A(IDA|ROA)[A-Z0-9]+"
    r"|arn:aws:iam::\d{12}:(root|(user|role)/.+)|arn:aws:sts::\d{12}:(assumed-role|federated-user)/.+",
    re.ASCII,
)
"""Developer Guide, "Grant concepts": accounts, users, roles and their sessions; no service, group or organization."""
_SYMMETRIC_OPERATIONS = frozenset(
    {
        "Encrypt",
        "Decrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    }
)
_MAC_OPERATIONS = frozenset({"GenerateMac", "VerifyMac"})
_ANY_KEY = frozenset({"CreateGrant", "RetireGrant", "DescribeKey"})


def _grantee(params: Params) -> str:
    for member in ("GranteeServicePrincipal", "RetiringServicePrincipal"):
        if params.get(member):
            raise not_modelled(member)
    if not params.get("GranteePrincipal"):
        raise validation("GranteePrincipal must be specified.")
    for member in ("GranteePrincipal", "RetiringPrincipal"):
        if params.get(member) and not _PRINCIPAL.fullmatch(params[member]):
            raise no_principal(params[member])
    return params["GranteePrincipal"]


def _grant_keys(params: Params) -> Keys:
    """What kms:CreateGrant can be conditioned on."""
    keys: Keys = {
        "kms:GrantOperations": tuple(params["Operations"]),
        "kms:GranteePrincipal": _grantee(params),
        # True only "when the AWS service that is integrated with KMS makes the grant on the user's behalf".
        "kms:GrantIsForAWSResource": "false",
    }
    if params.get("RetiringPrincipal"):
        keys["kms:RetiringPrincipal"] = params["RetiringPrincipal"]
    constraints: Mapping[str, Any] = params.get("Constraints") or {}
    for kind in ("EncryptionContextEquals", "EncryptionContextSubset"):
        if constraints.get(kind):
            keys["kms:GrantConstraintType"] = kind
            keys |= context_keys(constraints[kind])
    return keys


@operations.operation("CreateGrant", checks=on_key("CreateGrant", abroad=True, request=_grant_keys))
def create_grant(ctx: Context[KmsState], params: Params) -> Output:
    """In force at once. The same grant with the same name is not made twice."""
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    check_grant_tokens(ctx.state, ctx.region, params.get("GrantTokens"))
    require_enabled(key)
    constraints: Mapping[str, Any] = params.get("Constraints") or {}
    _check_operations(key, params["Operations"], constraints)
    if params.get("DryRun"):
        raise dry_run()
    present = ctx.state.grants_of(key)
    if len(present) >= _MOST:
        raise limit_exceeded(f"{key.arn} has {_MOST} grants, the most a key may have")
    made = new_grant(
        ctx,
        key,
        grantee=_grantee(params),
        retiring=params.get("RetiringPrincipal"),
        operations=tuple(params["Operations"]),
        name=params.get("Name"),
        context_equals=constraints.get("EncryptionContextEquals"),
        context_subset=constraints.get("EncryptionContextSubset"),
    )
    same = next((one for one in present if made.name is not None and _content(one) == _content(made)), None)
    if same is None:
        ctx.state.grants.put(made.key, made)
        return {"GrantToken": made.token, "GrantId": made.grant_id}
    return {"GrantToken": another_token(same, ctx.random_bytes), "GrantId": same.grant_id}


def _check_operations(key: KeyRecord, wanted: list[str], constraints: Mapping[str, Any]) -> None:
    if constraints.get("SourceArn"):
        raise not_modelled("the grant constraint SourceArn")
    if constraints.get("EncryptionContextEquals") and constraints.get("EncryptionContextSubset"):
        raise validation("Only one of EncryptionContextEquals and EncryptionContextSubset can be specified.")
    for pairs in constraints.values():
        if len(pairs) > _MOST_PAIRS or any(len(value) > _MOST_CHARACTERS for value in pairs.values()):
            raise validation(
                f"A grant constraint has at most {_MOST_PAIRS} pairs and values of {_MOST_CHARACTERS} characters."
            )
    symmetric = key.spec == "SYMMETRIC_DEFAULT"
    if constraints and not symmetric:
        raise validation(
            "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key."
        )
    allowed = _ANY_KEY | (_SYMMETRIC_OPERATIONS if symmetric else _MAC_OPERATIONS)
    unfit = [operation for operation in wanted if operation not in allowed]
    if unfit:
        raise validation(
            f"Grant operations [{', '.join(unfit)}] are not valid for a key of spec {key.spec} and usage {key.usage}."
        )


def _content(grant: GrantRecord) -> tuple[object, ...]:
    return (
        grant.name,
        grant.grantee,
        grant.retiring,
        frozenset(grant.operations),
        grant.context_equals,
        grant.context_subset,
        grant.issuer,
    )


@operations.operation("ListGrants", checks=on_key("ListGrants", abroad=True))
def list_grants(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    if params.get("GranteeServicePrincipal"):
        raise not_modelled("GranteeServicePrincipal")
    wanted = {"grant_id": params.get("GrantId"), "grantee": params.get("GranteePrincipal")}
    listed = [
        grant
        for grant in ctx.state.grants_of(key)
        if all(value is None or getattr(grant, name) == value for name, value in wanted.items())
    ]
    return _page(ctx, params, listed)


@operations.operation("ListRetirableGrants", checks=on_nothing("ListRetirableGrants"))
def list_retirable_grants(ctx: Context[KmsState], params: Params) -> Output:
    """Grants in the Region that the principal may retire, on keys of whatever account."""
    if params.get("RetiringServicePrincipal"):
        raise not_modelled("RetiringServicePrincipal")
    retiring: str | None = params.get("RetiringPrincipal")
    if not retiring:
        raise validation("RetiringPrincipal must be specified.")
    # "You must specify a principal in your AWS account" (API Reference).
    if retiring != ctx.account and f"::{ctx.account}:" not in retiring:
        raise not_retirable_by(ctx.principal.arn, retiring)
    listed = [one for one in ctx.state.grants.values(ctx.region) if one.retiring == retiring]
    return _page(ctx, params, listed)


def _page(ctx: Context[KmsState], params: Params, grants: list[GrantRecord]) -> Output:
    def entry(grant: GrantRecord) -> dict[str, Any]:
        key = ctx.state.key(grant.region, grant.key_id)
        shown: dict[str, Any] = {
            "KeyId": key.arn if key else grant.key_id,
            "GrantId": grant.grant_id,
            "Name": grant.name or "",
            "CreationDate": datetime.fromtimestamp(grant.created, UTC),
            "GranteePrincipal": grant.grantee,
            "RetiringPrincipal": grant.retiring,
            "IssuingAccount": f"arn:aws:iam::{grant.issuer}:root",
            "Operations": list(grant.operations),
        }
        if grant.context_equals is not None:
            shown["Constraints"] = {"EncryptionContextEquals": grant.context_equals}
        if grant.context_subset is not None:
            shown["Constraints"] = {"EncryptionContextSubset": grant.context_subset}
        return shown

    return paged(
        params,
        "Grants",
        grants,
        key=lambda one: one.grant_id,
        shape=entry,
        default=_PAGE,
        most=_MOST_ON_A_PAGE,
    )


@operations.operation("RevokeGrant", checks=on_key("RevokeGrant", abroad=True))
def revoke_grant(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    return _end(ctx, ctx.state.grants.get(*key.key, params["GrantId"]), params)


def _retired(ctx: Context[KmsState], params: Params) -> tuple[Named, GrantRecord]:
    """The grant, named by its token or by key ARN and id."""
    token = params.get("GrantToken")
    if token is not None:
        grant = ctx.state.grant_of(ctx.region, token)
        key = grant and ctx.state.key(grant.region, grant.key_id)
        if grant is None or key is None:
            raise invalid_grant_token()
        return Named(key=key, alias=None), grant
    if not params.get("KeyId") or not params.get("GrantId"):
        raise validation("Either a grant token, or a key ARN and a grant ID must be specified.")
    found = named(ctx, ctx.state, params["KeyId"], aliases=False)
    grant = ctx.state.grants.get(*found.key.key, params["GrantId"])
    if grant is None:
        raise grant_not_found()
    return found, grant


def _retire_checks(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
    found, grant = _retired(ctx, params)
    keys: Keys = {GRANT_KEY: grant.grant_id, **context_keys(grant.context_equals or grant.context_subset)}
    yield check_on(ctx.state, "RetireGrant", found, caller=ctx.account, request=keys)


@operations.operation("RetireGrant", checks=_retire_checks)
def retire_grant(ctx: Context[KmsState], params: Params) -> Output:
    return _end(ctx, _retired(ctx, params)[1], params)


def _end(ctx: Context[KmsState], grant: GrantRecord | None, params: Params) -> Output:
    if grant is None:
        raise grant_not_found()
    if params.get("DryRun"):
        raise dry_run()
    ctx.state.grants.delete(*grant.key)
    return {}
