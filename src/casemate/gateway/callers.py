"""Whose request a signature makes it."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from msgspec.structs import replace

from casemate.model.principals import Principal
from casemate.servicekit.ports import Credential, Credentials
from casemate.wire.http import HttpRequest
from casemate.wire.sigv4 import Verified, verify


def signature_of(
    request: HttpRequest,
    credentials: Credentials,
    *,
    now: datetime,
    service: str,
    signing_name: str | None,
    protocol: str,
) -> tuple[Verified, Credential] | None:
    """The signature, which holds, and the key it was made with; None when there is none. AwsError when it does not hold."""
    verified = verify(
        request,
        now=now,
        lookup=credentials.credential,
        service=service,
        signing_name=signing_name,
        protocol=protocol,
    )
    return None if verified is None else (verified, cast("Credential", verified.signer))


def caller_of(credential: Credential, now: datetime) -> Principal:
    """The key's principal; of a session that began with an MFA device, with how long ago that was."""
    made = credential.mfa_authenticated
    if made is None:
        return credential.principal
    return replace(credential.principal, mfa_age_seconds=max(0, int((now - made).total_seconds())))
