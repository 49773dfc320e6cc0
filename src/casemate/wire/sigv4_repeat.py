"""A further signature of a signer who was verified before: what was the same then is not looked at again.

`verify` is the verification. This one accepts nothing that `verify` would refuse (a property test holds it), and where
it does not accept, it does not say why: `verify` then does.
"""

from __future__ import annotations

import hmac
from binascii import hexlify
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from casemate.wire.canonical_request import canonical_headers, canonical_path
from casemate.wire.sigv4 import (
    ALGORITHM,
    SKEW,
    Signer,
    credential_scope,
    moment_of,
    signed_names,
    signing_key,
)

if TYPE_CHECKING:
    from _hashlib import HASH

    from casemate.wire.http import HttpRequest

_HEX = 64
_BLOCK = 64
"""Of SHA-256."""
OWN_HASH = "x-amz-content-sha256"


class _KeyedHash:
    """HMAC-SHA256 (RFC 2104) with the key taken in once.

    `hmac.digest` looks its algorithm up and gives the interpreter away each time, which costs more than the hash.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        # INVARIANT: a signing key has 32 bytes, less than the block that it is padded to.
        block = key.ljust(_BLOCK, b"\x00")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def hexdigest(self, message: bytes) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.hexdigest()

    def begun(self, message: bytes) -> _BegunHash:
        """Of messages that begin alike."""
        inner = self._inner.copy()
        inner.update(message)
        return _BegunHash(inner.copy, self._outer.copy)


class _BegunHash:
    """As `_KeyedHash`, the beginning of the message taken in too."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, inner: Callable[[], HASH], outer: Callable[[], HASH]) -> None:
        self._inner = inner
        self._outer = outer

    def hexdigest(self, rest: bytes) -> bytes:
        inner, outer = self._inner(), self._outer()
        inner.update(rest)
        outer.update(inner.digest())
        return hexlify(outer.digest())


class Repeated(Struct, frozen=True, kw_only=True):
    """What the signatures of one signer, scope, list of headers, method and path have in common."""

    method: str
    path: str
    """As it was sent."""
    start: str
    """Of the canonical request: all that is ahead of the headers."""
    names: tuple[str, ...]
    """SignedHeaders."""
    signed: str
    date: str
    scope: str
    keyed: _KeyedHash
    signer: Signer


def prefix_of(request: HttpRequest) -> str:
    """The Authorization header up to the signature: the same for the same signer, scope and list of headers."""
    return request.headers.lowered.get("authorization", "")[:-_HEX]


def repeated(request: HttpRequest, signer: Signer) -> Repeated | None:
    """What to keep of a request, not to S3, that `verify` accepted; None when it was signed in an unusual way."""
    prefix = prefix_of(request)
    before, equals, after = prefix.partition(", SignedHeaders=")
    signed, _, rest = after.partition(", Signature=")
    head = f"{ALGORITHM} Credential="
    if (
        rest
        or not equals
        or not before.startswith(head)
        or f"{before}, SignedHeaders={signed}, Signature=" != prefix
    ):
        return None
    _, scope, text, _ = credential_scope(before.removeprefix(head))
    return Repeated(
        method=request.method,
        path=request.path,
        start=f"{request.method}\n{canonical_path(request.path, as_sent=False)}\n\n",
        names=signed_names(signed),
        signed=signed,
        date=scope.date,
        scope=text,
        keyed=_KeyedHash(signing_key(signer.secret_access_key, scope.date, scope.region, scope.service)),
        signer=signer,
    )


@lru_cache(maxsize=1024)
def _all_signed(names: tuple[str, ...], signed: tuple[str, ...]) -> bool:
    """Whether no header that AWS wants signed is left out."""
    return not any(name.startswith("x-amz-") and name not in signed and name != OWN_HASH for name in names)


@lru_cache(maxsize=16)
def _moment(stamp: str) -> datetime | None:
    """Of a date in the form in which it is signed; None of any other."""
    try:
        at, normal = moment_of(stamp)
    except ValueError:
        return None
    return at if normal == stamp else None


