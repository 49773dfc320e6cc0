"""Key material: made, kept wrapped, used. Plaintext secrets exist only while an operation uses them.

Secrets at rest are encrypted with the master key of the data directory (a file of mode 0600 beside the store), bound to
the key they belong to, so that a copied database is worth nothing without the file.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from casemate.model.errors import AwsError
from casemate.model.ids import RandomBytes
from casemate.services.kms.errors import invalid_ciphertext
from casemate.services.kms.records import KeyRecord, Material

MASTER_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 16
_MATERIAL_BYTES = 32
_VERSION = b"\x01"
_HEADER_BYTES = 1 + _ID_BYTES + _MATERIAL_BYTES + _NONCE_BYTES

_AES_BYTES = 32
MAC_HASHES = {"HMAC_224": "sha224", "HMAC_256": "sha256", "HMAC_384": "sha384", "HMAC_512": "sha512"}
"""The hash of each HMAC key spec; the key is as long as the hash (Developer Guide, "HMAC keys in AWS KMS")."""

EncryptionContext = Mapping[str, str]


class Blob(Struct, frozen=True, kw_only=True):
    """A ciphertext, taken apart. It names its key and the version of the key's material."""

    key_id: str
    material_id: str
    header: bytes
    nonce: bytes
    sealed: bytes


class KeyRing:
    """Makes and uses key material."""

    def __init__(self, master: bytes, random_bytes: RandomBytes) -> None:
        self._master = AESGCM(master)
        self._random = random_bytes

    def make(self, key_id: str, spec: str, now: float) -> Material:
        """New material for a key of that spec."""
        size = hashlib.new(MAC_HASHES[spec]).digest_size if spec in MAC_HASHES else _AES_BYTES
        nonce = self._random(_NONCE_BYTES)
        return Material(
            material_id=self._random(_MATERIAL_BYTES).hex(),
            wrapped=nonce + self._master.encrypt(nonce, self._random(size), key_id.encode()),
            created=now,
        )

    def encrypt(self, key: KeyRecord, plaintext: bytes, context: EncryptionContext) -> bytes:
        """A ciphertext blob under the key's current material; `context` must be given again to decrypt it."""
        nonce = self._random(_NONCE_BYTES)
        header = _VERSION + _id_bytes(key.key_id) + bytes.fromhex(key.current.material_id)
        cipher = AESGCM(self._secret(key, key.current))
        return header + nonce + cipher.encrypt(nonce, plaintext, header + _canonical(context))

    def decrypt(self, key: KeyRecord, blob: Blob, context: EncryptionContext) -> bytes:
        """The plaintext; InvalidCiphertextException when the blob was changed or the context is another one."""
        material = next((one for one in key.materials if one.material_id == blob.material_id), None)
        if material is None:
            raise invalid_ciphertext()
        try:
            return AESGCM(self._secret(key, material)).decrypt(
                blob.nonce, blob.sealed, blob.header + _canonical(context)
            )
        except InvalidTag:
            raise invalid_ciphertext() from None

    def mac(self, key: KeyRecord, message: bytes) -> bytes:
        return hmac.digest(self._secret(key, key.current), message, MAC_HASHES[key.spec])

    def random(self, size: int) -> bytes:
        return self._random(size)

    def _secret(self, key: KeyRecord, material: Material) -> bytes:
        nonce, sealed = material.wrapped[:_NONCE_BYTES], material.wrapped[_NONCE_BYTES:]
        try:
            return self._master.decrypt(nonce, sealed, key.key_id.encode())
        except InvalidTag:
            text = f"the material of {key.arn} was wrapped under another master key than the data directory's"
            raise AwsError("KMSInternalException", text, http_status=500, fault="server") from None


def read_blob(data: bytes) -> Blob:
    """Take a ciphertext blob apart; InvalidCiphertextException when it is none of ours."""
    if len(data) <= _HEADER_BYTES or data[:1] != _VERSION:
        raise invalid_ciphertext()
    start = len(_VERSION)
    raw_id = data[start : start + _ID_BYTES].hex()
    end = start + _ID_BYTES + _MATERIAL_BYTES
    return Blob(
        key_id="-".join((raw_id[:8], raw_id[8:12], raw_id[12:16], raw_id[16:20], raw_id[20:])),
        material_id=data[start + _ID_BYTES : end].hex(),
        header=data[:end],
        nonce=data[end:_HEADER_BYTES],
        sealed=data[_HEADER_BYTES:],
    )


def _id_bytes(key_id: str) -> bytes:
    return bytes.fromhex(key_id.replace("-", ""))


def _canonical(context: EncryptionContext) -> bytes:
    """The order of the pairs may vary, nothing else (Developer Guide, "Encryption context")."""
    return json.dumps(dict(sorted(context.items())), separators=(",", ":")).encode() if context else b""
