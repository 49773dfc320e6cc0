"""Time-based one-time passwords, RFC 6238, as virtual MFA devices make them: SHA-1, six digits, a code per 30 seconds."""

from __future__ import annotations

import hmac
from datetime import datetime

STEP_SECONDS = 30
_DRIFT = 2
"""Steps by which a device's clock may be off."""
_PAIR_DRIFT = 20
"""Steps by which a pair of codes may be off: it associates a device even if one waits "too long to submit the request"
(IAM User Guide, "Assign a virtual MFA device")."""


def step_of(moment: datetime) -> int:
    """Number of the half minute."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(seed: bytes, step: int) -> str:
    """The code of one half minute (RFC 4226, 5.3, "Generating an HOTP Value")."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def step_shown(seed: bytes, code: str, *, now: datetime, after: int = -1) -> int | None:
    """The half minute in which the device shows `code`; None when it is too far off, or not later than `after`."""
    present = step_of(now)
    for step in range(max(present - _DRIFT, after + 1), present + _DRIFT + 1):
        if hmac.compare_digest(code_at(seed, step).encode(), code.encode()):
            return step
    return None


def pair_shown(seed: bytes, first: str, second: str, *, now: datetime, after: int = -1) -> int | None:
    """The half minute of the second of two consecutive codes; None when the device never shows them so."""
    present = step_of(now)
    for step in range(max(present - _PAIR_DRIFT, after + 1), present + _PAIR_DRIFT):
        if code_at(seed, step) == first and code_at(seed, step + 1) == second:
            return step + 1
    return None
