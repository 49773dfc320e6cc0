"""The credentials of an environment that asks for them, because its variables were set before it was: SnapStart.

Lambda Developer Guide, "Using SnapStart with AWS SDKs": container credentials instead of the variables with the keys.
"""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta

from casemate.execution import runtime_api
from casemate.execution.function import RoleCredentials
from casemate.execution.runtime_api import Call, Reply

_DURING_INITIALIZATION = timedelta(minutes=5)
"""What an SDK hears of how long they last while the snapshot is made: less than botocore's last moment to refresh (10
minutes), so that a client which a snapshot holds asks again in each environment."""
_LONG = timedelta(hours=6)


class ContainerCredentials:
    """Answers who shows the token."""

    def __init__(
        self, credentials: RoleCredentials, token: str, *, now: datetime, for_snapshot: bool
    ) -> None:
        self._credentials = credentials
        self._token = token
        self._expires = now + _DURING_INITIALIZATION if for_snapshot else credentials.expires or now + _LONG

    def answer(self, call: Call) -> Reply:
        """The credentials, in the form of the container credentials endpoint."""
        if not hmac.compare_digest(call.authorization.encode(), self._token.encode()):
            return runtime_api.refusal(404, "NotFound", "page not found")
        given = self._credentials
        content = {
            "AccessKeyId": given.access_key_id,
            "SecretAccessKey": given.secret_access_key,
            "Token": given.session_token,
            "Expiration": f"{self._expires:%Y-%m-%dT%H:%M:%SZ}",
        }
        return Reply(status=200, body=json.dumps(content).encode())