def holds(request: HttpRequest, known: Repeated, now: datetime) -> bool:
    """Whether a request without a query is signed by the signer of `known`, whose prefix it has."""
    if request.query or request.path != known.path or request.method != known.method:
        return False
    headers = request.headers.lowered
    stamp = headers.get("x-amz-date", "")
    signer = known.signer
    token = headers.get("x-amz-security-token")
    if stamp[:8] != known.date or (token is None) is not (signer.session_token is None):
        return False
    if token is not None and not hmac.compare_digest(token.encode(), (signer.session_token or "").encode()):
        return False
    if not signer.active or (signer.expires is not None and signer.expires <= now):
        return False
    at = _moment(stamp)
    if at is None or not -SKEW <= now - at <= SKEW:
        return False
    try:
        lines = canonical_headers(headers, known.names)
    except KeyError:
        return False
    if not _all_signed(tuple(headers), known.names):
        return False
    digest = sha256(request.body).hexdigest()
    if headers.get(OWN_HASH, digest) != digest:
        return False
    canonical = f"{known.start}{lines}\n{known.signed}\n{digest}"
    hashed = sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    text = f"{ALGORITHM}\n{stamp}\n{known.scope}\n{hashed}"
    expected = known.keyed.hexdigest(text.encode("utf-8", "surrogatepass"))
    given = headers["authorization"][-_HEX:]
    return hmac.compare_digest(expected.encode(), given.encode("ascii", "replace"))


_NEVER = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


class SignedPattern:
    """The canonical request of requests that are alike in all but a few headers and the body.

    Made of one of them that `holds`; `holds` here says of another one what that function would. Of headers that vary, the
    values are given as they were sent: INVARIANT: without white space, which is what a canonical header is rid of.
    """

    __slots__ = ("_begun", "_closes", "_format", "_known", "_opens", "_places", "_stamp")

    def __init__(self, known: Repeated, headers: Mapping[str, str], varying: tuple[str, ...]) -> None:
        """`varying`: their names, signed or not. The first two are the date's, and that which ends with the signature."""
        assert varying[:2] == ("x-amz-date", "authorization")
        self._known = known
        # A "%" may stand in the name of a field too (RFC 9110, section 5.6.2, tchar).
        constant = {
            name.replace("%", "%%"): value.replace("%", "%%")
            for name, value in headers.items()
            if name not in varying
        }
        start, signed = (text.replace("%", "%%") for text in (known.start, known.signed))
        lines = canonical_headers({**constant, **dict.fromkeys(varying, "%b")}, signed_names(signed))
        self._format = f"{start}{lines}\n{signed}\n%b".encode("utf-8", "surrogatepass")
        self._places = tuple([varying.index(name) for name in known.names if name in varying])
        """Of the signed ones among the varying ones, in the order in which they are signed."""
        self._renew(headers["x-amz-date"].encode())

    def _renew(self, stamp: bytes) -> None:
        """What the signatures of one second have in common."""
        known = self._known
        at = _moment(stamp.decode("latin-1"))
        self._stamp = stamp
        self._opens, self._closes = _NEVER
        if at is not None and stamp[:8].decode() == known.date:
            self._opens, self._closes = at - SKEW, at + SKEW
        self._begun = known.keyed.begun(
            b"%b\n%b\n%b\n" % (ALGORITHM.encode(), stamp, known.scope.encode("utf-8", "surrogatepass"))
        )

    def holds(self, values: Sequence[bytes], digest: bytes, now: datetime) -> bool:
        """Whether a request is signed by the signer: `values` as it sent them, those of `varying`, and its body's hash."""
        stamp, signature = values[0], values[1]
        if stamp != self._stamp:
            self._renew(stamp)
        signer = self._known.signer
        if not self._opens <= now <= self._closes or not signer.active:
            return False
        if signer.expires is not None and signer.expires <= now:
            return False
        canonical = self._format % (*[values[place] for place in self._places], digest)
        hashed = hexlify(sha256(canonical).digest())
        return hmac.compare_digest(self._begun.hexdigest(hashed), signature)
