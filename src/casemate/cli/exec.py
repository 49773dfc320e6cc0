"""`casemate exec`: run a command in an instance."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from casemate.cli.instance import add_data_option, add_json_option, fail, not_running
from casemate.gateway.control import short_path

_CHUNK = 65_536
_MAX_LINE = 4 * 1024 * 1024


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.usage = "casemate exec [--data DIR] [--json] INSTANCE [-- COMMAND...]"
    parser.epilog = (
        "The command runs as root of the instance (which is nobody outside of it), in its network, with its metadata\n"
        "service and its instance profile. Standard input, output and error and the exit code are the command's.\n"
        "Without a command: a shell that reads standard input.\n\n"
        "examples:\n"
        "  casemate exec i-0123456789abcdef0 -- curl -s http://10.0.1.5/\n"
        "  casemate exec i-0123456789abcdef0 -- python3 -c 'import boto3; print(boto3.client(\"sts\").get_caller_identity())'\n"
        "  echo 'hostname' | casemate exec i-0123456789abcdef0\n\n"
        "exit codes: the command's own; 126 and 127 when it cannot be run; 1 when there is no such running instance,\n"
        "2 wrong usage, 3 Casemate does not run"
    )
    add_data_option(parser)
    add_json_option(parser)
    parser.add_argument("instance", metavar="INSTANCE", help="id of a running instance")
    parser.add_argument("argv", metavar="COMMAND", nargs=argparse.REMAINDER, help="what to run")


def run(arguments: argparse.Namespace) -> int:
    """Run it; the command's exit code."""
    argv: list[str] = arguments.argv
    argv = argv[1:] if argv[:1] == ["--"] else argv
    call = _Call(print_json=arguments.json)
    return asyncio.run(call.make(arguments.data.absolute(), arguments.instance, argv or ["/bin/sh"]))


class _Call:
    """One command: what it prints is passed through at once, or collected for `--json`."""

    def __init__(self, *, print_json: bool) -> None:
        self._collected: dict[str, bytearray] | None = None
        if print_json:
            self._collected = {"stdout": bytearray(), "stderr": bytearray()}

    async def make(self, data: Path, instance: str, argv: list[str]) -> int:
        try:
            with short_path(data / "control.sock") as name:
                reader, writer = await asyncio.open_unix_connection(name, limit=_MAX_LINE)
        except OSError:
            not_running(data)
        _send(writer, {"command": "exec", "instance": instance, "argv": argv})
        loop = asyncio.get_running_loop()
        # A daemon, because nothing wakes a thread that waits for a terminal.
        feeding = threading.Thread(target=_read_input, args=(loop, writer), daemon=True)
        while line := await reader.readline():
            message: dict[str, Any] = json.loads(line)
            if "error" in message:
                fail(str(message["error"]))
            if "started" in message:
                feeding.start()
            elif "status" in message:
                writer.close()
                return self._ended(int(message["status"]))
            else:
                self._print(message)
        return fail("the instance was ended")

    def _print(self, message: dict[str, Any]) -> None:
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            if name in message:
                text = b64decode(message[name])
                if self._collected is not None:
                    self._collected[name] += text
                else:
                    stream.buffer.write(text)
                    stream.buffer.flush()

    def _ended(self, status: int) -> int:
        if self._collected is not None:
            texts = {name: text.decode(errors="replace") for name, text in self._collected.items()}
            print(json.dumps({**texts, "exit_code": status}, indent=2))
        return status


def _read_input(loop: asyncio.AbstractEventLoop, writer: asyncio.StreamWriter) -> None:
    try:
        while data := os.read(0, _CHUNK):
            loop.call_soon_threadsafe(_send, writer, {"stdin": b64encode(data).decode()})
        loop.call_soon_threadsafe(_send, writer, {"eof": True})
    except (OSError, RuntimeError):  # no standard input, or the command has ended meanwhile
        return


def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    if not writer.is_closing():
        writer.write(json.dumps(message).encode() + b"\n")
