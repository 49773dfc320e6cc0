"""Instances as processes: each a system of its own in the namespace of its first interface, which runs commands."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

import casemate
from casemate.execution.sandbox.machine import HOME, MESSAGE_LIMIT, USER_DATA

_log = logging.getLogger(__name__)
_TRIES, _INTERVAL = 100, 0.05
"""Five seconds: a change of the network is in the kernel within milliseconds, a new helper within a second."""
_BOOT_SECONDS = 20
_ENVIRONMENT = {
    "HOME": HOME,
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
    "PATH": "/var/lang/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib",
    "PYTHONPATH": "/var/runtime",
}
"""What a command finds; PYTHONPATH is where boto3 is."""


class MachineError(Exception):
    """The machine cannot run, or the command cannot be started; the text says why."""


class MachineNetwork(Protocol):
    """Implemented by dataplane.kernel."""

    @property
    def enforced(self) -> bool:
        """False: there are no namespaces, so nothing can run."""
        ...

    async def interface_namespace(self, interface_id: str) -> int:
        """A descriptor of an interface's namespace; RuntimeError or OSError when it is not in the kernel."""
        ...

    async def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> int:
        """Run a program with rights over the namespaces; `fds` become 3, 4, ...; gives the pid."""
        ...


class MachineSpec(Struct, frozen=True, kw_only=True):
    """What a machine is to be."""

    instance_id: str
    interface_id: str
    hostname: str
    resolver: IPv4Address
    user_data: str = ""
    """A script with its `#!` line, to be run at this boot; empty: none."""


class Command:
    """A command in a machine. Its streams belong to whoever started it."""

    def __init__(self, machine: Machine, number: int) -> None:
        self._machine = machine
        self._number = number
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """As a shell would give it; 137 when the machine was ended with it."""

    def kill(self) -> None:
        """End it with everything in its session."""
        self._machine.tell({"kill": self._number})


