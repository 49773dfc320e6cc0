"""The parts of a REST response: status, headers, payload.

Source: Smithy, "HTTP bindings".
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from casemate.wire.plan import element_of, members_of, unbound_members, wire_name
from casemate.wire.timestamps import to_text
from casemate.wire.xml_output import double_text

if TYPE_CHECKING:
    from botocore.model import Shape

BodyEncoder = Callable[["Shape", Any], bytes]


class RestWriter:
    """Writes the outputs (or the errors) of one structure shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        members = members_of(shape)
        self._bound = {
            name: (member, member.serialization["location"], wire_name(member, name))
            for name, member in members.items()
            if "location" in member.serialization
        }
        payload: str | None = shape.serialization.get("payload")
        self.payload = payload
        """The member that is the body."""
        self.payload_shape = members[payload] if payload is not None else None
        self.has_body = payload is None and bool(unbound_members(shape))
        """Whether members that are bound to nothing make up the body."""

    def status(self, value: Mapping[str, Any], default: int) -> int:
        """The status, where a member is bound to it."""
        for name, (_, location, _) in self._bound.items():
            if location == "statusCode" and value.get(name) is not None:
                return int(value[name])
        return default

    def headers(self, value: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The headers that members are bound to."""
        headers: list[tuple[str, str]] = []
        for name, (shape, location, wire) in self._bound.items():
            item = value.get(name)
            if item is None or location == "statusCode":
                continue
            if location == "headers":
                headers += [(wire + key, header_text(text)) for key, text in item.items()]
            else:
                headers.append((wire, write_header(shape, item)))
        return headers


def header_text(text: str) -> str:
    """A header's value: no line breaks, and UTF-8 read as Latin-1, which is how HTTP/1.1 carries it."""
    if not text.isprintable():
        text = " ".join(text.split())
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


def write_header(shape: Shape, value: Any) -> str:
    """A member as a header's value."""
    if shape.serialization.get("jsonvalue"):
        return b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()
    if shape.type_name == "list":
        return ",".join(_list_element(write_header(element_of(shape), item)) for item in value)
    if shape.type_name == "timestamp":
        return to_text(value, shape.serialization.get("timestampFormat", "rfc822"))
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name in {"double", "float"}:
        return double_text(value)
    if shape.type_name == "blob":
        return b64encode(value.encode() if isinstance(value, str) else value).decode()
    return header_text(value if isinstance(value, str) else str(value))


def _list_element(text: str) -> str:
    if "," in text or '"' in text:
        escaped = text.replace('"', '\\"')
        return f'"{escaped}"'
    return text
