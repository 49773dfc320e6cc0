"""CloudWatch Logs: groups, streams, events, retention, tags, and simple filter patterns.

Not modelled: metric filters, subscriptions, Insights queries, KMS keys, export, JSON and space-delimited patterns.
Groups are control-plane records of the store; streams and events live in a database of their own (`events`), because
they are many and may be committed without a flush of the disk: they survive the end of the process, not a power cut.
"""

from __future__ import annotations

from pathlib import Path

from casemate.servicekit.clock import Clock, system_clock
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.logs.events import EventLog
from casemate.services.logs.registry import OPERATIONS
from casemate.services.logs.state import LogsState


def build(store: Store, data_dir: Path | None, *, clock: Clock = system_clock) -> Service[LogsState]:
    """The service. `data_dir` None keeps events in memory. Its state is the `LogSink` of other services."""
    path = None
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True)
        path = data_dir / "logs.sqlite"
    return Service(operations=OPERATIONS, state=LogsState(store, EventLog(path), clock))
