"""Encrypt, Decrypt, ReEncrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.kms.errors import (
    dry_run,
    incorrect_key,
    not_modelled,
    require_length,
    unknown_ciphertext_key,
    validation,
)
from casemate.services.kms.material import Blob, read_blob
from casemate.services.kms.names import Named, named
from casemate.services.kms.permissions import check_on, context_keys, cryptographic, on_key, on_nothing
from casemate.services.kms.records import KeyRecord
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import check_grant_tokens, require_usable

_ALGORITHM = "SYMMETRIC_DEFAULT"
_USAGE = "ENCRYPT_DECRYPT"
_MOST_PLAINTEXT = 4096
_MOST_CIPHERTEXT = 6144
"""API Reference, Encrypt and Decrypt: bytes."""
_SIZES = {"AES_256": 32, "AES_128": 16}


def _refuse_unmodelled(params: Params) -> None:
    if params.get("Recipient"):
        raise not_modelled("Recipient: there are no Nitro enclaves")
    for member in ("EncryptionAlgorithm", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm"):
        if (params.get(member) or _ALGORITHM) != _ALGORITHM:
            raise validation(f"Algorithm {params[member]} and key spec {_ALGORITHM} are incompatible.")


def _ready(ctx: Context[KmsState], params: Params, key: KeyRecord, operation: str) -> None:
    """What is asked before any secret is touched; the end of a dry run."""
    _refuse_unmodelled(params)
    check_grant_tokens(ctx.state, ctx.region, params.get("GrantTokens"))
    require_usable(key, _USAGE, operation)


def _key_of(
    ctx: Context[KmsState], params: Params, blob_member: str, key_member: str
) -> tuple[Named, Blob | None]:
    """The key that a ciphertext names; KeyId, where given, must be that key.

    No ciphertext: of a dry run that ignores it, which must name the key instead.
    """
    data = params.get(blob_member)
    ignored = params.get("DryRun") and "IGNORE_CIPHERTEXT" in (params.get("DryRunModifiers") or ())
    if ignored and params.get(key_member):
        return named(ctx, ctx.state, params[key_member]), None
    if data is None:
        missing = key_member if ignored else blob_member
        camel = missing[:1].lower() + missing[1:]
        raise validation(
            f"1 validation error detected: Value null at '{camel}' failed to satisfy constraint: Member must not be null"
        )
    require_length(params, blob_member, _MOST_CIPHERTEXT)
    blob = read_blob(data)
    record = ctx.state.key(ctx.region, blob.key_id)
    if params.get(key_member):
        asked = named(ctx, ctx.state, params[key_member])
        if asked.key is not record:
            raise incorrect_key()
        return asked, blob
    if record is None:
        raise unknown_ciphertext_key()
    return Named(key=record, alias=None), blob


@operations.operation("Encrypt", checks=on_key("Encrypt", abroad=True, aliases=True, request=cryptographic))
def encrypt(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"]).key
    _ready(ctx, params, key, "Encrypt")
    require_length(params, "Plaintext", _MOST_PLAINTEXT)
    if params.get("DryRun"):
        raise dry_run()
    blob = ctx.state.ring.encrypt(
        ctx.state.current(key), params["Plaintext"], params.get("EncryptionContext") or {}
    )
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": _ALGORITHM}


def _decrypt_checks(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
    found, _ = _key_of(ctx, params, "CiphertextBlob", "KeyId")
    yield check_on(ctx.state, "Decrypt", found, caller=ctx.account, request=cryptographic(params))


@operations.operation("Decrypt", checks=_decrypt_checks)
def decrypt(ctx: Context[KmsState], params: Params) -> Output:
    found, blob = _key_of(ctx, params, "CiphertextBlob", "KeyId")
    _ready(ctx, params, found.key, "Decrypt")
    if blob is None:
        raise dry_run()
    plaintext = ctx.state.ring.decrypt(found.key, blob, params.get("EncryptionContext") or {})
    if params.get("DryRun"):
        raise dry_run()
    return {
        "KeyId": found.key.arn,
        "Plaintext": plaintext,
        "EncryptionAlgorithm": _ALGORITHM,
        "KeyMaterialId": blob.material_id,
    }


def _re_encrypt_checks(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
    source, _ = _key_of(ctx, params, "CiphertextBlob", "SourceKeyId")
    destination = named(ctx, ctx.state, params["DestinationKeyId"])
    same = str(source.key is destination.key).lower()
    sides: tuple[tuple[str, Named, Mapping[str, str] | None], ...] = (
        ("ReEncryptFrom", source, params.get("SourceEncryptionContext")),
        ("ReEncryptTo", destination, params.get("DestinationEncryptionContext")),
    )
    for action, side, context in sides:
        keys = {
            "kms:EncryptionAlgorithm": _ALGORITHM,
            "kms:ReEncryptOnSameKey": same,
            **context_keys(context),
        }
        yield check_on(ctx.state, action, side, caller=ctx.account, request=keys)


@operations.operation("ReEncrypt", checks=_re_encrypt_checks)
def re_encrypt(ctx: Context[KmsState], params: Params) -> Output:
    """Two keys, and a plaintext that never leaves."""
    source, blob = _key_of(ctx, params, "CiphertextBlob", "SourceKeyId")
    destination = named(ctx, ctx.state, params["DestinationKeyId"]).key
    for key in (source.key, destination):
        _ready(ctx, params, key, "ReEncrypt")
    if blob is None:
        raise dry_run()
    plaintext = ctx.state.ring.decrypt(source.key, blob, params.get("SourceEncryptionContext") or {})
    if params.get("DryRun"):
        raise dry_run()
    destination = ctx.state.current(destination)
    sealed = ctx.state.ring.encrypt(destination, plaintext, params.get("DestinationEncryptionContext") or {})
    return {
        "CiphertextBlob": sealed,
        "SourceKeyId": source.key.arn,
        "KeyId": destination.arn,
        "SourceEncryptionAlgorithm": _ALGORITHM,
        "DestinationEncryptionAlgorithm": _ALGORITHM,
        "SourceKeyMaterialId": blob.material_id,
        "DestinationKeyMaterialId": destination.current.material_id,
    }


def _data_key(ctx: Context[KmsState], params: Params, operation: str) -> dict[str, Any]:
    key = named(ctx, ctx.state, params["KeyId"]).key
    _ready(ctx, params, key, operation)
    spec, size = params.get("KeySpec"), params.get("NumberOfBytes")
    if (spec is None) == (size is None):
        raise validation("Please specify either number of bytes or key spec.")
    wanted: int = params["NumberOfBytes"] if spec is None else _SIZES[spec]
    if params.get("DryRun"):
        raise dry_run()
    key = ctx.state.current(key)
    plaintext = ctx.state.ring.random(wanted)
    return {
        "CiphertextBlob": ctx.state.ring.encrypt(key, plaintext, params.get("EncryptionContext") or {}),
        "Plaintext": plaintext,
        "KeyId": key.arn,
        "KeyMaterialId": key.current.material_id,
    }


@operations.operation(
    "GenerateDataKey", checks=on_key("GenerateDataKey", abroad=True, aliases=True, request=cryptographic)
)
def generate_data_key(ctx: Context[KmsState], params: Params) -> Output:
    return _data_key(ctx, params, "GenerateDataKey")


@operations.operation(
    "GenerateDataKeyWithoutPlaintext",
    checks=on_key("GenerateDataKeyWithoutPlaintext", abroad=True, aliases=True, request=cryptographic),
)
def generate_data_key_without_plaintext(ctx: Context[KmsState], params: Params) -> Output:
    made = _data_key(ctx, params, "GenerateDataKeyWithoutPlaintext")
    del made["Plaintext"]
    return made


@operations.operation("GenerateRandom", checks=on_nothing("GenerateRandom"))
def generate_random(ctx: Context[KmsState], params: Params) -> Output:
    _refuse_unmodelled(params)
    if params.get("CustomKeyStoreId"):
        raise not_modelled("custom key stores")
    if not params.get("NumberOfBytes"):
        raise validation("NumberOfBytes must be specified.")
    return {"Plaintext": ctx.state.ring.random(params["NumberOfBytes"])}
