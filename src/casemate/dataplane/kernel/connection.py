"""One helper process and the calls to it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import casemate
from casemate.dataplane.kernel import channel, messages
from casemate.dataplane.kernel.mode import Mode

_STARTUP_SECONDS = 20
_GOODBYE_SECONDS = 5

Event = messages.ListenerOpened | messages.ListenerClosed | messages.EnvironmentsLost


class HelperError(RuntimeError):
    """The helper could not do it; the message says why."""


class HelperLostError(HelperError):
    """The helper ended before it answered."""


class HelperConnection:
    """A running helper. Answers come to their calls, events to `on_event`, the end to `on_lost`."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        control: socket.socket,
        on_event: Callable[[Event, list[int]], None],
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._control = control
        self._on_event = on_event
        self._on_lost: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._hello: asyncio.Future[Mode] = self._loop.create_future()
        self._waiting: dict[int, asyncio.Future[tuple[Any, list[int]]]] = {}
        self._outgoing: deque[channel.Packet] = deque()
        self._count = 0
        self._lost = False
        self._loop.add_reader(control.fileno(), self._readable)

    @classmethod
    async def start(cls, on_event: Callable[[Event, list[int]], None]) -> tuple[Self, Mode]:
        """Start a helper and hear what the machine allows."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        source = str(Path(casemate.__file__).parents[1])
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        with theirs:
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own program; forking takes a millisecond
                [sys.executable, "-m", "casemate.dataplane.kernel.helper", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                # A terminal's Ctrl-C must not reach it: the front door ends it when it is done itself.
                start_new_session=True,
            )
        connection = cls(process, ours, on_event)
        try:
            mode = await asyncio.wait_for(connection._hello, _STARTUP_SECONDS)
        except BaseException:
            await connection.close()
            raise
        return connection, mode

    def when_lost(self, on_lost: Callable[[], None]) -> None:
        """Call `on_lost` once, when the helper ends without being asked to."""
        self._on_lost = on_lost
        if self._lost:
            on_lost()

    async def call(self, request: messages.Request, fds: Sequence[int] = ()) -> tuple[Any, list[int]]:
        """The answer's value and descriptors. HelperError, HelperLostError."""
        if self._lost:
            raise HelperLostError("the network helper is gone")
        self._count += 1
        number = self._count
        future: asyncio.Future[tuple[Any, list[int]]] = self._loop.create_future()
        self._waiting[number] = future
        # Own copies: the caller may close its descriptors while the packet waits for room.
        copies = tuple(os.dup(fd) for fd in fds)
        self._outgoing.append(channel.encode(messages.Call(number, request), copies))
        self._flush()
        return await future

    async def close(self) -> None:
        """End the helper and everything it holds."""
        self._on_lost = None
        self._end()
        try:
            await asyncio.to_thread(self._process.wait, _GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def _flush(self) -> None:
        while self._outgoing and not self._lost:
            packet = self._outgoing[0]
            try:
                channel.send(self._control, packet, flags=socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._loop.add_writer(self._control.fileno(), self._flush)
                return
            except OSError:
                self._end()
                return
            self._outgoing.popleft()
            _close(packet.fds if packet.owned is None else packet.fds[1:])
        if not self._lost:
            self._loop.remove_writer(self._control.fileno())

    def _readable(self) -> None:
        try:
            received = channel.receive(self._control, flags=socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            received = None
        if received is None:
            self._end()
            return
        message, fds = received
        match message:
            case messages.Hello(mode):
                if not self._hello.done():
                    self._hello.set_result(mode)
            case messages.Answer(number, value=value, error=error):
                self._settle(number, value, error, fds)
            case _:
                self._on_event(message, fds)

    def _settle(self, number: int, value: object, error: str, fds: list[int]) -> None:
        future = self._waiting.pop(number)
        if future.done():  # its caller was cancelled
            _close(fds)
        elif error:
            future.set_exception(HelperError(error))
        else:
            future.set_result((value, fds))

    def _end(self) -> None:
        """The helper is gone, or is to go: every call fails."""
        if self._lost:
            return
        self._lost = True
        self._loop.remove_reader(self._control.fileno())
        self._loop.remove_writer(self._control.fileno())
        self._control.close()
        for packet in self._outgoing:
            _close(packet.fds)
        self._outgoing.clear()
        gone = HelperLostError("the network helper is gone")
        if not self._hello.done():
            self._hello.set_exception(gone)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(gone)
        self._waiting.clear()
        if self._on_lost is not None:
            self._loop.run_in_executor(None, self._process.wait)
            self._on_lost()


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
