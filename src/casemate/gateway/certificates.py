"""Casemate's own certificate authority: made once, kept in the data directory, trusted by the sandboxes it serves.

The private key is mode 0600. Leaves are made on demand per server name and live in memory.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

_CERTIFICATE = "ca.pem"
_KEY = "ca-key.pem"
_LIFETIME = timedelta(days=825)
_LEAF_CACHE = 512


class CertificateAuthority:
    """Makes TLS contexts whose certificate fits the name the client asked for (SNI)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._authority: tuple[Any, Any] | None = None
        if not self.bundle.exists() or not (directory / _KEY).exists():
            self._create()

    @property
    def bundle(self) -> Path:
        """PEM file with the authority's certificate: what clients must trust."""
        return self._directory / _CERTIFICATE

    def context(self) -> ssl.SSLContext:
        """The server context; it picks the leaf when the client's hello names the server."""
        return self._context_for("localhost")

    def _context_for(self, name: str) -> ssl.SSLContext:
        found = self._contexts.get(name)
        if found is None:
            if len(self._contexts) >= _LEAF_CACHE:
                self._contexts.clear()
            found = self._contexts[name] = self._make_context(name)
        return found

    def _make_context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        certificate, key = self._leaf(name)
        # The ssl module loads chains from files only.
        descriptor, path = tempfile.mkstemp(dir=self._directory)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(key + certificate)
            context.load_cert_chain(path)
        finally:
            Path(path).unlink()

        def choose(connection: ssl.SSLObject, server_name: str | None, _context: ssl.SSLContext) -> None:
            if server_name:
                connection.context = self._context_for(server_name.lower())

        context.sni_callback = choose
        return context

    def _create(self) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Casemate local certificate authority")
        certificate = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, _sha256())
        )
        _write_private(self._directory / _KEY, _pem_key(key))
        self.bundle.write_bytes(_pem(certificate))
        self.bundle.chmod(0o644)  # functions read it, as another user

    def _leaf(self, name: str) -> tuple[bytes, bytes]:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        authority, authority_key = self._load()
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if name == "localhost":
            names.append(x509.IPAddress(IPv4Address("127.0.0.1")))
        certificate = (
            _builder(_name(name[:64]), authority.subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, _sha256())
        )
        return _pem(certificate), _pem_key(key)

    def _load(self) -> tuple[Any, Any]:
        if self._authority is None:
            from cryptography import x509
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            certificate = x509.load_pem_x509_certificate(self.bundle.read_bytes())
            key = load_pem_private_key((self._directory / _KEY).read_bytes(), password=None)
            self._authority = certificate, key
        return self._authority


def _name(common_name: str) -> Any:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, common_name)])


def _builder(subject: Any, issuer: Any, public_key: Any) -> Any:
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _key_usage(*, authority: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _sha256() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _pem_key(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
