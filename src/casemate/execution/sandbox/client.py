"""The front door's side of the fork-server: starts it, asks for environments, hears when they have ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import casemate
from casemate.execution.interpreters import Python, own_python
from casemate.execution.sandbox import plan

_STARTUP_SECONDS = 30
_DESCRIPTORS = 3
"""Of one message, at most."""


class Spawner(Protocol):
    """Starts a program with rights over network namespaces (`execution.ports.EnvironmentNetwork`)."""

    async def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> int: ...


class SandboxError(Exception):
    """The machine could not make an environment: nothing the function did."""


class Sandbox:
    """One environment's processes. Ends when `kill` is called, or by itself."""

    def __init__(self, control: socket.socket, log_fd: int) -> None:
        self.log_fd = log_fd
        """Reading end of the pipe that is the function's standard output and error."""
        self.pid = 0
        """Of process 1, seen from the fork-server."""
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when every process has ended."""
        self._control: socket.socket | None = control
        self._on_message: Callable[[dict[str, Any]], None] | None = None
        self._sockets: deque[asyncio.Future[socket.socket]] = deque()
        """Who waits for one, in the order asked."""

    def listen(self, on_message: Callable[[dict[str, Any]], None]) -> None:
        """Hear what process 1 says, at the end `{"closed": true}`.

        `{"started": true}`, `{"failed": why}`, `{"entrypoint": why}`, `{"exited": status}`; of extensions
        `{"extensions": [name, ...], "descriptors": [log]}`, `{"extension_failed": [name, why]}`,
        `{"extension_exited": [name, status]}`; of snapshots `{"snapshot": true, "descriptors": [...]}`, `{"unfit": why}`.
        """
        assert self._control is not None
        self._on_message = on_message
        asyncio.get_running_loop().add_reader(self._control.fileno(), self._receive)

    def describe(self, description: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Tell process 1 what to run; `descriptors` are those of a snapshot to go on from."""
        assert self._control is not None
        message = json.dumps(description).encode()
        if len(message) > plan.MESSAGE_LIMIT:
            raise SandboxError("the environment's description is too long")
        try:
            socket.send_fds(self._control, [message], descriptors)
        except OSError as error:
            raise SandboxError(f"the environment ended before it began: {error}") from error

    def tell(self, order: bytes) -> None:
        """Give process 1 one of the orders of `plan`. Nothing when it has ended."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(order)

    async def connection(self) -> socket.socket:
        """A TCP socket of the environment's own network, not connected. SandboxError."""
        made: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        self._sockets.append(made)
        self.tell(plan.SOCKET)
        return await made

    def kill(self) -> None:
        """End every process. `gone` tells when that is done."""
        for waiting in self._sockets:
            if not waiting.done():
                waiting.set_exception(SandboxError("the environment has ended"))
                waiting.exception()  # nobody may be waiting any more
        self._sockets.clear()
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._control.close()
            self._control = None

    def _receive(self) -> None:
        assert self._control is not None
        assert self._on_message is not None
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, plan.MESSAGE_LIMIT, _DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        if not message:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._on_message({"closed": True})
            return
        said: dict[str, Any] = json.loads(message)
        if "socket" in said:
            self._hand_over(socket.socket(fileno=descriptors[0]))
        else:
            self._on_message(said | ({"descriptors": descriptors} if descriptors else {}))

    def _hand_over(self, made: socket.socket) -> None:
        made.setblocking(False)
        while self._sockets:
            waiting = self._sockets.popleft()
            if not waiting.done():
                waiting.set_result(made)
                return
        made.close()


class ForkServer:
    """A running fork-server. `alive` is False once it has ended; its environments have then ended too."""

    def __init__(self, control: socket.socket) -> None:
        self.alive = True
        self.python_version = ""
        """Of the interpreter that functions run on: `3.11`."""
        self.pid = 0
        self._control = control
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sandboxes: dict[str, Sandbox] = {}
        self._count = 0

    @classmethod
    async def start(
        cls,
        spawner: Spawner,
        *,
        base: Path,
        code: Path,
        ca_bundle: Path | None,
        python: Python,
        nodes: Mapping[str, Path],
    ) -> ForkServer:
        """Start one. It can be closed at once; wait for `ready` before it launches anything."""
        for directory in (base, code):
            directory.mkdir(parents=True, exist_ok=True)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        server = cls(ours)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours.fileno(), server._receive)
        root = plan.RootPlan(
            base=base,
            code=code,
            ca_bundle=ca_bundle,
            prefix=python.prefix,
            version=python.version,
            own=python == own_python(),
            nodes=dict(nodes),
        )
        command = [sys.executable, "-m", "casemate.execution.sandbox.forkserver", root.to_json()]
        environment = {"PYTHONPATH": str(Path(casemate.__file__).parents[1]), "PATH": "/usr/bin:/bin"}
        try:
            server.pid = await spawner.spawn(command, env=environment, fds=[theirs.fileno()])
        except BaseException:
            server._ready.cancel()
            server.close()
            raise
        finally:
            theirs.close()
        return server

    async def ready(self) -> None:
        """Wait until it has imported everything. SandboxError when it does not come up."""
        try:
            await asyncio.wait_for(self._ready, _STARTUP_SECONDS)
        except TimeoutError as error:
            self.close()
            raise SandboxError(f"the fork-server was not ready within {_STARTUP_SECONDS} s") from error
        except BaseException:
            self.close()
            raise

    def launch(self, network_fd: int) -> Sandbox:
        """Fork an environment in that network namespace. It waits to be described."""
        if not self.alive:
            raise SandboxError("the fork-server has ended")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        log_read, log_write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(log_read, False)
        self._count += 1
        number = str(self._count)
        sandbox = self._sandboxes[number] = Sandbox(ours, log_read)
        try:
            socket.send_fds(self._control, [number.encode()], [network_fd, theirs.fileno(), log_write])
        except OSError as error:
            del self._sandboxes[number]
            ours.close()
            os.close(log_read)
            raise SandboxError(f"the fork-server does not answer: {error}") from error
        finally:
            theirs.close()
            os.close(log_write)
        return sandbox

    def close(self) -> None:
        """End it and every environment."""
        self._end()

    def _receive(self) -> None:
        while self.alive:
            try:
                message = self._control.recv(256)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self._end()
                return
            self._handle(message.decode().split())

    def _handle(self, words: list[str]) -> None:
        match words:
            case ["ready", version]:
                self.python_version = version
                if not self._ready.done():
                    self._ready.set_result(None)
            case ["started", number, pid]:
                if number in self._sandboxes:
                    self._sandboxes[number].pid = int(pid)
            case ["gone", number]:
                _settle(self._sandboxes.pop(number).gone)
            case _:
                raise AssertionError(f"the fork-server said {words}")

    def _end(self) -> None:
        if not self.alive:
            return
        self.alive = False
        with contextlib.suppress(RuntimeError):  # the loop may be closing
            asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        if not self._ready.done():
            self._ready.set_exception(SandboxError("the fork-server ended while it started"))
        for sandbox in self._sandboxes.values():
            _settle(sandbox.gone)
        self._sandboxes.clear()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
