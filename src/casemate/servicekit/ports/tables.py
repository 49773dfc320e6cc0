"""Tables, their streams, and the keys they are encrypted with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from casemate.model.principals import Principal
from casemate.servicekit.service import Authorize, Context


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyUse:
    """What a service uses a key for."""

    service: str
    """`dynamodb`: the key sees the call come through it (`kms:ViaService`, `aws:CalledVia`)."""
    region: str
    encryption_context: Mapping[str, str]
    """Binds the service's data key to the resource it protects."""
    role: str = ""
    """The ARN of a role that the service decrypts as, which gets the grant; empty: the service itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectedKey:
    """A data key under a KMS key."""

    key_arn: str
    blob: bytes
    """The data key, encrypted: what the service keeps."""


class Keys(Protocol):
    """KMS keys that services use on behalf of their callers, by forward access sessions. Implemented by services.kms.

    Each method raises what KMS would: NotFoundException, DisabledException, KMSInvalidStateException, and the caller's
    AccessDeniedException. They are on record as CloudTrail has them, refused or not.
    """

    def adopt(self, ctx: Context[Any], key: str | None, use: KeyUse) -> ProtectedKey:
        """Begin to use a key: the caller must be allowed to describe it (for a role: to encrypt), and to grant its use.

        `key` None is the service's AWS managed key, made when there is none. Call inside a transaction.
        """
        ...

    def unlock(self, ctx: Context[Any], protected: ProtectedKey, use: KeyUse) -> bytes:
        """The data key in plaintext: the caller must be allowed to decrypt with the key."""
        ...

    def check(self, ctx: Context[Any], protected: ProtectedKey, use: KeyUse) -> None:
        """Raises what `unlock` would. Nothing is called: it is on nobody's record."""
        ...

    def release(self, key_arn: str, use: KeyUse) -> None:
        """End the use: what was granted to the service is retired. Call inside a transaction."""
        ...

    def inaccessible_since(self, key_arn: str, use: KeyUse) -> datetime | None:
        """Since when the service cannot use the key; None while it can."""
        ...


class Tables(Protocol):
    """Implemented by services.dynamodb."""

    def table_exists(self, *, account: str, region: str, name: str) -> bool: ...

    def unlock(
        self, *, account: str, region: str, name: str, principal: Principal, authorize: Authorize
    ) -> None:
        """AwsError unless `principal` can now use the key that a table is encrypted with, if there is and it is."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamShard:
    """A shard of a table's stream."""

    shard_id: str
    parent: str | None
    closed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamChange:
    """One record of a stream."""

    sequence: int
    """Orders the records of a stream; `SequenceNumber` is its text."""
    at: float
    """Seconds since the epoch."""
    partition: str
    """Of the item: changes of one item, and of one partition, have the same."""
    record: Mapping[str, Any]
    """In the form of GetRecords."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamChanges:
    """Some records of a shard."""

    changes: tuple[StreamChange, ...]
    position: int | None
    """Where to read on; None at the end of a closed shard."""


class TableStreams(Protocol):
    """DynamoDB Streams as Lambda reads them. Implemented by services.dynamodb. `arn` is a stream's."""

    def stream_exists(self, arn: str) -> bool: ...

    def shards(self, arn: str) -> tuple[StreamShard, ...]:
        """Oldest first; none when there is no such stream."""
        ...

    def trim_horizon(self, arn: str, shard_id: str) -> int:
        """The position of the oldest record that is kept."""
        ...

    def latest(self, arn: str, shard_id: str) -> int:
        """The position after the newest record."""
        ...

    def unlock(self, arn: str, *, principal: Principal, authorize: Authorize) -> None:
        """AwsError unless `principal` can use the key that the stream's table is encrypted with, if it is."""
        ...

    def read(self, arn: str, shard_id: str, position: int) -> StreamChanges:
        """Records from a position on; AwsError ResourceNotFoundException, TrimmedDataAccessException."""
        ...

    async def durable(self) -> None:
        """Returns once everything that was read so far survives a crash of the machine."""
        ...

    def watch(self, arn: str, woken: Callable[[], None]) -> Callable[[], None]:
        """Call `woken` whenever the stream grows or a shard ends; gives the function that ends this."""
        ...
