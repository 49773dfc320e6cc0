"""Whoever dies, nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import uvloop
from tests.support.lone_network import start_network

from casemate.execution.supervisor import Settings, Supervisor

from .conftest import Machine

pytestmark = pytest.mark.kernel
ROOT = Path(__file__).parents[3]

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from tests.kernel.execution.conftest import Machine
from tests.support.lone_network import start_network
from casemate.execution.supervisor import Settings, Supervisor

SOURCE = '''
import os, subprocess, time
child = subprocess.Popen(["sleep", "MARK"], start_new_session=True)
def handler(e, c):
    print("ready", flush=True)
    time.sleep(e)
    return os.getuid()
'''

async def main():
    data, mark, wait = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    network = await start_network()
    supervisor = Supervisor(network, Settings(data_dir=data))
    await supervisor.start()
    machine = Machine(supervisor, network)
    function = machine.function(SOURCE.replace("MARK", mark), timeout_seconds=60)
    print(json.dumps((await machine.invoke(function, 0)).payload.decode()), flush=True)
    if wait:
        print(json.dumps(network.pids), flush=True)
        await machine.invoke(function, wait)
    await supervisor.close()
    await network.close()

asyncio.run(main())
"""


def running(mark: str) -> list[int]:
    """Processes of any namespace whose command line is `sleep MARK`."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended meanwhile
            if path.read_bytes() == f"sleep\0{mark}\0".encode():
                found.append(int(path.parent.name))
    return found


def gone_within(seconds: float, mark: str) -> bool:
    end = time.monotonic() + seconds
    while running(mark):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def start(tmp_path: Path, mark: str, wait: float, *prefix: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", SCRIPT, str(tmp_path), mark, str(wait)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    process.wait(timeout=20)


def test_the_supervisor_is_killed(tmp_path: Path) -> None:
    mark = f"{os.getpid()}71"
    process = start(tmp_path, mark, 50)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == "993"
    [forkserver] = json.loads(process.stdout.readline())
    assert len(running(mark)) == 1
    os.kill(process.pid, signal.SIGKILL)
    finish(process)
    assert gone_within(5, mark)
    end = time.monotonic() + 5
    while Path(f"/proc/{forkserver}").exists():
        assert time.monotonic() < end, "the fork-server outlived the supervisor"
        time.sleep(0.02)


def test_the_fork_server_is_killed(tmp_path: Path) -> None:
    mark = f"{os.getpid()}72"
    process = start(tmp_path, mark, 50)
    assert process.stdout is not None
    process.stdout.readline()
    [forkserver] = json.loads(process.stdout.readline())
    os.kill(forkserver, signal.SIGKILL)
    assert gone_within(5, mark)
    finish(process)
    assert process.returncode == 0  # the invocation ended with an error, and the supervisor went on


def test_it_works_without_any_privilege_of_the_host(tmp_path: Path) -> None:
    """In a user namespace with one user, as the rootless helper has it."""
    mark = f"{os.getpid()}73"
    process = start(tmp_path, mark, 0, "unshare", "--user", "--map-root-user", "--net", "--mount")
    assert process.stdout is not None
    output = process.stdout.read()
    finish(process)
    assert process.returncode == 0
    assert json.loads(output) == "993"
    assert gone_within(5, mark)


async def test_a_fork_server_that_died_is_replaced_for_the_next_invocation(tmp_path: Path) -> None:
    network = await start_network()
    supervisor = Supervisor(network, Settings(data_dir=tmp_path))
    await supervisor.start()
    machine = Machine(supervisor, network)
    function = machine.function("def handler(e, c): return e")
    assert (await machine.invoke(function, 1)).payload == b"1"
    os.kill(network.pids[0], signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert supervisor.environments(function.arn) == 0
    assert (await machine.invoke(function, 2)).payload == b"2"
    await supervisor.close()
    await network.close()
    assert len(network.detached) == len(network.attached) == 2


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_closing_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = open_descriptors()
    network = await start_network()
    supervisor = Supervisor(network, Settings(data_dir=tmp_path))
    await supervisor.start()
    machine = Machine(supervisor, network)
    await machine.invoke(machine.function("def handler(e, c): return e"), 1)
    await machine.invoke(machine.function("import nowhere"), 1)
    await supervisor.close()
    await network.close()
    await asyncio.sleep(0)
    assert open_descriptors() == before


def test_it_works_on_uvloop_as_the_front_door_does(tmp_path: Path) -> None:
    async def main() -> None:
        network = await start_network()
        supervisor = Supervisor(network, Settings(data_dir=tmp_path))
        await supervisor.start()
        machine = Machine(supervisor, network)
        function = machine.function("print('init')\ndef handler(e, c): return e")
        assert [(await machine.invoke(function, n)).payload for n in (1, 2)] == [b"1", b"2"]
        slow = machine.function("import time\ndef handler(e, c): time.sleep(9)", timeout_seconds=1)
        assert (await machine.invoke(slow)).failed
        assert "init\n" in machine.host.events
        await supervisor.close()
        await network.close()
        assert len(network.detached) == len(network.attached) == 2

    uvloop.run(asyncio.sleep(0))  # uvloop keeps a pipe of its own for ever
    before = open_descriptors()
    uvloop.run(main())
    assert open_descriptors() == before
