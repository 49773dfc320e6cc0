"""The constraints of botocore's models (lengths, ranges, patterns, enums), checked on an operation's typed input.

The wire parser guarantees types and required members; this says what AWS says when a value is out of bounds. How a
violation is answered (`ValidationError`, `InvalidInputException`) is each service's own affair.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast

from msgspec import Struct

from casemate.wire.models import ServiceModels

if TYPE_CHECKING:
    from botocore.model import ListShape, Shape, StructureShape

_SHORT = 128
Limit = Literal["minLength", "maxLength", "minValue", "maxValue", "pattern", "enum"]


class Violation(Struct, frozen=True, kw_only=True):
    """One value that breaks one constraint."""

    path: str
    """`roleName`, `tags.1.member.key`: as AWS names it, from the second level on."""
    value: str
    limit: Limit
    rule: str
    """AWS's words: `Member must have length less than or equal to 64`."""
    shape: str
    """The shape's name in the model."""

    def __str__(self) -> str:
        return f"Value '{self.value}' at '{self.path}' failed to satisfy constraint: {self.rule}"


def message(violations: list[Violation]) -> str:
    """The text of AWS's ValidationError, e.g. in IAM's CreateUser with an empty name."""
    count = len(violations)
    noun = "error" if count == 1 else "errors"
    return f"{count} validation {noun} detected: " + "; ".join(str(each) for each in violations)


def violations(service: str, operation: str, params: Mapping[str, Any]) -> list[Violation]:
    """Everything in `params` that the model of `service` forbids for `operation`."""
    shape = _input_shape(service, operation)
    return [] if shape is None else list(_check(shape, params, ""))


@cache
def _input_shape(service: str, operation: str) -> Shape | None:
    return models().get(service).operation_model(operation).input_shape


@cache
def models() -> ServiceModels:
    """The models read here. Whoever else reads models in this process can take these and spare a second copy."""
    return ServiceModels()


def _check(shape: Shape, value: Any, path: str) -> Generator[Violation]:
    match shape.type_name:
        case "structure":
            members = cast("StructureShape", shape).members
            for name, member in value.items():
                if name in members and member is not None:
                    camel = name[:1].lower() + name[1:]
                    yield from _check(members[name], member, f"{path}.{camel}" if path else camel)
        case "list":
            yield from _length(shape, value, path)
            for number, item in enumerate(value, start=1):
                yield from _check(cast("ListShape", shape).member, item, f"{path}.{number}.member")
        case "map":
            yield from _length(shape, value, path)
        case "string":
            if not (len(value) <= _SHORT and _is_allowed(shape, value)):
                yield from _text(shape, value, path)
        case "integer" | "long" | "float" | "double":
            yield from _range(shape, value, path)
        case _:
            pass


@lru_cache(4096)
def _is_allowed(shape: Shape, value: str) -> bool:
    """Of a name that comes with every request it is worth remembering."""
    return next(_text(shape, value, ""), None) is None


def _text(shape: Shape, value: str, path: str) -> Generator[Violation]:
    yield from _length(shape, value, path)
    metadata = cast("Mapping[str, Any]", shape.metadata)
    enum = cast("list[str] | None", metadata.get("enum"))
    if enum and value not in enum:
        rule = f"Member must satisfy enum value set: [{', '.join(enum)}]"
        yield Violation(path=path, value=value, limit="enum", rule=rule, shape=shape.name)
    pattern = cast("str | None", metadata.get("pattern"))
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        rule = f"Member must satisfy regular expression pattern: {pattern}"
        yield Violation(path=path, value=value, limit="pattern", rule=rule, shape=shape.name)


def _length(shape: Shape, value: Any, path: str) -> Generator[Violation]:
    metadata = cast("Mapping[str, Any]", shape.metadata)
    low, high = metadata.get("min"), metadata.get("max")
    if low is not None and len(value) < low:
        rule = f"Member must have length greater than or equal to {low}"
        yield Violation(path=path, value=_shown(value), limit="minLength", rule=rule, shape=shape.name)
    if high is not None and len(value) > high:
        rule = f"Member must have length less than or equal to {high}"
        yield Violation(path=path, value=_shown(value), limit="maxLength", rule=rule, shape=shape.name)


def _shown(value: Any) -> str:
    """Asked only for what is wrong: documents may be nested deeper than can be written down."""
    if isinstance(value, list):
        return "[" + ", ".join(str(item) for item in cast("list[Any]", value)) + "]"
    return str(value)


def _range(shape: Shape, value: float, path: str) -> Generator[Violation]:
    metadata = cast("Mapping[str, Any]", shape.metadata)
    low, high = metadata.get("min"), metadata.get("max")
    if low is not None and value < low:
        rule = f"Member must have value greater than or equal to {low}"
        yield Violation(path=path, value=str(value), limit="minValue", rule=rule, shape=shape.name)
    if high is not None and value > high:
        rule = f"Member must have value less than or equal to {high}"
        yield Violation(path=path, value=str(value), limit="maxValue", rule=rule, shape=shape.name)


# The models write Java's patterns. Python has no \p{..}: letters and digits together are \w, whose underscore every
# pattern of the three services that use \p{L} allows as well; the separators are listed.
_SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The pattern for `fullmatch`, as Java's `matches`; an alternative with its own anchors is anchored anyway."""
    text = pattern.replace(r"\p{L}", r"\w").replace(r"\p{Z}", _SEPARATORS).replace(r"\p{N}", r"\d")
    # `\u10000-\u10FFFF` in sts is a slip for the astral planes, written with five and six hex digits.
    text = text.replace(r"\u10000-\u10FFFF", r"\U00010000-\U0010FFFF")
    # `[\w._-]`, `[\w+=,.@-]`: Java's \w is ASCII.
    flags = 0 if r"\p{L}" in pattern else re.ASCII
    return re.compile(text, flags)
