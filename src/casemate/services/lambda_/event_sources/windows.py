"""Tumbling windows: spans of time whose batches share a state that the function hands on. Pure.

Source: Lambda Developer Guide, "Implementing stateful DynamoDB stream processing in Lambda": event and response forms; a
window's last invocation has isFinalInvokeForWindow; a state beyond 1 MB ends it early.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

MAX_STATE_BYTES = 1 << 20
NO_STATE = "{}"


def window_start(at: float, seconds: int) -> int:
    """The beginning of the window that a moment is in. Windows have fixed places and never overlap."""
    return int(at // seconds) * seconds


class Window(Struct, frozen=True, kw_only=True):
    """An open window."""

    start: int
    seconds: int
    state: str = NO_STATE
    """JSON: what the function answered last."""

    @property
    def end(self) -> int:
        return self.start + self.seconds

    @property
    def is_full(self) -> bool:
        """Whether the state is larger than a window may carry."""
        return len(self.state.encode()) > MAX_STATE_BYTES

    def after(self, payload: bytes) -> Window:
        """With the state of an answer; null is no state."""
        state = _members(payload).get("state")
        return replace(self, state=NO_STATE if state is None else json.dumps(state, separators=(",", ":")))

    def event(
        self,
        records: Sequence[bytes],
        *,
        shard_id: str,
        source: str,
        final: bool = False,
        early: bool = False,
    ) -> bytes:
        """The event of a batch in the window, or of its end."""
        about = {
            "window": {"start": _text(self.start), "end": _text(self.end)},
            "shardId": shard_id,
            "eventSourceARN": source,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": early,
        }
        rest = json.dumps(about, separators=(",", ":")).encode()
        state = b"{}" if self.is_full else self.state.encode()
        return b'{"Records":[' + b",".join(records) + b'],"state":' + state + b"," + rest[1:]


def has_state(payload: bytes) -> bool:
    """Whether an answer has the property `state`: without it the invocation counts as failed, a window's last one too."""
    return "state" in _members(payload)


def _members(payload: bytes) -> dict[str, Any]:
    try:
        answer: object = json.loads(payload or b"null")
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


def _text(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S}Z"
