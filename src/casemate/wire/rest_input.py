"""The parts of a REST request -> typed input: path labels, query parameters, headers, payload.

Source: Smithy, "HTTP bindings".
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from casemate.wire.json_input import JsonReaders, decode_json
from casemate.wire.mismatch import Incomplete, Mismatch
from casemate.wire.plan import element_of, entry_of, input_shape, members_of, required_of, wire_name
from casemate.wire.xml_input import XmlReaders, decode_xml, read_scalar

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

_HEADERS = frozenset({"header", "headers"})
Query = Mapping[str, list[str]]
BodyReader = Callable[[bytes], Any]


class RestReader:
    """Reads the requests of one operation."""

    def __init__(
        self, operation: OperationModel, readers: JsonReaders | XmlReaders, *, check_required: bool
    ) -> None:
        shape = input_shape(operation)
        self._required = required_of(shape) if shape is not None and check_required else ()
        self._bound: list[tuple[str, Shape, str, str]] = []
        """(member, its shape, location, name on the wire) of all that is not in the body."""
        self._payload: tuple[str, BodyReader] | None = None
        self._body: BodyReader | None = None
        if shape is None:
            return
        members = members_of(shape)
        for name, member in members.items():
            location = member.serialization.get("location")
            if location is not None:
                wire = wire_name(member, name)
                # Headers are looked for in lower case.
                self._bound.append((name, member, location, wire.lower() if location in _HEADERS else wire))
        self._taken = {wire for _, _, location, wire in self._bound if location == "querystring"}
        literals = str(operation.http["requestUri"]).partition("?")[2]
        self._taken.update(name for name, _ in parse_qsl(literals, keep_blank_values=True))
        payload = shape.serialization.get("payload")
        if payload is not None:
            self._payload = (payload, _payload_reader(members[payload], readers))
        elif len(self._bound) < len(members):
            self._body = _body_reader(shape, readers)

    def read(
        self, labels: Mapping[str, str], query: Query, headers: Mapping[str, str], body: bytes
    ) -> dict[str, Any]:
        """The input. Mismatch and Incomplete as the bodies' readers raise them."""
        params: dict[str, Any] = {}
        if self._payload is not None:
            name, read = self._payload
            value = read(body)
            if value is not None:
                params[name] = value
        elif self._body is not None and body:
            params.update(self._body(body))
        for name, member, location, wire in self._bound:
            try:
                value = self._bound_value(member, location, wire, labels, query, headers)
            except Mismatch as mismatch:
                raise mismatch.under(name) from None
            if value is not None:
                params[name] = value
        for name in self._required:
            if name not in params:
                raise Incomplete
        return params

    def _bound_value(
        self,
        shape: Shape,
        location: str,
        wire: str,
        labels: Mapping[str, str],
        query: Query,
        headers: Mapping[str, str],
    ) -> Any:
        if location == "uri":
            return read_scalar(labels[wire], shape.type_name) if wire in labels else None
        if location == "header":
            text = headers.get(wire)
            return None if text is None else read_header(shape, text)
        if location == "headers":
            found = {name[len(wire) :]: headers[name] for name in headers if name.startswith(wire)}
            return found or None
        if shape.type_name == "map":
            return self._query_map(shape, query) or None
        texts = query.get(wire)
        if texts is None:
            return None
        if shape.type_name == "list":
            return [read_scalar(text, element_of(shape).type_name) for text in texts]
        return read_scalar(texts[-1], shape.type_name)

    def _query_map(self, shape: Shape, query: Query) -> dict[str, Any]:
        """All parameters that no other member takes."""
        value = entry_of(shape)[1]
        free = {name: texts for name, texts in query.items() if name not in self._taken}
        if value.type_name == "list":
            element = element_of(value).type_name
            return {name: [read_scalar(text, element) for text in texts] for name, texts in free.items()}
        return {name: read_scalar(texts[-1], value.type_name) for name, texts in free.items()}


def read_header(shape: Shape, text: str) -> Any:
    """A header's value."""
    if shape.serialization.get("jsonvalue"):
        try:
            return json.loads(b64decode(text, validate=True))
        except ValueError as error:
            raise Mismatch("The header is not base64-encoded JSON", value=text, expected="JSON") from error
    if shape.type_name == "list":
        element = element_of(shape).type_name
        return [read_scalar(part, element) for part in _list_parts(text, element)]
    return read_scalar(text, shape.type_name)


def _list_parts(text: str, element: str) -> list[str]:
    """The elements of a list header: quoted when they hold commas; an HTTP date holds one itself."""
    if element == "timestamp":
        parts = text.split(",")
        return [f"{day},{rest}".strip() for day, rest in zip(parts[::2], parts[1::2], strict=False)]
    parts: list[str] = []
    current: list[str] = []
    quoted = escaped = False
    for char in text:
        if escaped:
            current.append(char)
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            parts.append("".join(current).strip())
            current.clear()
        else:
            current.append(char)
    parts.append("".join(current).strip())
    return parts


def _payload_reader(shape: Shape, readers: JsonReaders | XmlReaders) -> BodyReader:
    """A payload member's reader; no body means that the member is absent."""
    if shape.serialization.get("eventstream") or shape.type_name == "blob":
        return lambda body: body or None
    if shape.type_name == "string":
        return _read_text
    read = _body_reader(shape, readers)
    return lambda body: read(body) if body else None


def _read_text(body: bytes) -> str | None:
    try:
        return body.decode() or None
    except UnicodeDecodeError as error:
        raise Mismatch("The payload is not UTF-8", expected="String") from error


def _body_reader(shape: Shape, readers: JsonReaders | XmlReaders) -> BodyReader:
    # Members bound elsewhere would be looked for in the body too, were they not left out of its reader.
    if isinstance(readers, XmlReaders):
        read_element = readers.body_plan(shape)
        return lambda body: read_element(decode_xml(body))
    read_value = readers.body_plan(shape)
    return lambda body: read_value(decode_json(body))
