"""Log groups, and the sink other services write to."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from casemate.servicekit.clock import Clock
from casemate.servicekit.store import Store
from casemate.services.logs import errors
from casemate.services.logs.backlog import Backlog
from casemate.services.logs.events import EventLog, Stream

_DAY_MS = 86_400_000


class LogGroup(Struct, frozen=True, kw_only=True):
    """A log group."""

    account: str
    region: str
    name: str
    created: int
    """Milliseconds since the epoch."""
    retention_days: int | None = None
    group_class: str = "STANDARD"
    tags: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def key(self) -> tuple[str, str, str]:
        """As the collection and the event log know it."""
        return (self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        """Without the `:*` that some operations append."""
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.name}"


class LogsState:
    """The state of the service. Also its `LogSink`."""

    def __init__(self, store: Store, events: EventLog, clock: Clock) -> None:
        self._events = events
        self._backlog = Backlog(events)
        self.groups = store.collection("logs.groups", LogGroup)
        self._store = store
        self._clock = clock

    @property
    def events(self) -> EventLog:
        """The streams and their events, as up to date as whoever asks."""
        # INVARIANT: the only way to the events, so that nobody sees less than has been logged.
        self._backlog.flush()
        return self._events

    def close(self) -> None:
        """Write what is left, and close the database."""
        self.events.close()

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return int(self._clock().timestamp() * 1000)

    def group(self, account: str, region: str, name: str) -> LogGroup:
        """The group; AwsError when there is none. Forgets what its retention has ended."""
        found = self.groups.get(account, region, name)
        if found is None:
            raise errors.group_not_found()
        if found.retention_days is not None:
            self.events.expire(found.key, self.now_ms() - found.retention_days * _DAY_MS)
        return found

    def stream(self, group: LogGroup, name: str) -> Stream:
        """The stream; AwsError when there is none."""
        found = self.events.stream(group.key, name)
        if found is None:
            raise errors.stream_not_found()
        return found

    def group_exists(self, *, account: str, region: str, group: str) -> bool:
        """Whether there is such a group."""
        return (account, region, group) in self.groups

    def stream_exists(self, *, account: str, region: str, group: str, stream: str) -> bool:
        """Whether there is such a stream."""
        return self.events.stream((account, region, group), stream) is not None

    def write(
        self, *, account: str, region: str, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        """Append events on behalf of a service, soon; makes the group and the stream when missing."""
        key = (account, region, group)
        if key not in self.groups:
            with self._store.transaction():
                self.groups.put(
                    key, LogGroup(account=account, region=region, name=group, created=self.now_ms())
                )
        self._backlog.add(key, stream, events, self.now_ms())
