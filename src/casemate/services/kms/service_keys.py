"""Keys as other services use them on behalf of their callers: the port `Keys`.

Each step is asked in a forward access session: the caller must be allowed what the service does with the key, and the
key sees through which service it came (`kms:ViaService`). What the service does for itself it does under a grant.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from casemate.servicekit.ports import KeyUse, ProtectedKey
from casemate.servicekit.service import Context
from casemate.services.kms.errors import no_alias, validation
from casemate.services.kms.granting import new_grant
from casemate.services.kms.managed_keys import managed_key
from casemate.services.kms.material import read_blob
from casemate.services.kms.names import ALIAS, Named, named
from casemate.services.kms.permissions import Keys, check_on, context_keys
from casemate.services.kms.records import GrantRecord, KeyRecord
from casemate.services.kms.service_calls import ServiceCalls, grant_parameters
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import require_usable

_DATA_KEY_BYTES = 32
_GRANTED = (
    "Encrypt",
    "Decrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "GenerateDataKey",
    "RetireGrant",
    "DescribeKey",
)
"""DynamoDB Developer Guide, "DynamoDB encryption at rest", "Using grants to authorize DynamoDB" and its event."""
_GRANTED_TO_ROLES = ("Decrypt", "RetireGrant")
"""What a role needs of the key of its function's variables. Inferred: Lambda's pages name the grant, not its operations."""


class ServiceKeys:
    """Implements the port `Keys`."""

    def __init__(self, state: KmsState, calls: ServiceCalls) -> None:
        self._state = state
        self._calls = calls

    def adopt(self, ctx: Context[Any], key: str | None, use: KeyUse) -> ProtectedKey:
        alias = f"{ALIAS}aws/{use.service}"
        if use.role and key is not None and f":{ALIAS}" in key:
            raise no_alias()
        with self._calls.on_behalf(ctx, "Encrypt" if use.role else "DescribeKey", use) as first:
            first.parameters = {"keyId": key or alias}
            if key is None or key == alias:
                found = Named(key=managed_key(ctx, self._state, use.service), alias=alias)
            else:
                found = named(ctx, self._state, key)
            first.key = found.key
            if use.role:
                first.parameters = {
                    "encryptionContext": dict(use.encryption_context),
                    "keyId": found.key.arn,
                    "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                }
            self._ask(ctx, "Encrypt" if use.role else "DescribeKey", found, use)
        with self._calls.on_behalf(ctx, "CreateGrant", use) as second:
            second.key = found.key
            grant = self._grant(ctx, found, use)
            second.parameters = grant_parameters(found.key, grant)
            self._require_grantable(ctx, found, use, grant)
            second.response = {"grantId": grant.grant_id}
        self._state.grants.put(grant.key, grant)
        current = self._state.current(found.key)
        plaintext = self._state.ring.random(_DATA_KEY_BYTES)
        blob = self._state.ring.encrypt(current, plaintext, use.encryption_context)
        if not use.role:
            self._calls.generated(current, use, ctx.now)
        return ProtectedKey(key_arn=current.arn, blob=blob)

    def _grant(self, ctx: Context[Any], found: Named, use: KeyUse) -> GrantRecord:
        """The caller's grant to the service, or to the role it decrypts as. Not yet kept."""
        name = use.role or _service_name(use)
        return new_grant(
            ctx,
            found.key,
            grantee=name,
            retiring=name,
            operations=_GRANTED_TO_ROLES if use.role else _GRANTED,
            context_equals=use.encryption_context if use.role else None,
            context_subset=None if use.role else use.encryption_context,
        )

    def _require_grantable(self, ctx: Context[Any], found: Named, use: KeyUse, grant: GrantRecord) -> None:
        """AwsError unless the key can have the grant, and the caller may give it."""
        if found.key.spec != "SYMMETRIC_DEFAULT":
            text = "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key."
            raise validation(text)
        self._ask(
            ctx,
            "CreateGrant",
            found,
            use,
            {
                "kms:GrantOperations": grant.operations,
                "kms:GranteePrincipal": grant.grantee,
                "kms:RetiringPrincipal": grant.grantee,
                "kms:GrantIsForAWSResource": "true",
                "kms:GrantConstraintType": "EncryptionContextEquals"
                if use.role
                else "EncryptionContextSubset",
            },
        )
        require_usable(found.key, "ENCRYPT_DECRYPT", "Encrypt" if use.role else "GenerateDataKey")

    def unlock(self, ctx: Context[Any], protected: ProtectedKey, use: KeyUse) -> bytes:
        with self._calls.on_behalf(ctx, "Decrypt", use) as call:
            call.parameters = {"encryptionContext": dict(use.encryption_context)}
            found = named(ctx, self._state, protected.key_arn)
            call.key = found.key
            return self._decrypted(ctx, found, protected, use)

    def check(self, ctx: Context[Any], protected: ProtectedKey, use: KeyUse) -> None:
        self._decrypted(ctx, named(ctx, self._state, protected.key_arn), protected, use)

    def _decrypted(self, ctx: Context[Any], found: Named, protected: ProtectedKey, use: KeyUse) -> bytes:
        blob = read_blob(protected.blob)
        self._ask(ctx, "Decrypt", found, use)
        require_usable(found.key, "ENCRYPT_DECRYPT", "Decrypt")
        return self._state.ring.decrypt(found.key, blob, use.encryption_context)

    def release(self, key_arn: str, use: KeyUse) -> None:
        key = self._key(key_arn, use)
        for grant in self._grants(key_arn, use):
            assert key is not None
            self._state.grants.delete(*grant.key)
            self._calls.retired(key, use, grant)

    def inaccessible_since(self, key_arn: str, use: KeyUse) -> datetime | None:
        key = self._state.keys.get(use.region, key_arn.rpartition("/")[2])
        if key is None:
            # Deleted, and the record of it too.
            return datetime.fromtimestamp(0, UTC)
        if key.unusable_since is not None:
            return datetime.fromtimestamp(key.unusable_since, UTC)
        # "If you revoke the grant on an active encrypted table, DynamoDB will not be able to protect and maintain it"
        # (DynamoDB Developer Guide). When it was revoked is not kept.
        return None if self._grants(key_arn, use) else datetime.fromtimestamp(key.created, UTC)

    def _ask(
        self, ctx: Context[Any], action: str, found: Named, use: KeyUse, more: Keys | None = None
    ) -> None:
        request: Keys = {
            "kms:ViaService": _service_name(use),
            "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            **context_keys(use.encryption_context),
            **(more or {}),
        }
        caller = ctx.principal.account
        check = check_on(self._state, action, found, caller=caller, request=request)
        ctx.authorize(check, through=f"{use.service}.amazonaws.com")

    def _key(self, key_arn: str, use: KeyUse) -> KeyRecord | None:
        return self._state.key(use.region, key_arn.rpartition("/")[2])

    def _grants(self, key_arn: str, use: KeyUse) -> list[GrantRecord]:
        key = self._key(key_arn, use)
        if key is None:
            return []
        name = use.role or _service_name(use)
        return [
            grant
            for grant in self._state.grants_of(key)
            if grant.grantee == name
            and use.encryption_context in (grant.context_subset, grant.context_equals)
        ]


def _service_name(use: KeyUse) -> str:
    """The service as `kms:ViaService` and as a grantee: `dynamodb.us-east-2.amazonaws.com`."""
    return f"{use.service}.{use.region}.amazonaws.com"
