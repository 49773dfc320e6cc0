"""From the bytes that a function's processes write to log events: lines, and the frames of AWS's Python client. Pure.

The runtime interface client writes what is logged through `logging`, and the error of a handler, as one frame each, so
that an event may have several lines: `FramedTelemetryLogSink` in awslambdaric/bootstrap.py has the format. Here frames
come by the same pipe as everything else that is written, which keeps them in order; no text has their first byte where
a character begins.
"""

from __future__ import annotations

EVENT_LIMIT = 256 * 1024
"""Bytes of one log event; longer ones are split, as Lambda does."""

_MAGIC = b"\xa5\x5a\x00"
_UNTIMED = 0x01
"""A frame without a timestamp: awslambdaric before version 2."""
_KINDS = frozenset({_UNTIMED, *(level << 2 | form for level in range(7) for form in (2, 3))})
"""By level, as JSON or as text: `_JSON_FRAME_TYPES` and `_TEXT_FRAME_TYPES` in awslambdaric."""
_PLAUSIBLE = range(1_500_000_000_000_000, 5_000_000_000_000_000)
"""Microseconds since the epoch, of this half of the century: binary output is not taken for a frame."""


class LogEvents:
    """What has been written so far."""

    def __init__(self) -> None:
        self._rest: bytes = b""
        """Of a line that has not ended."""
        self._head: bytes = b""
        """Of what may become a frame."""
        self._body = bytearray()
        self._owed = 0
        """Bytes that a frame still lacks."""

    def feed(self, data: bytes) -> list[bytes]:
        """The events that `data` completes."""
        events: list[bytes] = []
        data, self._head = self._head + data, b""
        begin = search = self._fill(data, 0, events)
        while (at := data.find(_MAGIC, search)) >= 0:
            length = _length(data, at)
            if length is None:
                self._head = data[at:]
                self._read(data[begin:at], events)
                return events
            if length < 0:
                search = at + 1
                continue
            self._read(data[begin:at], events)
            self._owed = length
            begin = search = self._fill(data, at + _head_size(data, at), events)
        end = len(data)
        if not self._owed:  # the next bytes may make a frame of the last ones
            end -= 2 if data.endswith(_MAGIC[:2]) else data.endswith(_MAGIC[:1])
            self._head = data[end:]
        self._read(data[begin:end], events)
        return events

    def flush(self) -> list[bytes]:
        """What has begun: whoever wrote it writes no more of it."""
        events: list[bytes] = []
        if self._body:
            events.append(bytes(self._body).removesuffix(b"\n"))
        self._body.clear()
        self._owed = 0
        rest, self._rest, self._head = self._rest + self._head, b"", b""
        return [*events, rest] if rest else events

    def _fill(self, data: bytes, at: int, events: list[bytes]) -> int:
        """Complete the frame with what is there; where the rest begins."""
        while self._owed and at < len(data):
            taken = data[at : at + min(self._owed, EVENT_LIMIT - len(self._body))]
            at += len(taken)
            self._body += taken
            self._owed -= len(taken)
            if not self._owed or len(self._body) >= EVENT_LIMIT:
                events.append(bytes(self._body).removesuffix(b"\n"))
                self._body.clear()
        return at

    def _read(self, data: bytes, events: list[bytes]) -> None:
        """Ordinary output."""
        *lines, rest = (self._rest + data).split(b"\n")
        while len(rest) > EVENT_LIMIT:
            lines.append(rest[:EVENT_LIMIT])
            rest = rest[EVENT_LIMIT:]
        self._rest = rest
        for line in lines:
            # Lines of one traceback are separated by carriage returns where there are no frames, so that they make one
            # event (ERROR_LOG_LINE_TERMINATE in awslambdaric/bootstrap.py).
            shown = line.replace(b"\r", b"\n")
            events += [
                shown[start : start + EVENT_LIMIT] for start in range(0, max(len(shown), 1), EVENT_LIMIT)
            ]


def _head_size(data: bytes, at: int) -> int:
    return 8 if data[at + 3] == _UNTIMED else 16


def _length(data: bytes, at: int) -> int | None:
    """Of the frame that begins there; -1 when it is none, None when that cannot be told yet."""
    if len(data) < at + 4:
        return None
    if data[at + 3] not in _KINDS:
        return -1
    if len(data) < at + _head_size(data, at):
        return None
    if data[at + 3] != _UNTIMED and int.from_bytes(data[at + 8 : at + 16], "big") not in _PLAUSIBLE:
        return -1
    return int.from_bytes(data[at + 4 : at + 8], "big")
