"""Sessions as the shapes of STS's responses."""

from __future__ import annotations

from casemate.servicekit.service import Output
from casemate.services.sts.state import Session


def credentials_shape(session: Session) -> Output:
    """Credentials."""
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires,
    }
