"""Typed output -> XML: the bodies of query, ec2 and rest-xml responses."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from casemate.wire.plan import Plans, UnknownMember, element_of, entry_of, members_of, wire_name
from casemate.wire.timestamps import to_iso, to_iso_milliseconds, to_text

if TYPE_CHECKING:
    from botocore.model import Shape

Append = Callable[[str], None]
Writer = Callable[[Any, Append], None]
Text = Callable[[Any], str]

# Everything XML 1.0 does not let through as it is; a carriage return would come back as a line feed.
_SPECIAL = re.compile(r"[&<>\"\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}


def escape(text: str) -> str:
    """Text for an element or an attribute. XML 1.0 cannot carry control characters: they become U+FFFD."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _REFERENCES.get(match[0], "\ufffd"), text)


def _string(value: Any) -> str:
    return escape(value if isinstance(value, str) else str(value))


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def double_text(value: Any) -> str:
    """A float as XML and headers carry it."""
    number = float(value)
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _base64(value: bytes | str) -> str:
    return b64encode(value.encode() if isinstance(value, str) else value).decode()


_TEXTS: dict[str, Text] = {
    "string": _string,
    "character": _string,
    "boolean": _boolean,
    "integer": str,
    "long": str,
    "double": double_text,
    "float": double_text,
    "blob": _base64,
}


class XmlWriters(Plans):
    """Writers of what stands inside an element; the element's tag belongs to the reference."""

    millisecond_times: ClassVar[bool] = False

    def _text(self, shape: Shape) -> Text | None:
        """The text of a scalar; None when the shape is no scalar."""
        if shape.type_name == "timestamp":
            style = shape.serialization.get("timestampFormat", "iso8601")
            if style != "iso8601":
                return lambda moment: to_text(moment, style)
            return to_iso_milliseconds if self.millisecond_times else to_iso
        return _TEXTS.get(shape.type_name)

    def element(self, shape: Shape, tag: str) -> Writer:
        """Writes one element, tags included."""
        start, end = f"<{tag}{_namespace(shape)}>", f"</{tag}>"
        text = self._text(shape)
        if text is not None:

            def write_text(value: Any, append: Append) -> None:
                append(f"{start}{text(value)}{end}")

            return write_text
        inner = self.plan(shape)
        attributes = _attributes(shape) if shape.type_name == "structure" else ()

        def write_element(value: Any, append: Append) -> None:
            append(start if not attributes else start[:-1] + _attribute_text(attributes, value) + ">")
            inner(value, append)
            append(end)

        return write_element

    def member(self, shape: Shape, name: str) -> Writer:
        """Writes a member of a structure: one element, or as many as a flattened list or map has entries."""
        if not shape.serialization.get("flattened") or shape.type_name not in {"list", "map"}:
            return self.element(shape, wire_name(shape, name))
        if shape.type_name == "map":
            return self._entries(shape, wire_name(shape, name))
        element = element_of(shape)
        write = self.element(element, element.serialization.get("name") or wire_name(shape, name))

        def write_elements(value: Iterable[Any], append: Append) -> None:
            for item in value:
                write(item, append)

        return write_elements

    def compile_structure(self, shape: Shape) -> Writer:
        return self.structure(shape, members_of(shape))

    def structure(self, shape: Shape, members: Mapping[str, Shape]) -> Writer:
        """Writes the given members of a structure."""
        writers = {
            name: self.member(member, name)
            for name, member in members.items()
            if not member.serialization.get("xmlAttribute")
        }
        known = members_of(shape)

        def write_structure(value: Mapping[str, Any], append: Append) -> None:
            for name, item in value.items():
                if item is None:
                    continue
                write = writers.get(name)
                if write is not None:
                    write(item, append)
                elif name not in known:
                    raise UnknownMember(shape, name)

        return write_structure

    def compile_list(self, shape: Shape) -> Writer:
        element = element_of(shape)
        write = self.element(element, wire_name(element, "member"))

        def write_list(value: Iterable[Any], append: Append) -> None:
            for item in value:
                write(item, append)

        return write_list

    def compile_map(self, shape: Shape) -> Writer:
        return self._entries(shape, "entry")

    def _entries(self, shape: Shape, tag: str) -> Writer:
        key_shape, value_shape = entry_of(shape)
        write_key = self.element(key_shape, wire_name(key_shape, "key"))
        write_value = self.element(value_shape, wire_name(value_shape, "value"))
        start, end = f"<{tag}>", f"</{tag}>"

        def write_entries(value: Mapping[str, Any], append: Append) -> None:
            for key, item in value.items():
                append(start)
                write_key(key, append)
                write_value(item, append)
                append(end)

        return write_entries


class MillisecondXmlWriters(XmlWriters):
    """Writers for EC2 and S3, whose times always have milliseconds: `2026-11-21T09:00:00.000Z`."""

    millisecond_times: ClassVar[bool] = True


def _namespace(shape: Shape) -> str:
    """The xmlNamespace trait as attributes."""
    namespace = cast("dict[str, str] | str | None", shape.serialization.get("xmlNamespace"))
    if not namespace:
        return ""
    if isinstance(namespace, str):
        return f' xmlns="{escape(namespace)}"'
    prefix = f":{namespace['prefix']}" if namespace.get("prefix") else ""
    return f' xmlns{prefix}="{escape(namespace["uri"])}"'


def _attributes(shape: Shape) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, wire_name(member, name))
        for name, member in members_of(shape).items()
        if member.serialization.get("xmlAttribute")
    )


def _attribute_text(attributes: tuple[tuple[str, str], ...], value: Mapping[str, Any]) -> str:
    present = [(wire, value[name]) for name, wire in attributes if value.get(name) is not None]
    return "".join(f' {wire}="{_string(item)}"' for wire, item in present)
