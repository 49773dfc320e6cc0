"""Functions that mean harm to whoever takes their snapshot, or restores it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os

import pytest

from casemate.execution.failures import InitError

from .conftest import Machine
from .test_hostile import gone, tenants, well
from .test_snap_start import template, version

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

_UNSEEMLY = {
    "zeroes that are nowhere": ("import mmap; HUGE = mmap.mmap(-1, 1 << 30, flags=2); HUGE[::4096]", "of memory"),
    "one file many times": (
        """
import mmap
open("/tmp/file", "wb").write(bytes(1 << 20))
FILE = open("/tmp/file", "r+b")
MANY = [mmap.mmap(FILE.fileno(), 1 << 20, flags=mmap.MAP_PRIVATE) for _ in range(1000)]
""",
        "of memory",
    ),
    "addresses without end": ("import mmap; HUGE = mmap.mmap(-1, 1 << 45, flags=0x4002, prot=0)", "of addresses"),
    "countless mappings": (
        """
import mmap
MANY = mmap.mmap(-1, 4096 * 40_000, flags=2)
import ctypes
libc, at = ctypes.CDLL(None), ctypes.addressof(ctypes.c_char.from_buffer(MANY))
for page in range(0, 40_000, 2):
    libc.mprotect(ctypes.c_void_p(at + page * 4096), 4096, 1)
""",
        "mappings",
    ),
    "a name that is no text": ("import ctypes; ctypes.CDLL(None).prctl(15, b'\\xff\\xfe')", None),
    "signals all the time": (
        """
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.signal(signal.SIGTRAP, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
""",
        None,
    ),
    "a mapping in a file's name": (
        """
import mmap
open("/tmp/x\\x0c10000-ffffffffffff000 rw-p 0 0:0 0 [vdso]", "wb").write(bytes(4096))
FILE = open("/tmp/x\\x0c10000-ffffffffffff000 rw-p 0 0:0 0 [vdso]", "rb")
MAPPED = mmap.mmap(FILE.fileno(), 4096, flags=2, prot=1)
""",
        None,
    ),
}  # fmt: skip


def snapshots() -> int:
    """How many the front door, which is this process, holds."""
    held = 0
    for one in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            held += os.readlink(f"/proc/self/fd/{one}").startswith("/memfd:memory")
    return held


@pytest.mark.parametrize("attempt", _UNSEEMLY)
async def test_no_process_is_too_odd_to_be_looked_at(machine: Machine, attempt: str) -> None:
    """There is a snapshot of it, or a reason why not; the function runs all the same."""
    source, why = _UNSEEMLY[attempt]
    before = tenants()
    function = version(machine, source + "\ndef handler(e, c): return 42", memory_mb=128)
    async with asyncio.timeout(15):
        await machine.supervisor.ensure_snapshot(function, machine.host)
    kept = template(machine, function)
    if why is None:
        assert kept.unfit == ""
    else:
        assert kept.unfit
        assert why in kept.unfit
    outcome = await machine.invoke(function)
    assert json.loads(outcome.payload) == 42, outcome
    await gone(machine, function.arn, before)


async def test_deep_directories_come_along_or_there_is_no_snapshot(machine: Machine) -> None:
    before = tenants()
    source = """
for _ in range(1500):
    os.mkdir("d"); os.chdir("d")
def handler(e, c): return 42
"""
    function = version(machine, 'os.chdir("/tmp")' + source)
    outcome = await machine.invoke(function)
    assert json.loads(outcome.payload) == 42, outcome
    await gone(machine, function.arn, before)


async def test_a_system_call_that_never_returns(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function has its own system calls answered by itself, who is stopped: process 1 ends all the same."""

    def seconds(_: object) -> float:
        return 1.5

    monkeypatch.setattr("casemate.execution.templates.snapshot_seconds", seconds)
    before = tenants()
    source = """
import ctypes, struct
lines = [(0x20, 0, 0, 0), (0x15, 0, 1, 13), (0x06, 0, 0, 0x7FC00000), (0x06, 0, 0, 0x7FFF0000)]
CODE = b"".join(struct.pack("=HBBI", *line) for line in lines)
PROGRAM = struct.pack("=HxxxxxxQ", len(lines), ctypes.cast(CODE, ctypes.c_void_p).value)
LISTENER = ctypes.CDLL(None).syscall(317, 1, 8, PROGRAM)  # SECCOMP_FILTER_FLAG_NEW_LISTENER
def handler(e, c): return LISTENER
"""
    function = version(machine, source)
    with pytest.raises(InitError):
        await machine.supervisor.ensure_snapshot(function, machine.host)
    await gone(machine, function.arn, before)
    assert await well(machine)


async def test_a_snapshot_that_nobody_waits_for_any_more(machine: Machine) -> None:
    """The function fails its initialization, and goes to have its memory taken while it is let down gently."""
    before, held = tenants(), snapshots()
    source = """
import http.client
def call(path, headers, body=b""):
    line = http.client.HTTPConnection("127.0.0.1:9001")
    line.request("POST", path, body, headers); return line.getresponse().read()
call("/2020-01-01/extension/register", {"Lambda-Extension-Name": "inside"}, b'{"events": ["INVOKE"]}')
call("/2018-06-01/runtime/init/error", {}, b"{}")
for number in range(3, 20):
    try:
        place = socket.socket(fileno=number)
        if place.family == socket.AF_UNIX:
            place.send(b"\\0"); place.recv(1)
    except OSError:
        pass
"""
    function = version(machine, source)
    with pytest.raises(InitError):
        await machine.supervisor.ensure_snapshot(function, machine.host)
    await asyncio.sleep(1)
    await gone(machine, function.arn, before)
    assert snapshots() == held


async def test_a_reason_that_is_no_text_is_logged_as_text(machine: Machine) -> None:
    """Lines of all accounts are written together: one that cannot be written must not take the others with it."""
    before = tenants()
    source = 'FILE = open(b"/tmp/\\xff", "w"); os.unlink(b"/tmp/\\xff")\ndef handler(e, c): return 42'
    function = version(machine, source)
    machine.host.events.clear()
    assert json.loads((await machine.invoke(function)).payload) == 42
    await gone(machine, function.arn, before)
    assert any("/tmp/? (deleted)" in line for line in machine.host.events)
    "".join(machine.host.events).encode()


@pytest.mark.parametrize("more", ["", "PIPE = os.pipe()"], ids=["restored", "anew"])
async def test_the_time_for_hooks_is_not_begun_anew(machine: Machine, more: str) -> None:
    before = tenants()
    source = """
import http.client
def ask():
    api = http.client.HTTPConnection("127.0.0.1:9001")
    api.request("GET", "/2018-06-01/runtime/restore/next"); HOOKS.append(api.getresponse().status)
register_after_restore(ask)
def handler(e, c): return HOOKS
"""
    function = version(machine, more + source)
    outcome = await machine.invoke(function)
    assert 403 in json.loads(outcome.payload), outcome
    await gone(machine, function.arn, before)
