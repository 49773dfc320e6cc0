"""The control socket: private, long paths, errors as data."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from casemate.gateway.control import CommandError, ControlServer, ask


async def echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"said": request["say"]}


async def refuse(_: dict[str, Any]) -> dict[str, Any]:
    raise CommandError("do this instead")


async def fail(_: dict[str, Any]) -> dict[str, Any]:
    raise ZeroDivisionError("defect")


@pytest.mark.parametrize("depth", [0, 12], ids=["short path", "path longer than sockaddr_un"])
async def test_a_command_is_answered(tmp_path: Path, depth: int) -> None:
    directory = tmp_path.joinpath(*["a-long-directory-name"] * depth)
    directory.mkdir(parents=True, exist_ok=True)
    server = ControlServer(directory / "control.sock", {"echo": echo})
    await server.start()
    try:
        assert (directory / "control.sock").stat().st_mode & 0o777 == 0o600
        assert await ask(directory / "control.sock", {"command": "echo", "say": "x" * 100_000}) == {
            "said": "x" * 100_000
        }
    finally:
        await server.close()
    assert not (directory / "control.sock").exists()


async def test_errors_are_answers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "control.sock"
    server = ControlServer(path, {"refuse": refuse, "fail": fail})
    await server.start()
    try:
        assert await ask(path, {"command": "refuse"}) == {"error": "do this instead"}
        assert await ask(path, {"command": "nonsense"}) == {"error": "unknown command 'nonsense'"}
        answer = await ask(path, {"command": "fail"})
        assert answer["error"].startswith("ZeroDivisionError: defect")
        assert "control command fail failed" in caplog.text
    finally:
        await server.close()


@pytest.mark.parametrize("line", [b"not json\n", b"[1]\n", b"null\n", b"\n", b""])
async def test_nonsense_is_hung_up_on_and_hurts_nobody(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "control.sock"
    server = ControlServer(path, {"echo": echo})
    await server.start()
    try:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(line)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert await ask(path, {"command": "echo", "say": "still here"}) == {"said": "still here"}
    finally:
        await server.close()


async def test_a_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("left behind")
    server = ControlServer(path, {"echo": echo})
    await server.start()
    assert await ask(path, {"command": "echo", "say": "hello"}) == {"said": "hello"}
    await server.close()
    with pytest.raises(OSError):
        await ask(path, {"command": "echo"})
