"""The control socket: how `casemate status`, `down`, `reset` and `explain` talk to the running instance.

A Unix socket in the data directory, mode 0600: only the user who started Casemate reaches it. One JSON object per
line in, one out. Never on TCP.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, Generator, Mapping
from pathlib import Path
from typing import Any, cast

Command = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
Conversation = Callable[[dict[str, Any], asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""A command that goes on after its request; an error before its first word is answered as any command's."""
_log = logging.getLogger(__name__)
_MAX_LINE = 4 * 1024 * 1024


class CommandError(Exception):
    """What the user asked cannot be answered; the text says what to do."""


class ControlServer:
    """Serves named commands on a Unix socket."""

    def __init__(
        self,
        path: Path,
        commands: Mapping[str, Command],
        conversations: Mapping[str, Conversation] | None = None,
    ) -> None:
        self._path = path
        self._commands = commands
        self._conversations = conversations or {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. A socket file left by a crash is replaced: the instance lock says that nobody owns it."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            with short_path(self._path) as path:
                self._server = await asyncio.start_unix_server(self._serve, path, limit=_MAX_LINE)
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop listening and remove the socket file."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            line = await reader.readline()
            request: object = json.loads(line)
            if isinstance(request, dict):
                answer = await self._answer(cast("dict[str, Any]", request), reader, writer)
                if answer is not None:
                    writer.write(json.dumps(answer, default=str).encode() + b"\n")
                    await writer.drain()
        writer.close()

    async def _answer(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, Any] | None:
        """What to answer; None after a conversation, which has answered."""
        name = str(request.get("command"))
        command, conversation = self._commands.get(name), self._conversations.get(name)
        try:
            if conversation is not None:
                await conversation(request, reader, writer)
                return None
            if command is None:
                return {"error": f"unknown command {request.get('command')!r}"}
            return await command(request)
        except CommandError as error:
            return {"error": str(error)}
        except Exception as error:
            _log.exception("control command %s failed", request.get("command"))
            return {"error": f"{type(error).__name__}: {error} (see the log of 'casemate up')"}


@contextlib.contextmanager
def short_path(path: Path) -> Generator[str]:
    """A name of `path` that fits sockaddr_un's 108 bytes, by way of a descriptor of its directory."""
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


async def ask(path: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send one command to the instance behind `path`; OSError when none listens."""
    with short_path(path) as name:
        reader, writer = await asyncio.open_unix_connection(name, limit=_MAX_LINE)
    writer.write(json.dumps(request).encode() + b"\n")
    await writer.drain()
    line = await reader.readline()
    writer.close()
    if not line:
        raise ConnectionResetError("the instance hung up")
    return cast("dict[str, Any]", json.loads(line))
