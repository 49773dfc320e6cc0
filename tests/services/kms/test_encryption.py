"""Encrypt, Decrypt, ReEncrypt, data keys, MACs. Source: KMS API Reference, each operation."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.key_cloud import KeyCloud, refused

CONTEXT = {"purpose": "test", "order": "7"}


def test_a_ciphertext_names_its_key_and_opens_with_its_context_only(kms: Any, key: str) -> None:
    made = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=CONTEXT)
    assert made["KeyId"] == key
    reordered = dict(reversed(CONTEXT.items()))
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=reordered)
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", key)
    for wrong in ({}, {"purpose": "test"}, {**CONTEXT, "order": "8"}, {**CONTEXT, "more": "x"}):
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=wrong)


@pytest.mark.parametrize("position", [0, 20, 50, 70, -1])
def test_a_changed_ciphertext_is_invalid(kms: Any, key: str, position: int) -> None:
    blob = bytearray(kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"])
    blob[position] ^= 1
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=bytes(blob))


def test_a_ciphertext_of_a_key_that_is_not_there_is_denied(cloud: KeyCloud, kms: Any, key: str) -> None:
    """Observed: aws/aws-encryption-sdk-javascript#1005, Droplr/aws-env#29 on GitHub."""
    denied = (
        "AccessDeniedException: The ciphertext refers to a customer master key that does not exist, does not"
    )
    blob = bytearray(kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"])
    with refused(denied):
        cloud.client("kms", region="eu-west-1").decrypt(CiphertextBlob=bytes(blob))
    blob[1] ^= 1
    for call, params in ((kms.decrypt, {}), (kms.re_encrypt, {"DestinationKeyId": key})):
        with refused(denied):
            call(CiphertextBlob=bytes(blob), **params)


def test_what_is_no_ciphertext_is_invalid(kms: Any) -> None:
    for garbage in (b"x", b"\x01" * 61, b"\x00" * 200):
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=garbage)


def test_another_key_than_the_ciphertexts_is_incorrect(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    with refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=other)
    assert kms.decrypt(CiphertextBlob=blob, KeyId=key)["Plaintext"] == b"secret"


def test_re_encryption_changes_key_and_context(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]["Arn"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=other,
        DestinationEncryptionContext={"now": "other"},
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key, other)
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"now": "other"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", other)


@pytest.mark.parametrize(
    ("asked", "size"),
    [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64)],
)
def test_data_keys_come_in_the_size_asked_for(kms: Any, key: str, asked: dict[str, Any], size: int) -> None:
    made = kms.generate_data_key(KeyId=key, EncryptionContext=CONTEXT, **asked)
    assert len(made["Plaintext"]) == size
    assert (
        kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"]
        == made["Plaintext"]
    )
    hidden = kms.generate_data_key_without_plaintext(KeyId=key, **asked)
    assert "Plaintext" not in hidden
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == size


def test_a_data_key_has_one_size(kms: Any, key: str) -> None:
    for asked in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32}):
        with refused("ValidationException.*Please specify either number of bytes or key spec"):
            kms.generate_data_key(KeyId=key, **asked)


def test_plaintext_has_a_limit(kms: Any, key: str) -> None:
    kms.encrypt(KeyId=key, Plaintext=b"x" * 4096)
    with refused("ValidationException.*less than or equal to 4096"):
        kms.encrypt(KeyId=key, Plaintext=b"x" * 4097)


def test_random_bytes(kms: Any) -> None:
    assert len(kms.generate_random(NumberOfBytes=24)["Plaintext"]) == 24


