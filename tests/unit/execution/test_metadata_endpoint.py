"""What an environment tells of itself. Source: Lambda Developer Guide, "Using the Lambda metadata endpoint"."""

from __future__ import annotations

import json

import pytest

from casemate.execution import runtime_api
from casemate.execution.metadata_endpoint import Metadata
from casemate.execution.runtime_api import Call, CallKind, Reply

PATH = "/2026-01-15/metadata/execution-environment"
METADATA = Metadata(token="secret", zone_id="use2-az2")


def called(authorization: str | None, method: str = "GET", metadata: Metadata = METADATA) -> Reply:
    headers = {} if authorization is None else {"authorization": authorization}
    call = runtime_api.parse(method, PATH, headers=headers)
    if isinstance(call, Reply):
        return call
    assert isinstance(call, Call)
    assert call.kind is CallKind.METADATA
    return metadata.answer(call)


def test_the_zone_is_told_to_who_has_the_token() -> None:
    reply = called("Bearer secret")
    assert (reply.status, json.loads(reply.body)) == (200, {"AvailabilityZoneID": "use2-az2"})
    assert dict(reply.headers) == {"Cache-Control": "private, max-age=43200, immutable"}


@pytest.mark.parametrize(
    "authorization", [None, "", "secret", "bearer secret", "Bearer other", "Bearer secrets"]
)
def test_others_are_not_authorized(authorization: str | None) -> None:
    assert called(authorization).status == 401
    assert called("Bearer ", metadata=Metadata(token="", zone_id="x")).status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE"])
def test_other_methods_are_not_allowed(method: str) -> None:
    assert called("Bearer secret", method).status == 405
