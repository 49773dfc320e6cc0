"""The front door's side of the fork-server: starts it, asks for environments, hears when they have ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import casemate
from casemate.execution.sandbox.init import MESSAGE_LIMIT

_STARTUP_SECONDS = 30


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

    def listen(self, on_message: Callable[[dict[str, Any]], None]) -> None:
        """Hear `{"started": true}`, `{"failed": why}`, `{"exited": status}`, at the end `{"closed": true}`."""
        assert self._control is not None
        self._on_message = on_message
        asyncio.get_running_loop().add_reader(self._control.fileno(), self._receive)

    def describe(self, description: Mapping[str, Any]) -> None:
        """Tell process 1 what to run."""
        assert self._control is not None
        message = json.dumps(description).encode()
        if len(message) > MESSAGE_LIMIT:
            raise SandboxError("the environment's description is too long")
        try:
            self._control.send(message)
        except OSError as error:
            raise SandboxError(f"the environment ended before it began: {error}") from error

    def kill(self) -> None:
        """End every process. `gone` tells when that is done."""
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._control.close()
            self._control = None

    def _receive(self) -> None:
        assert self._control is not None
        assert self._on_message is not None
        try:
            message = self._control.recv(MESSAGE_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if message:
            self._on_message(json.loads(message))
        else:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._on_message({"closed": True})


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
    async def start(cls, spawner: Spawner, *, base: Path, code: Path, ca_bundle: Path | None) -> ForkServer:
        """Start one and wait until it has imported everything. SandboxError when it does not come up."""
        for directory in (base, code):
            directory.mkdir(parents=True, exist_ok=True)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        server = cls(ours)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours.fileno(), server._receive)
        command = [sys.executable, "-m", "casemate.execution.sandbox.forkserver", str(base), str(code)]
        command += [] if ca_bundle is None else [str(ca_bundle)]
        environment = {"PYTHONPATH": str(Path(casemate.__file__).parents[1]), "PATH": "/usr/bin:/bin"}
        try:
            server.pid = await spawner.spawn(command, env=environment, fds=[theirs.fileno()])
        finally:
            theirs.close()
        try:
            await asyncio.wait_for(server._ready, _STARTUP_SECONDS)
        except TimeoutError as error:
            server.close()
            raise SandboxError(f"the fork-server was not ready within {_STARTUP_SECONDS} s") from error
        return server

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
