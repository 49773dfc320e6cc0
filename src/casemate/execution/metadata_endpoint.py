"""What an environment tells its processes of itself: the Availability Zone they run in. Pure.

Source: Lambda Developer Guide, "Using the Lambda metadata endpoint". AWS has it at an address of its own; here it shares
the runtime API's, which the variables name.
"""

from __future__ import annotations

import hmac
import json

from msgspec import Struct

from casemate.execution import runtime_api
from casemate.execution.runtime_api import Call, Reply


class Metadata(Struct, frozen=True, kw_only=True):
    """Of one environment; it does not change."""

    token: str
    """AWS_LAMBDA_METADATA_TOKEN."""
    zone_id: str
    """`use2-az1`."""

    def answer(self, call: Call) -> Reply:
        """To `GET /2026-01-15/metadata/execution-environment`."""
        expected = f"Bearer {self.token}".encode()
        if not self.token or not hmac.compare_digest(call.authorization.encode("latin-1"), expected):
            return runtime_api.refusal(401, "Unauthorized", "Missing or invalid token")
        return Reply(
            status=200,
            body=json.dumps({"AvailabilityZoneID": self.zone_id}).encode(),
            headers=(("Cache-Control", "private, max-age=43200, immutable"),),
        )