class Machine:
    """A running machine. `gone` is done when every process of it has ended."""

    def __init__(self, control: socket.socket, home: Path) -> None:
        self.home = home
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._control = control
        self._booted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._commands: dict[int, Command] = {}
        self._count = 0
        asyncio.get_running_loop().add_reader(control.fileno(), self._receive)

    async def booted(self) -> None:
        """Return when it runs. MachineError when it does not come up."""
        try:
            await asyncio.wait_for(asyncio.shield(self._booted), _BOOT_SECONDS)
        except TimeoutError as error:
            self._end()
            raise MachineError(f"the machine did not start within {_BOOT_SECONDS} s") from error

    def run(self, argv: Sequence[str], streams: Sequence[int]) -> Command:
        """Start a command with those descriptors as its standard streams."""
        self._count += 1
        command = self._commands[self._count] = Command(self, self._count)
        message = {"run": self._count, "argv": list(argv), "environment": _ENVIRONMENT, "directory": HOME}
        try:
            self.tell(message, streams)
        except MachineError:
            del self._commands[self._count]
            raise
        return command

    def tell(self, message: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        """MachineError when it has ended, or the message is too long."""
        data = json.dumps(message).encode()
        if len(data) > MESSAGE_LIMIT:
            raise MachineError("the command line is too long")
        try:
            socket.send_fds(self._control, [data], fds)
        except OSError as error:
            raise MachineError(f"the instance does not answer: {error}") from error

    async def halt(self) -> None:
        """End every process."""
        if not self.gone.done():
            self._control.shutdown(socket.SHUT_WR)
            await asyncio.shield(self.gone)

    def _receive(self) -> None:
        try:
            data = self._control.recv(MESSAGE_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        message: dict[str, Any] = json.loads(data)
        if "ended" in message:
            _settle(self._commands.pop(message["ended"]).status, message["status"])
        elif "failed" in message:
            if not self._booted.done():
                self._booted.set_exception(MachineError(message["failed"]))
        else:
            _settle(self._booted, None)

    def _end(self) -> None:
        if self.gone.done():
            return
        with contextlib.suppress(RuntimeError):  # the loop may be closing
            asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        if not self._booted.done():
            self._booted.set_exception(MachineError("the machine ended while it started"))
            self._booted.exception()  # nobody may be waiting
        for command in self._commands.values():
            _settle(command.status, 137)
        self._commands.clear()
        _settle(self.gone, None)


class Machines:
    """Boots machines. They end with the network helper, with `halt`, or with the front door."""

    def __init__(self, network: MachineNetwork, *, data_dir: Path, ca_bundle: Path | None) -> None:
        self._network = network
        self._data = data_dir
        self._ca_bundle = ca_bundle

    @property
    def runs(self) -> bool:
        """Whether machines can run here at all."""
        return self._network.enforced

    async def boot(self, spec: MachineSpec) -> Machine:
        """A machine that runs, its user data started. MachineError."""
        namespace = await self._namespace(spec.interface_id)
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.setblocking(False)
            home = self.home(spec.instance_id)
            machine = Machine(ours, home)
            try:
                await self._network.spawn(
                    [sys.executable, "-S", "-m", "casemate.execution.sandbox.machine"],
                    env={"PYTHONPATH": os.pathsep.join(_search_path()), "PATH": "/usr/bin:/bin"},
                    fds=[theirs.fileno(), namespace],
                )
            except (RuntimeError, OSError) as error:
                raise MachineError(str(error)) from error
            finally:
                theirs.close()
        finally:
            os.close(namespace)
        machine.tell(self._description(spec, home))
        await machine.booted()
        if spec.user_data:
            self._run_user_data(machine, spec)
        return machine

    def forget(self, instance_id: str) -> None:
        """Delete an instance's files."""
        shutil.rmtree(self._data / "instances" / instance_id, ignore_errors=True)

    def console(self, instance_id: str) -> bytes:
        """What user data printed."""
        try:
            return self._console(instance_id).read_bytes()
        except FileNotFoundError:
            return b""

    def _console(self, instance_id: str) -> Path:
        return self._data / "instances" / instance_id / "console.log"

    def _run_user_data(self, machine: Machine, spec: MachineSpec) -> None:
        """In the background, as cloud-init does, of which it is the one part there is."""
        log = os.open(
            self._console(spec.instance_id), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        empty = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if spec.user_data.startswith("#!"):
                machine.run([USER_DATA], [empty, log, log])
            else:
                os.write(log, b"Casemate runs user data that begins with #! and no other kind.\n")
        finally:
            os.close(log)
            os.close(empty)

    def home(self, instance_id: str) -> Path:
        """Where an instance's own files are, for as long as it is not terminated."""
        return self._data / "instances" / instance_id / "root"

    def _description(self, spec: MachineSpec, home: Path) -> dict[str, Any]:
        base = self._data / "root"
        base.mkdir(parents=True, exist_ok=True)
        return {
            "base": str(base.absolute()),
            "home": str(home.absolute()),
            "ca_bundle": str(self._ca_bundle) if self._ca_bundle else None,
            "hostname": spec.hostname,
            "resolver": str(spec.resolver),
            "user_data": spec.user_data,
        }

    async def _namespace(self, interface_id: str) -> int:
        for _ in range(_TRIES):
            with contextlib.suppress(RuntimeError, OSError):
                return await self._network.interface_namespace(interface_id)
            await asyncio.sleep(_INTERVAL)
        try:
            return await self._network.interface_namespace(interface_id)
        except (RuntimeError, OSError) as error:
            raise MachineError(str(error)) from error


def _search_path() -> list[str]:
    """Where the machine's program and the libraries it shows to the instance are found."""
    return [str(Path(casemate.__file__).parents[1]), *(path for path in sys.path if "site-packages" in path)]


def _settle(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)


__all__ = ["USER_DATA", "Command", "Machine", "MachineError", "MachineNetwork", "MachineSpec", "Machines"]
