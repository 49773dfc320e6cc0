"""Messages of `application/vnd.amazon.eventstream`.

Source: Smithy, "Amazon Event Stream specification": prelude (total length, headers length, their CRC), headers, payload,
CRC of all that; header value types 0 to 9.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zlib import crc32

from casemate.wire.plan import members_of
from casemate.wire.timestamps import to_epoch

if TYPE_CHECKING:
    from botocore.model import Shape

HeaderValue = bool | int | bytes | str | datetime
BodyEncoder = Callable[["Shape", Any], bytes]


def encode_message(headers: Iterable[tuple[str, HeaderValue]], payload: bytes) -> bytes:
    """One message."""
    packed = b"".join(_header(name, value) for name, value in headers)
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack(">I", crc32(prelude)) + packed + payload
    return message + struct.pack(">I", crc32(message))


def _header(name: str, value: HeaderValue) -> bytes:
    encoded = name.encode()
    return struct.pack(">B", len(encoded)) + encoded + _value(value)


def _value(value: HeaderValue) -> bytes:
    if isinstance(value, bool):
        return b"\x00" if value else b"\x01"
    if isinstance(value, int):
        return struct.pack(">Bi", 4, value) if -(2**31) <= value < 2**31 else struct.pack(">Bq", 5, value)
    if isinstance(value, datetime):
        return struct.pack(">Bq", 8, round(to_epoch(value) * 1000))
    kind, raw = (6, value) if isinstance(value, bytes) else (7, value.encode())
    return struct.pack(">BH", kind, len(raw)) + raw


def encode_events(
    shape: Shape, events: Iterable[Mapping[str, Any]], encode: BodyEncoder, content_type: str
) -> Iterator[bytes]:
    """The messages of events such as `{"PayloadChunk": {"Payload": b"..."}}`, of the event stream shape `shape`."""
    kinds = members_of(shape)
    for event in events:
        for name, value in event.items():
            yield _event(name, kinds[name], value, encode, content_type)


async def encode_coming_events(
    shape: Shape,
    events: AsyncGenerator[Mapping[str, Any], None],
    encode: BodyEncoder,
    content_type: str,
) -> AsyncGenerator[bytes, None]:
    """As `encode_events`, for events that come one by one."""
    async with aclosing(events):
        async for event in events:
            for message in encode_events(shape, (event,), encode, content_type):
                yield message


def _event(
    name: str, shape: Shape, value: Mapping[str, Any], encode: BodyEncoder, content_type: str
) -> bytes:
    if shape.metadata.get("exception"):
        headers: list[tuple[str, HeaderValue]] = [(":message-type", "exception"), (":exception-type", name)]
    else:
        headers = [(":message-type", "event"), (":event-type", name)]
    members = members_of(shape)
    in_body: dict[str, Any] = {}
    payload: bytes | None = None
    for member, item in value.items():
        traits = members[member].serialization
        if item is None:
            continue
        if traits.get("eventheader"):
            headers.append((member, item))
        elif traits.get("eventpayload"):
            kind = members[member].type_name
            if kind in {"blob", "string"}:
                content_type = "application/octet-stream" if kind == "blob" else "text/plain"
                payload = item if isinstance(item, bytes) else item.encode()
            else:
                payload = encode(members[member], item)
        else:
            in_body[member] = item
    if payload is None:
        payload = encode(shape, in_body) if in_body or members else b""
    headers.append((":content-type", content_type))
    return encode_message(headers, payload)


def encode_initial_response(payload: bytes, content_type: str) -> bytes:
    """The message that RPC protocols begin a stream with."""
    return encode_message(
        [
            (":message-type", "event"),
            (":event-type", "initial-response"),
            (":content-type", content_type),
        ],
        payload,
    )
