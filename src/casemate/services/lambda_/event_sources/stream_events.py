"""Stream records as functions get them. Pure.

Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", example event: the record of GetRecords as JSON,
with binaries in base64, times in seconds, members of userIdentity in lower case, and the stream's ARN.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

EVENT_LIMIT = 6 * 1024 * 1024
"""Lambda quotas, "Invocation payload"; a batch that would be larger is cut."""
_FRAME = len(b'{"Records":[]}')


def event_record(record: Mapping[str, Any], source: str) -> dict[str, Any]:
    """One member of `Records`."""
    made = cast("dict[str, Any]", _plain(record))
    identity: Mapping[str, str] | None = record.get("userIdentity")
    if identity is not None:
        made["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    made["eventSourceARN"] = source
    return made


def _plain(value: object) -> object:
    match value:
        case bytes():
            return b64encode(value).decode()
        case datetime():
            return value.timestamp()
        case dict():
            return {name: _plain(member) for name, member in cast("dict[str, object]", value).items()}
        case list() | tuple():
            return [_plain(member) for member in cast("Sequence[object]", value)]
        case _:
            return value


def encoded(record: Mapping[str, Any]) -> bytes:
    """A record as it stands in the event."""
    return json.dumps(record, separators=(",", ":")).encode()


def event_payload(records: Sequence[bytes]) -> bytes:
    """The event of a batch."""
    return b'{"Records":[' + b",".join(records) + b"]}"


def fits(size: int, added: bytes) -> bool:
    """Whether a batch whose records have `size` bytes, commas included, can take one more."""
    return _FRAME + size + len(added) <= EVENT_LIMIT