def test_macs(kms: Any, key: str) -> None:
    made = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]
    assert made["MacAlgorithms"] == ["HMAC_SHA_256"]
    asked = {"KeyId": made["KeyId"], "Message": b"hello", "MacAlgorithm": "HMAC_SHA_256"}
    mac = kms.generate_mac(**asked)["Mac"]
    assert len(mac) == 32
    assert kms.verify_mac(**asked, Mac=mac)["MacValid"] is True
    with refused("KMSInvalidMacException"):
        kms.verify_mac(**asked, Mac=bytes(32))
    with refused("InvalidKeyUsageException.*key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac"):
        kms.generate_mac(**{**asked, "KeyId": key})
    with refused("InvalidKeyUsageException.*not valid for Encrypt"):
        kms.encrypt(KeyId=made["KeyId"], Plaintext=b"x")
    with refused("ValidationException.*incompatible"):
        kms.generate_mac(**{**asked, "MacAlgorithm": "HMAC_SHA_512"})


def test_a_dry_run_does_nothing_and_says_whether_it_would_have(kms: Any, key: str) -> None:
    with refused("DryRunOperationException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True)
    with refused("DryRunOperationException"):
        kms.create_grant(KeyId=key, GranteePrincipal="000000000000", Operations=["Encrypt"], DryRun=True)
    assert kms.list_grants(KeyId=key)["Grants"] == []
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True)


def test_a_dry_run_may_ignore_the_ciphertext(cloud: KeyCloud, kms: Any, key: str) -> None:
    """API Reference, Decrypt and ReEncrypt, DryRunModifiers: only the permissions are looked at."""
    ignoring = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    calls = (
        (kms.decrypt, {"KeyId": key}),
        (kms.re_encrypt, {"SourceKeyId": key, "DestinationKeyId": key}),
    )
    for call, named in calls:
        with refused("DryRunOperationException"):
            call(**named, **ignoring)
        with refused("DryRunOperationException"):
            call(CiphertextBlob=b"garbage", **named, **ignoring)
        with refused("InvalidCiphertextException"):
            call(CiphertextBlob=b"garbage", **named, DryRun=True)
        with refused("InvalidCiphertextException"):
            call(CiphertextBlob=b"garbage", **named, DryRunModifiers=["IGNORE_CIPHERTEXT"])
    with refused("ValidationException.*keyId"):
        kms.decrypt(**ignoring)
    cloud.principal = cloud.user("bob")
    with refused("AccessDeniedException.*kms:Decrypt"):
        kms.decrypt(KeyId=key, **ignoring)


def test_old_material_still_decrypts_after_rotations(cloud: KeyCloud, kms: Any, key: str) -> None:
    """Developer Guide, "Rotating AWS KMS keys": KMS keeps all versions of the key material."""
    first = kms.encrypt(KeyId=key, Plaintext=b"first")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    second = kms.encrypt(KeyId=key, Plaintext=b"second")["CiphertextBlob"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    cloud.later(days=91)
    third = kms.encrypt(KeyId=key, Plaintext=b"third")["CiphertextBlob"]
    opened = [kms.decrypt(CiphertextBlob=blob) for blob in (first, second, third)]
    assert [one["Plaintext"] for one in opened] == [b"first", b"second", b"third"]
    assert len({one["KeyMaterialId"] for one in opened}) == 3
    rotations = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert [one["RotationType"] for one in rotations] == ["ON_DEMAND", "AUTOMATIC"]
    everything = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [one["KeyMaterialState"] for one in everything] == ["NON_CURRENT", "NON_CURRENT", "CURRENT"]


def test_material_is_wrapped_at_rest(cloud: KeyCloud, kms: Any, key: str) -> None:
    """No secret of a key is in its stored record: the master key opens it, nothing else does."""
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    record = cloud.kms.service.state.keys.get("us-east-2", key.rpartition("/")[2])
    assert record is not None
    wrapped = record.current.wrapped
    assert len(wrapped) == 12 + 32 + 16
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    secret = AESGCM(b"m" * 32).decrypt(wrapped[:12], wrapped[12:], record.key_id.encode())
    assert secret not in wrapped
    assert AESGCM(secret).decrypt(blob[49:61], blob[61:], blob[:49]) == b"x"
