"""Shapes as types that msgspec decodes to directly, checking as it goes: three to eight times faster than readers.

Only a shape all of whose parts JSON and the model write alike has one: no timestamps, renamed members or documents. What
does not fit the type goes to the readers once more, which know what AWS forgives (nulls, whole floats) and what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypedDict

import msgspec

from casemate.wire.plan import (
    INT32,
    INT64,
    element_of,
    entry_of,
    is_document,
    is_sparse,
    members_of,
    required_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import Shape


class _Untypable(Exception):  # noqa: N818 - it names what is found
    """Some part of the shape has no type."""


class JsonTypes:
    """The types of a model's shapes."""

    _SCALARS: ClassVar[Mapping[str, Any]] = {
        "string": str,
        "character": str,
        "boolean": bool,
        "integer": Annotated[int, msgspec.Meta(ge=INT32[0], le=INT32[-1])],
        "long": Annotated[int, msgspec.Meta(ge=INT64[0], le=INT64[-1])],
        "double": float,
        "float": float,
        "blob": bytes,
    }

    def __init__(self) -> None:
        self._structures: dict[str, Any] = {}

    def decoder_of(self, shape: Shape) -> msgspec.json.Decoder[dict[str, Any]] | None:
        """A decoder of the shape; None when it has no type."""
        known = dict(self._structures)
        try:
            return msgspec.json.Decoder(self._type_of(shape))
        except _Untypable:
            # Types begun on the way lack members: forget them.
            self._structures = known
            return None

    def _type_of(self, shape: Shape) -> Any:
        scalar = self._SCALARS.get(shape.type_name)
        if scalar is not None:
            return scalar
        if shape.type_name == "structure" and not is_document(shape):
            return self._structure(shape)
        if shape.type_name == "list" and not is_sparse(shape):
            return list[self._type_of(element_of(shape))]
        if shape.type_name == "map" and not is_sparse(shape):
            return dict[str, self._type_of(entry_of(shape)[1])]
        raise _Untypable

    def _structure(self, shape: Shape) -> Any:
        made = self._structures.get(shape.name)
        if made is not None:
            return made
        # Made before its members are, and given them afterwards, because a shape may contain itself.
        made = self._structures[shape.name] = TypedDict(shape.name, {}, total=False)  # pyright: ignore[reportArgumentType] - its name is data
        members = members_of(shape)
        if any(member.serialization.get("name", name) != name for name, member in members.items()):
            raise _Untypable
        made.__annotations__ = {name: self._type_of(member) for name, member in members.items()}
        required = frozenset(required_of(shape))
        made.__required_keys__ = required  # pyright: ignore[reportAttributeAccessIssue] - as the class statement does
        made.__optional_keys__ = frozenset(members) - required  # pyright: ignore[reportAttributeAccessIssue]
        return made
