"""Whose request a signature makes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from casemate.model.principals import Principal
from casemate.servicekit.ports import Credential


def caller_of(credential: Credential, now: datetime) -> Principal:
    """The key's principal; of a session that began with an MFA device, with how long ago that was."""
    made = credential.mfa_authenticated
    if made is None:
        return credential.principal
    return replace(credential.principal, mfa_age_seconds=max(0, int((now - made).total_seconds())))
