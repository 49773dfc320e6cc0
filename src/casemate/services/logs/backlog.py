"""What services have logged and the database does not hold yet: a transaction for many invocations instead of one each.

A warm invocation logs three lines, and their commit was a fifth of its processor time. Whoever reads through the API
reads them all the same: `LogsState.events` writes the backlog first. An end by SIGTERM writes it, too; `kill -9` loses
what was logged within the last `SECONDS`. PutLogEvents, which answers its caller, does not come through here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from casemate.services.logs.events import Arrived, EventLog, GroupKey

SECONDS = 0.05
_MOST_LINES = 2000

_log = logging.getLogger(__name__)


class Backlog:
    """In front of the database; in the order of arrival."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._arrived: list[Arrived] = []
        self._lines = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, group: GroupKey, stream: str, events: Sequence[tuple[int, str]], now: int) -> None:
        """Keep (time, message) events for the stream of that name, which need not be there yet."""
        self._arrived.append(Arrived(group, stream, events, now))
        self._lines += len(events)
        if self._lines > _MOST_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self.flush)

    def flush(self) -> None:
        """Write everything, in one commit."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._arrived:
            return
        arrived, self._arrived, self._lines = self._arrived, [], 0
        try:
            try:
                self._events.take(arrived)
            except UnicodeEncodeError:  # one of them is no text, and the others are other people's
                self._events.take([one._replace(events=_as_text(one.events)) for one in arrived])
        except Exception:
            # Nobody waits for these lines who could be told; to keep them for another try would fill the memory.
            _log.exception("%d writes to log streams are lost", len(arrived))


def _as_text(events: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Halves of characters as question marks."""
    return [(at, message.encode("utf-8", "replace").decode()) for at, message in events]
