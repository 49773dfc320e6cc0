"""A stream as the store keeps it, and its name."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from casemate.model.arns import Arn
from casemate.services.dynamodb.names import NAME, TableRef
from casemate.tables.change_log import RETENTION_SECONDS
from casemate.tables.schema import KeyAttribute, KeySchema, KeyType, StreamView


class StreamRef(Struct, frozen=True, kw_only=True):
    """Which stream is meant, whether it exists or not."""

    table: TableRef
    label: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Its key in the store."""
        return (*self.table.key, self.label)

    @property
    def arn(self) -> str:
        return self.table.stream_arn(self.label)


class StreamRecord(Struct, frozen=True, kw_only=True):
    """A stream. Its changes are in the engine under `stream_id`."""

    account: str
    region: str
    table: str
    label: str
    stream_id: str
    view: StreamView
    created: float
    hash_key: str
    range_key: str | None
    types: Mapping[str, KeyType]
    """Of the key attributes. The table may be gone."""
    disabled: float | None = None
    """When the stream was switched off."""
    policy: str | None = None
    """The resource-based policy, as it was given."""
    policy_revision: str = ""

    @property
    def ref(self) -> StreamRef:
        return StreamRef(
            table=TableRef(account=self.account, region=self.region, name=self.table), label=self.label
        )

    @property
    def id_bytes(self) -> bytes:
        """The id as the engine knows it."""
        return bytes.fromhex(self.stream_id)

    def is_gone(self, now: float) -> bool:
        """Developer Guide: data of a disabled stream "will continue to be readable for 24 hours"."""
        return self.disabled is not None and now - self.disabled >= RETENTION_SECONDS

    def key_schema(self) -> KeySchema:
        """The key of its table."""
        names = (self.hash_key,) if self.range_key is None else (self.hash_key, self.range_key)
        first, *rest = (KeyAttribute(name=name, type=self.types[name]) for name in names)
        return KeySchema(partition=(first,), sort=tuple(rest))


def parse_stream_arn(text: str) -> StreamRef | None:
    """`arn:aws:dynamodb:...:table/NAME/stream/LABEL`; None when it is something else."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        return None
    parts = arn.resource.split("/")
    if arn.service != "dynamodb" or len(parts) != 4 or (parts[0], parts[2]) != ("table", "stream"):
        return None
    if not NAME.fullmatch(parts[1]) or not parts[3]:
        return None
    table = TableRef(account=arn.account, region=arn.region, name=parts[1])
    return StreamRef(table=table, label=parts[3])
