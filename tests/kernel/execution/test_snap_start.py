"""SnapStart: environments that begin from the memory of one that has initialized."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any

import pytest

from casemate.execution.failures import InitError
from casemate.execution.function import Failure, FunctionVersion
from casemate.model.errors import AwsError

from .conftest import Machine
from .test_extensions import EXTENSION

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

_INITIALIZE = """
import json, os, random, socket, threading, time, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
ID, DRAWN, HOOKS = str(uuid.uuid4()), random.Random(), []
DATA = [bytes([number % 251]) * 1000 for number in range(2000)]
register_before_snapshot(HOOKS.append, "before")
register_after_restore(HOOKS.append, "after")
"""


def version(
    machine: Machine, source: str, more: dict[str, str] | None = None, **changes: Any
) -> FunctionVersion:
    """A published version with SnapStart; `more` files in its package."""
    files = {"app.py": _INITIALIZE + source, **(more or {})}
    return machine.function(files, version="1", snap_start=True, timeout_seconds=20, **changes)


def template(machine: Machine, function: FunctionVersion) -> Any:
    return machine.supervisor._templates._known.get((function.arn, "1"))


async def twice(machine: Machine, function: FunctionVersion) -> tuple[Any, Any]:
    """What two environments answer that are at work at the same time; it takes them a while."""
    one, other = await asyncio.gather(machine.invoke(function), machine.invoke(function))
    assert not one.failed, one.payload
    assert not other.failed, other.payload
    return json.loads(one.payload), json.loads(other.payload)


async def test_what_is_the_same_in_all_environments_and_what_is_not(machine: Machine) -> None:
    """Source: "Handling uniqueness with Lambda SnapStart"."""
    function = version(
        machine,
        """
import hashlib, ssl
os.makedirs("/tmp/kept/deep"); os.symlink("deep", "/tmp/kept/link")
open("/tmp/kept/deep/file", "w").write("made while initializing")
READING = open("/var/task/app.py", buffering=1); READING.readline(); READING.read(6)
SERVER = socket.create_server(("127.0.0.1", 0))
CLIENT = socket.create_connection(SERVER.getsockname())
os.chdir("/tmp/kept"); os.umask(0o027)
def handler(e, c):
    try:
        said = CLIENT.send(b"x")
    except OSError as error:
        said = type(error).__name__
    open("/tmp/own", "x").close()
    time.sleep(0.4)
    return {
        "same": [ID, DRAWN.random(), HOOKS, os.getpid(), sum(map(len, DATA)), hashlib.md5(b"".join(DATA)).hexdigest(),
            open("deep/file").read(), os.readlink("link"), READING.read(6), os.getcwd(), oct(os.umask(0)), said,
            os.stat("deep/file").st_uid, sorted(os.listdir("/tmp"))],
        "own": [str(uuid.uuid4()), os.urandom(4).hex(), ssl.RAND_bytes(8).hex()],
        "namespaces": {name: os.readlink("/proc/self/ns/" + name) for name in os.listdir("/proc/self/ns")},
    }
""",
    )
    await machine.supervisor.ensure_snapshot(function, machine.host)
    assert template(machine, function).unfit == ""
    one, other = await twice(machine, function)
    assert one["same"] == other["same"]
    assert one["same"][2:5] == [["before", "after"], 2, 2_000_000]
    assert one["same"][6:] == [
        "made while initializing", "deep", " json,", "/tmp/kept", "0o27", "BrokenPipeError", 993,
        ["kept", "own"],
    ]  # fmt: skip
    assert all(mine != theirs for mine, theirs in zip(one["own"], other["own"], strict=True))
    for name in ("pid", "net", "mnt", "user", "ipc", "uts"):
        assert one["namespaces"][name] != other["namespaces"][name]
    machine.supervisor.retire(function.arn)


async def test_a_restored_environment_has_no_more_rights_than_others(machine: Machine) -> None:
    source = """
