"""CBOR documents -> typed input, for smithy-rpc-v2-cbor.

Source: Smithy, "Smithy RPC v2 CBOR protocol"; RFC 8949. Blobs are byte strings and timestamps are tag 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from casemate.wire.json_input import JsonReaders, Reader
from casemate.wire.long_bodies import collector_paused
from casemate.wire.mismatch import Mismatch
from casemate.wire.timestamps import from_epoch


def decode_cbor(body: bytes) -> Any:
    """The data item of a body; Mismatch when it is not one. No body is an empty structure."""
    import cbor2

    if not body:
        return {}
    try:
        with collector_paused(body):
            return cbor2.loads(body)
    except (cbor2.CBORError, RecursionError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise Mismatch("Unable to parse the request body as CBOR.") from error


def _read_bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    raise Mismatch("Unexpected value type in payload", expected="Blob")


def _read_moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if type(value) is int or type(value) is float:
        try:
            return from_epoch(value)
        except ValueError as error:
            raise Mismatch(f"{value} is not a valid date", value=str(value), expected="Date") from error
    raise Mismatch("Unexpected value type in payload", expected="Date")


class CborReaders(JsonReaders):
    """Readers of decoded CBOR: those of JSON, but for the two types that CBOR has of its own."""

    scalars: ClassVar[Mapping[str, Reader]] = {
        **JsonReaders.scalars,
        "blob": _read_bytes,
        "timestamp": _read_moment,
    }
