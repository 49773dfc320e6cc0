"""Key pairs: real keys. There is no SSH server in an instance; `casemate exec` is the way in.

Source: EC2 User Guide, "Amazon EC2 key pairs and Amazon EC2 instances"; fingerprints: "Verify the fingerprint of your
key pair".
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from casemate.servicekit.service import Check, Checks, Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.paging import Rendered, filtered
from casemate.services.ec2.records import KeyPair
from casemate.services.ec2.registry import Ctx, operation, request_tags, required
from casemate.services.ec2.state import Ec2State

KEY_FILTERS = {"key-pair-id": "KeyPairId", "fingerprint": "KeyFingerprint", "key-name": "KeyName"}
_BITS = 2048


def _checks(name: str) -> Checks[Ec2State]:
    def checks(ctx: Ctx, params: Params) -> Iterator[Check]:
        key = params.get("KeyName") or _name_of(ctx, str(params.get("KeyPairId") or "")) or "*"
        tagged = request_tags(params).get("key-pair", {})
        arn = ctx.arn("ec2", f"key-pair/{key}")
        yield Check(action=f"ec2:{name}", resource=arn, context={"ec2:Region": ctx.region, **tagged})
        if tagged:
            context = {"ec2:Region": ctx.region, "ec2:CreateAction": name, **tagged}
            yield Check(action="ec2:CreateTags", resource=arn, context=context)

    return checks


def _name_of(ctx: Ctx, key_pair_id: str) -> str | None:
    found = ctx.state.key_pairs.find(ctx, key_pair_id)
    return found.name if found else None


def _output(ctx: Ctx, key: KeyPair, *, public: bool = False) -> Rendered:
    return {
        "KeyPairId": key.id,
        "KeyName": key.name,
        "KeyFingerprint": key.fingerprint,
        "KeyType": key.kind,
        "CreateTime": key.created,
        "PublicKey": key.public_key if public else None,
        "Tags": tags.rendered(ctx.state, ctx, key.id),
    }


def _keep(ctx: Ctx, params: Params, *, kind: str, fingerprint: str, public: str) -> KeyPair:
    name = required(params, "KeyName")
    if any(each.name == name for each in ctx.state.key_pairs.all(ctx)):
        raise errors.key_pair_exists(name)
    labels = tags.specified(params, "key-pair")
    key = ctx.state.key_pairs.put(
        KeyPair(
            id=ctx.new_id("key"),
            account=ctx.account,
            region=ctx.region,
            name=name,
            kind=kind,
            fingerprint=fingerprint,
            public_key=public,
            created=ctx.now,
        )
    )
    tags.put(ctx.state, ctx, key.id, labels)
    return key


def _colons(digest: str) -> str:
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))


def _sha256(public: bytes) -> str:
    """OpenSSH's fingerprint, which is what AWS shows of ed25519 keys."""
    return b64encode(hashlib.sha256(b64decode(public.split()[1])).digest()).decode()


@operation("CreateKeyPair", checks=_checks("CreateKeyPair"))
def create_key_pair(ctx: Ctx, params: Params) -> Output:
    kind, form = params.get("KeyType") or "rsa", params.get("KeyFormat") or "pem"
    if kind not in {"rsa", "ed25519"}:
        raise errors.bad_value(kind, "keyType", "Unknown key type.")
    if form != "pem":
        raise errors.unsupported("key pairs in the PuTTY format")
    if kind == "rsa":
        private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        material = private.private_bytes(
            forms.Encoding.PEM, forms.PrivateFormat.TraditionalOpenSSL, forms.NoEncryption()
        )
        # SHA-1 of the private key, where AWS made it; MD5 of the public one, where it was imported.
        der = private.private_bytes(forms.Encoding.DER, forms.PrivateFormat.PKCS8, forms.NoEncryption())
        fingerprint = _colons(hashlib.sha1(der, usedforsecurity=False).hexdigest())
        public = private.public_key().public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH)
    else:
        edwards = ed25519.Ed25519PrivateKey.generate()
        material = edwards.private_bytes(
            forms.Encoding.PEM, forms.PrivateFormat.OpenSSH, forms.NoEncryption()
        )
        public = edwards.public_key().public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH)
        fingerprint = _sha256(public)
    text = f"{public.decode()} {params['KeyName']}"
    key = _keep(ctx, params, kind=kind, fingerprint=fingerprint, public=text)
    shown = _output(ctx, key)
    kept = {name: shown[name] for name in ("KeyPairId", "KeyName", "KeyFingerprint", "Tags")}
    return {**kept, "KeyMaterial": material.decode()}


@operation("ImportKeyPair", checks=_checks("ImportKeyPair"))
def import_key_pair(ctx: Ctx, params: Params) -> Output:
    given = params.get("PublicKeyMaterial")
    if not given:
        raise errors.missing_parameter("publicKeyMaterial")
    raw = given.encode() if isinstance(given, str) else bytes(given)
    if not raw.startswith((b"ssh-", b"----")):
        try:
            raw = b64decode(raw)  # Terraform and the console send it encoded once more
        except (Base64Error, ValueError) as error:
            raise errors.key_format() from error
    try:
        loaded = forms.load_ssh_public_key(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise errors.key_format() from error
    if isinstance(loaded, rsa.RSAPublicKey):
        der = loaded.public_bytes(forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo)
        kind, fingerprint = "rsa", _colons(hashlib.md5(der, usedforsecurity=False).hexdigest())
    elif isinstance(loaded, ed25519.Ed25519PublicKey):
        kind, fingerprint = "ed25519", _sha256(raw)
    else:
        raise errors.key_format()
    key = _keep(ctx, params, kind=kind, fingerprint=fingerprint, public=raw.decode().strip())
    shown = _output(ctx, key)
    return {name: shown[name] for name in ("KeyPairId", "KeyName", "KeyFingerprint", "Tags")}


@operation("DescribeKeyPairs")
def describe_key_pairs(ctx: Ctx, params: Params) -> Output:
    found = ctx.state.key_pairs.all(ctx)
    names, ids = params.get("KeyNames") or (), params.get("KeyPairIds") or ()
    for name in names:
        if not any(each.name == name for each in found):
            raise errors.KEY_PAIR.missing(name)
    for key_pair_id in ids:
        ctx.state.key_pairs.get(ctx, key_pair_id)
    shown = [each for each in found if (not names and not ids) or each.name in names or each.id in ids]
    public = bool(params.get("IncludePublicKey"))
    return {"KeyPairs": filtered((_output(ctx, each, public=public) for each in shown), params, KEY_FILTERS)}


@operation("DeleteKeyPair", checks=_checks("DeleteKeyPair"))
def delete_key_pair(ctx: Ctx, params: Params) -> Output:
    """One that is not there is deleted, too."""
    if not params.get("KeyName") and not params.get("KeyPairId"):
        raise errors.missing_parameter("keyName")
    for each in ctx.state.key_pairs.all(ctx):
        if each.name == params.get("KeyName") or each.id == params.get("KeyPairId"):
            ctx.state.discard(ctx.state.key_pairs, each)
            return {"Return": True, "KeyPairId": each.id}
    return {"Return": True}