import ctypes
def handler(e, c):
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    kept = {name: status[name].strip() for name in (
        "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
        "Seccomp_filters", "TracerPid", "NSpid")}
    libc = ctypes.CDLL(None, use_errno=True)
    refused = [libc.unshare(0x10000000), ctypes.get_errno(), libc.syscall(308, 0, 0), ctypes.get_errno()]
    fds = {fd: os.readlink("/proc/self/fd/" + fd).split(":")[0] for fd in os.listdir("/proc/self/fd")[:3]}
    import resource
    limits = [resource.getrlimit(kind) for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE)]
    seen = sorted(name for name in os.listdir("/proc") if name.isdigit())
    return [kept, refused, fds, limits, seen, open("/proc/self/mountinfo").read().count("\\n")]
"""
    restored = version(machine, source)
    await machine.supervisor.ensure_snapshot(restored, machine.host)
    assert template(machine, restored).unfit == ""
    ordinary = machine.function(_INITIALIZE + source)
    answers = [json.loads((await machine.invoke(one)).payload) for one in (restored, ordinary)]
    assert answers[0] == answers[1]
    machine.supervisor.retire(restored.arn)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()", "thread"),
        ("import subprocess; CHILD = subprocess.Popen(['/bin/sleep', '1000'])", "process"),
        ("PIPE = os.pipe()", "an open descriptor (pipe:"),
        ("import mmap; SHARED = mmap.mmap(-1, 4096)", "shared"),
    ],
)
async def test_what_cannot_be_in_a_snapshot_is_initialized_anew(
    machine: Machine, source: str, why: str
) -> None:
    function = version(machine, source + "\ndef handler(e, c):\n    time.sleep(0.2)\n    return [ID, HOOKS]")
    machine.host.events.clear()
    one, other = await twice(machine, function)
    assert one[0] != other[0]
    assert one[1] == other[1] == ["before", "after"]
    await asyncio.sleep(0.3)
    (said,) = [line for line in machine.host.events if line.startswith("casemate: no snapshot could be made")]
    assert why in said
    assert sum(line.startswith("casemate: initialized anew") for line in machine.host.events) == 2
    assert sum(line.startswith("RESTORE_REPORT") for line in machine.host.events) == 2
    machine.supervisor.retire(function.arn)


@pytest.mark.parametrize("how", ["wrapper", "extension"])
async def test_what_runs_in_processes_of_its_own_is_initialized_anew(machine: Machine, how: str) -> None:
    changes: dict[str, Any] = {"variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"}}
    if how == "extension":
        text = EXTENSION.replace("{more}", "").replace("{on_event}", "pass")
        changes = {"layers": (machine.unpacked({"extensions/watcher": text}),)}
    function = version(
        machine, "def handler(e, c): return HOOKS", {"wrap": '#!/bin/sh\nexec "$@"\n'}, **changes
    )
    assert json.loads((await machine.invoke(function)).payload) == ["before", "after"]
    kept = template(machine, function)
    assert ("wrapper" if how == "wrapper" else "process") in kept.unfit
    machine.supervisor.retire(function.arn)


async def test_the_snapshot_outlives_its_environment_and_not_the_fork_server(machine: Machine) -> None:
    function = version(machine, "def handler(e, c): return ID")
    first = json.loads((await machine.invoke(function)).payload)
    kept = template(machine, function)
    (environment,) = machine.environments(function)
    environment.retire()
    await environment.closed
    assert json.loads((await machine.invoke(function)).payload) == first
    assert template(machine, function) is kept
    assert kept.server is not None
    os.kill(kept.server.pid, signal.SIGKILL)
    (environment,) = machine.environments(function)
    async with asyncio.timeout(5):
        await environment.closed
    assert json.loads((await machine.invoke(function)).payload) != first, "initialized again"
    machine.supervisor.retire(function.arn)
    assert template(machine, function) is None


async def test_a_snapshot_that_nobody_uses_goes(machine: Machine) -> None:
    function = version(machine, "def handler(e, c): return ID")
    await machine.supervisor.ensure_snapshot(function, machine.host)
    kept = template(machine, function)
    held = {os.readlink(f"/proc/self/fd/{one}") for one in kept.descriptors}
    assert {"/memfd:image (deleted)", "/memfd:memory (deleted)"} < held
    templates = machine.supervisor._templates
    templates.reap(1000, in_use=lambda _: False)
    templates.reap(0, in_use=lambda _: True)
    assert template(machine, function) is kept
    templates.reap(0, in_use=lambda _: False)
    assert template(machine, function) is None
    assert kept.descriptors == ()


async def test_initialization_that_fails(machine: Machine) -> None:
    with pytest.raises(InitError) as caught:
        await machine.supervisor.ensure_snapshot(version(machine, "os._exit(3)"), machine.host)
    assert caught.value.failure.failure is Failure.EXIT
    hook = "register_before_snapshot(lambda: 1 / 0)\ndef handler(e, c): pass"
    with pytest.raises(InitError) as caught:
        await machine.supervisor.ensure_snapshot(version(machine, hook), machine.host)
    assert caught.value.failure.error_type == "Runtime.BeforeSnapshotError"


@pytest.mark.parametrize(
    ("hook", "code"),
    [
        ("1 / 0", "SnapStartException"),
        ("os._exit(2)", "SnapStartException"),
        ("time.sleep(60)", "SnapStartTimeoutException"),
    ],
)
async def test_a_restore_that_fails(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, hook: str, code: str
) -> None:
    """Sources: "Lambda SnapStart runtime hooks for Python", "Troubleshooting SnapStart errors for Lambda functions"."""
    monkeypatch.setattr("casemate.execution.templates.RESTORE_SECONDS", 1.0)
    monkeypatch.setattr("casemate.execution.environment.RESTORE_SECONDS", 0.3)
    machine.host.events.clear()
    function = version(machine, f"register_after_restore(lambda: {hook})\ndef handler(e, c): pass")
    with pytest.raises(AwsError) as caught:
        await machine.invoke(function)
    assert caught.value.code == code
    await asyncio.sleep(0.3)
    (report,) = [line for line in machine.host.events if line.startswith("RESTORE_REPORT")]
    assert "\tStatus: timeout\n" in report if "Timeout" in code else "\tStatus: error\t" in report
    machine.supervisor.retire(function.arn)


async def test_the_limit_of_memory_holds_with_memory_files_too(machine: Machine) -> None:
    """Pages of the snapshot are mapped: they must not hide a file of the function's own that nobody has mapped."""
    function = version(
        machine,
        """
def handler(e, c):
    file = os.memfd_create("hidden")
    for _ in range(100):
        os.write(file, bytes(1 << 20))
    time.sleep(2)
""",
        memory_mb=128,
    )
    outcome = await machine.invoke(function)
    assert outcome.failed
    assert b"signal: killed" in outcome.payload
    machine.supervisor.retire(function.arn)


