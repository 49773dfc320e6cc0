"""A command in an instance, over the control socket: `casemate exec`.

After the request, both sides send one JSON object per line. From here `{"started": true}`, or an error as of any
command; then `{"stdout": BASE64}`, `{"stderr": BASE64}`, at the end `{"status": N}`; from the command line `{"stdin": BASE64}` and `{"eof": true}`. Whoever hangs up ends the command.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from casemate.execution.machines import MachineError
from casemate.gateway.control import CommandError

_CHUNK = 65_536
_LAST_WORDS = 0.3
"""Seconds for what a command left in its pipes; longer would be to wait for what it left behind in the background."""


class RunningCommand(Protocol):
    """`casemate.execution.machines.Command`."""

    @property
    def status(self) -> asyncio.Future[int]: ...

    def kill(self) -> None: ...


class Shell(Protocol):
    """What starts commands in instances. CommandError when it cannot."""

    def start(self, instance_id: str, argv: Sequence[str], streams: Sequence[int]) -> RunningCommand: ...


class StartsCommands(Protocol):
    """`casemate.execution.machines.Machine`."""

    def run(self, argv: Sequence[str], streams: Sequence[int]) -> RunningCommand: ...


class Instances(Protocol):
    """`casemate.services.ec2.instance_keeper.InstanceKeeper`."""

    def state_of(self, instance_id: str) -> str | None: ...
    def machine(self, instance_id: str) -> StartsCommands | None: ...


class InstanceShell:
    """Implements `Shell`."""

    def __init__(self, instances: Instances, *, enforced: Callable[[], bool]) -> None:
        self._instances = instances
        self._enforced = enforced
        """Whether there is a network, without which no instance runs anything."""

    def start(self, instance_id: str, argv: Sequence[str], streams: Sequence[int]) -> RunningCommand:
        """A command in a running instance; CommandError says why not."""
        state, machine = self._instances.state_of(instance_id), self._instances.machine(instance_id)
        if state is None:
            raise CommandError(
                f"there is no instance {instance_id}; see: casemate aws ec2 describe-instances"
            )
        if state != "running":
            raise CommandError(
                f"{instance_id} is {state}, not running; start it with: "
                f"casemate aws ec2 start-instances --instance-ids {instance_id}"
            )
        if not self._enforced():
            raise CommandError(
                f"{instance_id} is a record only: the network data plane is off (see: casemate status)"
            )
        if machine is None:
            raise CommandError(f"{instance_id} is being booted again; try again in a moment")
        try:
            return machine.run(argv, streams)
        except MachineError as error:
            raise CommandError(str(error)) from error


async def converse(
    shell: Shell, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Run what is asked and carry its streams until it ends."""
    pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
    (input_end, to_input), (from_output, output_end), (from_error, error_end) = pipes
    theirs = (input_end, output_end, error_end)
    try:
        command = shell.start(str(request["instance"]), [str(each) for each in request["argv"]], theirs)
    except BaseException:
        for fd in (to_input, from_output, from_error):
            os.close(fd)
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    _send(writer, {"started": True})
    hearing = asyncio.ensure_future(_feed(reader, to_input))
    speaking = [
        asyncio.ensure_future(_tell(name, fd, writer))
        for name, fd in (("stdout", from_output), ("stderr", from_error))
    ]
    try:
        await asyncio.wait([command.status, hearing], return_when=asyncio.FIRST_COMPLETED)
        if not command.status.done():
            return  # the command line hung up
        await asyncio.wait(speaking, timeout=_LAST_WORDS)
        _send(writer, {"status": command.status.result()})
        await writer.drain()
        # To close while input is unread would reset the connection, and the status with it.
        await asyncio.wait([hearing], timeout=_LAST_WORDS)
    finally:
        command.kill()
        for task in (hearing, *speaking):
            task.cancel()
        await asyncio.gather(hearing, *speaking, return_exceptions=True)


async def _feed(reader: asyncio.StreamReader, fd: int) -> None:
    """From the command line to the command's standard input; returns when the command line hangs up."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(fd, "wb", 0)
    )
    stdin = asyncio.StreamWriter(transport, protocol, None, loop)
    try:
        while line := await reader.readline():
            message = json.loads(line)
            if "eof" in message:
                stdin.close()
            elif not stdin.is_closing():
                stdin.write(b64decode(message["stdin"]))
                with contextlib.suppress(ConnectionError):
                    await stdin.drain()
    finally:
        stdin.close()


async def _tell(name: str, fd: int, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(fd, "rb", 0)
    )
    try:
        while data := await stream.read(_CHUNK):
            _send(writer, {name: b64encode(data).decode()})
            await writer.drain()
    finally:
        transport.close()


def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
