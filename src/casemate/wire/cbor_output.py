"""Typed output -> CBOR documents, for smithy-rpc-v2-cbor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from casemate.wire.json_output import JsonWriters, Writer
from casemate.wire.timestamps import to_epoch

if TYPE_CHECKING:
    from botocore.model import Shape


def _tagged_moment(moment: datetime) -> Any:
    import cbor2

    return cbor2.CBORTag(1, to_epoch(moment.astimezone(UTC) if moment.tzinfo else moment))


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


class CborWriters(JsonWriters):
    """Writers of CBOR data items: those of JSON, but for the types that CBOR has of its own."""

    scalars: ClassVar[Mapping[str, Writer]] = {
        **JsonWriters.scalars,
        "double": float,
        "float": float,
        "blob": _bytes,
        "timestamp": _tagged_moment,
    }

    def __init__(self) -> None:
        super().__init__(thorough=True)


class CborBodies:
    """The bodies of a service's responses."""

    def __init__(self) -> None:
        self._writers = CborWriters()

    def encode(self, shape: Shape, value: Any) -> bytes:
        """The data item of `value`."""
        return encode_cbor(self.document(shape, value))

    def document(self, shape: Shape, value: Any) -> dict[str, Any]:
        """`value` in terms of CBOR."""
        return self._writers.body_plan(shape)(value)


def encode_cbor(value: Any) -> bytes:
    """CBOR of what needs no model."""
    import cbor2

    return cbor2.dumps(value)