async def test_an_event_loop_that_was_made_while_initializing_goes_on(machine: Machine) -> None:
    function = version(
        machine,
        """
import asyncio
LOOP, OTHER = asyncio.new_event_loop(), asyncio.new_event_loop()
async def work():
    return await asyncio.gather(*(asyncio.to_thread(max, n, 1) for n in range(3)))
def handler(e, c):
    return [LOOP.run_until_complete(work()), OTHER.run_until_complete(work())]
""",
    )
    await machine.supervisor.ensure_snapshot(function, machine.host)
    assert template(machine, function).unfit == ""
    outcome = await machine.invoke(function)
    assert json.loads(outcome.payload) == [[1, 1, 2], [1, 1, 2]], outcome
    machine.supervisor.retire(function.arn)


async def test_deep_recursion_and_handlers_of_signals_survive(machine: Machine) -> None:
    """The stack grows on, and the kernel knows the handlers that were set while initializing."""
    function = version(
        machine,
        """
import signal, sys
sys.setrecursionlimit(100_000)
GOT = []
signal.signal(signal.SIGUSR1, lambda number, frame: GOT.append(number))
def depth(n): return 0 if n == 0 else 1 + max(n - n, depth(n - 1))
def handler(e, c):
    os.kill(os.getpid(), signal.SIGUSR1)
    thread = threading.Thread(target=GOT.append, args=("thread",)); thread.start(); thread.join()
    return [depth(3000), GOT, os.fork() and os.wait()[1]]
""",
    )
    await machine.supervisor.ensure_snapshot(function, machine.host)
    assert template(machine, function).unfit == ""
    outcome = await machine.invoke(function)
    assert json.loads(outcome.payload)[:2] == [3000, [10, "thread"]], outcome
    machine.supervisor.retire(function.arn)
