"""Identifiers as AWS shapes them. Randomness is injected: a pure package makes none."""

from __future__ import annotations

from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""Gives that many random bytes: `os.urandom` in the product, a counter in tests."""


def resource_id(prefix: str, random_bytes: RandomBytes) -> str:
    """A 17-hex-digit EC2 resource id: `vpc-0a1b2c3d4e5f60718` (the "longer format" of 2018)."""
    return f"{prefix}-0{random_bytes(8).hex()}"


def uuid4(random_bytes: RandomBytes) -> str:
    """A version 4 UUID, the form of request ids and of function revisions."""
    raw = bytearray(random_bytes(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def unique_id(prefix: str, random_bytes: RandomBytes, *, length: int = 21) -> str:
    """An IAM unique id or access key id: AKIA (key), ASIA (session key), AIDA (user), AROA (role), ANPA (policy).

    `length` counts the prefix; ids have 21 characters, access key ids 20.
    """
    raw = random_bytes(length - len(prefix))
    return prefix + "".join(_BASE32[byte & 31] for byte in raw)
