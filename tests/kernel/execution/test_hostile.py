"""Functions that mean harm: each contained, reported as AWS would, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from casemate.execution.function import Outcome
from casemate.execution.package import PackageError, unpack

from .conftest import ID, ROOTLESS, Machine, refusal

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]


def error(outcome: Outcome) -> tuple[str, str]:
    assert outcome.failed
    reported = json.loads(outcome.payload)
    return reported["errorType"], reported["errorMessage"].removeprefix(f"RequestId: {ID} Error: ")


def tenants() -> set[int]:
    """Processes of any function: their uids are in a range of their own; rootless, they are ours in a namespace."""
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            uid = path.stat().st_uid
            if (uid == os.geteuid() and nested(path)) if ROOTLESS else uid >= 2_047_934_464:
                found.add(int(path.name))
    return found


def nested(process: Path) -> bool:
    """Whether it has more than one process id, being in a namespace of them below ours."""
    ids = next(line for line in (process / "status").read_text().splitlines() if line.startswith("NSpid:"))
    return len(ids.split()) > 2


async def gone(machine: Machine, arn: str, before: set[int]) -> None:
    """Wait until the function's environments are, then look for leftovers."""
    machine.supervisor.retire(arn)
    for _ in range(200):
        await asyncio.sleep(0.05)
        if not machine.supervisor._ending and not tenants() - before:
            break
    assert not tenants() - before
    assert machine.supervisor.environments(arn) == 0
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(machine.supervisor.settings.data_dir) not in mounts


async def well(machine: Machine) -> bool:
    """Whether another function still works, and soon."""
    function = machine.function("def handler(e, c): return 42")
    async with asyncio.timeout(3):
        outcome = await machine.invoke(function)
    machine.supervisor.retire(function.arn)
    return outcome.payload == b"42"


async def test_a_fork_bomb(machine: Machine) -> None:
    before = tenants()
    source = """
import os, time
def handler(e, c):
    made = 0
    while True:
        try:
            if os.fork() == 0:
                while True:
                    try: os.fork()
                    except OSError: time.sleep(1)
            made += 1
        except OSError:
            time.sleep(0.05)
"""
    function = machine.function(source, timeout_seconds=2, memory_mb=10_240)
    running = asyncio.ensure_future(machine.invoke(function))
    await asyncio.sleep(1)
    # The limit is this environment's own: 1,024, whatever the others have.
    assert len(tenants() - before) <= 1100
    assert await well(machine)
    assert error(await running) == ("Sandbox.Timedout", "Task timed out after 2.00 seconds")
    await gone(machine, function.arn, before)


@pytest.mark.parametrize(
    "hog",
    [
        "blocks.append(bytearray(8 << 20))",
        "os.write(files, bytes(8 << 20))",
        "blocks.append(mmap.mmap(-1, 8 << 20)); blocks[-1].write(bytes(8 << 20))",
    ],
    ids=["heap", "memory file", "shared"],
)
async def test_a_memory_hog(machine: Machine, hog: str) -> None:
    source = f"""
import mmap, os, time
def handler(e, c):
    blocks, files = [], os.memfd_create("hoard")
    for _ in range(120):
        {hog}
        time.sleep(0.005)
    return "not stopped"
"""
    function = machine.function(source, timeout_seconds=10)
    outcome = await machine.invoke(function)
    assert error(outcome) == ("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
    assert "Max Memory Used: 128 MB" in outcome.log
    assert await well(machine)


async def test_a_memory_hog_in_a_crowd(machine: Machine) -> None:
    """Of many processes only some are looked at at a time, but all of them in the end."""
    source = """
import os, time
def handler(e, c):
    for number in range(80):
        if os.fork() == 0:
            kept = number == 39 and b'x' * (300 << 20)
            time.sleep(10); os._exit(0)
    time.sleep(9)
    return "not stopped"
"""
    outcome = await machine.invoke(machine.function(source, timeout_seconds=10))
    assert error(outcome)[0] == "Runtime.OutOfMemory"
    assert await well(machine)


async def test_memory_that_no_process_has_is_limited(machine: Machine) -> None:
    source = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def handler(e, c):
    segments = [libc.shmget(0, 32 << 20, 0o1600) for _ in range(8)]
    queues = [libc.msgget(0, 0o1600) for _ in range(64)]
    return [sum(one >= 0 for one in segments), sum(one >= 0 for one in queues), ctypes.get_errno()]
"""
    made = await machine.run(source)
    assert made == [4, 32, errno.ENOSPC] or (ROOTLESS and made[:2] == [8, 64]), (
        "older kernels refuse, rootless"
    )


async def test_memory_that_processes_share_counts_once(machine: Machine) -> None:
    """Twelve processes of one program are no memory hog, though each shows the whole of it as its own."""
    source = """
import os, time
block = bytearray(40 << 20)
def handler(e, c):
    for _ in range(12):
        if os.fork() == 0:
            time.sleep(0.3); os._exit(0)
    time.sleep(0.4)
    return "alive"
"""
    assert await machine.run(source) == "alive"


async def test_a_disk_filler(machine: Machine) -> None:
    source = """
def handler(e, c):
    written, answers = 0, []
    for place in ("/tmp/a", "/var/task/a", "/opt/a", "/var/runtime/a", "/etc/a", "/run/a", "/dev/a", "/home/a"):
        try:
            with open(place, "wb", buffering=0) as sink:
                while True:
                    written += sink.write(bytes(1 << 20))
        except OSError as error:
            answers.append(error.strerror)
    return [written >> 20, answers]
"""
    written, answers = await machine.run(source, memory_mb=256, timeout_seconds=20)
    assert written == 512  # EphemeralStorage, and not a byte more anywhere
    assert answers[0] == "No space left on device"
    assert set(answers[1:]) <= {"Read-only file system", "Permission denied"}


async def test_a_socket_scanner(machine: Machine) -> None:
    """Neither the host, nor the control plane, nor another environment, nor an abstract socket of the host's."""
    import socket

    with socket.socket(socket.AF_UNIX) as abstract, socket.create_server(("127.0.0.1", 0)) as host:
        name = f"casemate-test-abstract-{os.getpid()}"
        abstract.bind(f"\0{name}")
        abstract.listen()
        source = """
import os, socket
def handler(e, c):
    port, name = e
    seen = []
    for other in (port, 80, 443, 4566, 9001, 9002):
        for address in ("127.0.0.1", "169.254.169.254", "172.17.0.1", "10.0.0.1"):
            try:
                socket.create_connection((address, other), timeout=0.2).close()
                seen.append(f"{address}:{other}")
            except OSError:
                pass
    try:
        socket.socket(socket.AF_UNIX).connect("\\0" + name)
        seen.append("abstract")
    except OSError:
        pass
    for kind in (socket.SOCK_RAW,):
        try:
            socket.socket(socket.AF_INET, kind, 1)
            seen.append("raw")
        except OSError:
            pass
    interfaces = [name for _, name in socket.if_nameindex()]
    unix = [line for line in open("/proc/net/unix").read().splitlines()[1:] if "@" in line]
    return [seen, interfaces, unix]
"""
        event = [host.getsockname()[1], name]
        seen, interfaces, unix = await machine.run(source, event, timeout_seconds=20)
    assert seen == ["127.0.0.1:9001"]  # its own runtime API
    assert len(interfaces) == 1 + machine.network.uplinks
    assert not {name for _, name in socket.if_nameindex()} & set(interfaces) - {"lo"}
    assert unix == []


async def test_descriptors_on_their_way_keep_nobody_from_being_started(machine: Machine) -> None:
    """The kernel counts them by user, and rootless Casemate is the same one: unix(7), ETOOMANYREFS."""
    source = """
import socket, time
def handler(e, c):
    kept, sent = [], 0
    try:
        while True:
            kept.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
            for _ in range(10):
                socket.send_fds(kept[-1][0], [b"x"], [0] * 250)
                sent += 250
    except OSError as error:
        time.sleep(1)
        return [sent, error.strerror]
"""
    function = machine.function(source, timeout_seconds=20)
    running = asyncio.ensure_future(machine.invoke(function))
    await asyncio.sleep(0.6)
    assert await well(machine)
    sent, why = json.loads((await running).payload)
    assert sent >= 500
    assert why == "Too many references: cannot splice"


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        ("call('unshare', 0x10000000)", "Operation not permitted"),
        ("call('setns', os.open('/proc/self/ns/net', 0), 0)", "Operation not permitted"),
        ("call('mount', b'x', b'/tmp', b'tmpfs', 0, 0)", "Operation not permitted"),
        ("call('ptrace', 16, 1, 0, 0)", "Operation not permitted"),
        ("number(321, 0, 0, 0)", "Operation not permitted"),
        ("number(323, 0)", "Operation not permitted"),
        ("number(425, 8, 0)", "Operation not permitted"),
        ("open('/proc/1/environ').read()", "Permission denied"),
        ("open('/proc/1/root/etc/shadow').read()", "Permission denied"),
        ("os.listdir('/proc/1/fd')", "Permission denied"),
        ("os.kill(1, 9) or open('/nowhere')", "Operation not permitted"),
        # Rootless, process 1 is the same user to the kernel, which then asks for nothing else.
        ("os.kill(1, 2)", "Operation not permitted"),
        ("resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))", "Operation not permitted"),
        ("os.pidfd_open(1) and signal.pidfd_send_signal(os.pidfd_open(1), 2)", "Operation not permitted"),
        ("signal.pidfd_send_signal(os.open('/proc/1', os.O_RDONLY), 2)", "Operation not permitted"),
        ("os.sched_setaffinity(1, {0})", "Operation not permitted"),
        ("os.setpriority(os.PRIO_PROCESS, 1, 19)", "Operation not permitted"),
        ("open('/proc/1/oom_score_adj', 'w').write('1000')", "Permission denied"),
        ("open('/proc/sys/kernel/threads-max', 'w')", "Read-only file system"),
        ("open('/proc/1/mem', 'rb')", "Permission denied"),
        ("os.chroot('/tmp')", "Operation not permitted"),
        ("os.setuid(0)", "Invalid argument"),
        ("os.open('/dev/mem', 0)", "No such file or directory"),
        ("os.readlink('/proc/1/exe')", "Permission denied"),
    ],
)
async def test_ways_out(machine: Machine, attempt: str, expected: str) -> None:
    if os.uname().machine != "x86_64" and "number(" in attempt:
        pytest.skip("numbers of another architecture")
    seen: Any = await machine.run(
        f"""
import ctypes, os, resource, signal
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def call(name, *arguments): check(getattr(libc, name)(*arguments))
def number(*arguments): check(libc.syscall(*map(ctypes.c_long, arguments)))
def handler(e, c):
    try:
        {attempt}
    except OSError as error:
        return error.strerror
    return "done"
"""
    )
    assert seen == refusal(attempt, expected)


async def test_a_signal_to_the_whole_process_group_does_not_end_the_environment(machine: Machine) -> None:
    """Process 1 is in it; rootless it is the same user, and the signal reaches it. So does SIGIO with an owner."""
    source = """
import fcntl, os, signal, socket, time
def handler(e, c):
    for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
        signal.signal(number, signal.SIG_IGN)
        try:
            os.kill(0, number)
        except PermissionError:
            pass  # nobody but process 1 was left to ask
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT):
        one, other = socket.socketpair()
        fcntl.fcntl(one, fcntl.F_SETOWN, 1)
        fcntl.fcntl(one, 10, number)  # F_SETSIG
        fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC)
        other.send(b"x")
    time.sleep(0.1)
    return "alive"
"""
    function = machine.function(source)
    assert [(await machine.invoke(function)).payload for _ in range(2)] == [b'"alive"'] * 2
    assert machine.supervisor.environments(function.arn) == 1


async def test_what_another_environment_has_is_out_of_reach(machine: Machine) -> None:
    """Each has namespaces of its own and a user of its own outside, so that nothing counted per user is shared.

    But for the latter rootless, where there is one user; `casemate status` says so.
    """
    source = """
import os, time
def handler(e, c):
    time.sleep(0.2)
    return os.stat("/proc/self").st_uid
"""
    function = machine.function(source)
    running = [asyncio.ensure_future(machine.invoke(function)) for _ in range(3)]
    await asyncio.sleep(0.15)
    namespaces: dict[str, set[str]] = {kind: set() for kind in ("user", "pid", "mnt", "net", "ipc", "uts")}
    uids: set[int] = set()
    for pid in tenants():
        with contextlib.suppress(FileNotFoundError):  # ended meanwhile
            uids.add(os.stat(f"/proc/{pid}").st_uid)
            for kind, found in namespaces.items():
                found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
    assert all(len(found) >= 3 for found in namespaces.values()), namespaces
    assert uids == {os.geteuid()} if ROOTLESS else len(uids) >= 3
    assert {json.loads((await one).payload) for one in running} == {993}


async def test_an_endless_initialization(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from casemate.execution import supervisor

    monkeypatch.setattr(supervisor, "INIT_SECONDS", 0.5)
    machine.host.events.clear()
    before = tenants()
    function = machine.function("while True: pass\ndef handler(e, c): pass", timeout_seconds=1)
    assert error(await machine.invoke(function)) == ("Sandbox.Timedout", "Task timed out after 1.00 seconds")
    assert [one.split("\t")[1:] for one in machine.host.events if one.startswith("INIT_REPORT")] == [
        ["Phase: init", "Status: timeout\n"], ["Phase: invoke", "Status: timeout\n"],
    ]  # fmt: skip
    await gone(machine, function.arn, before)


async def test_a_huge_response_and_a_flood_of_lines(machine: Machine) -> None:
    function = machine.function(
        "def handler(e, c): return 'x' * (e << 20)", memory_mb=1024, timeout_seconds=30
    )
    kind, message = error(await machine.invoke(function, 64))
    assert kind == "Function.ResponseSizeTooLarge"
    assert message == (
        "Response payload size (67108866 bytes) exceeded maximum allowed payload size (6291556 bytes)."
    )
    flood = machine.function(
        "import os\ndef handler(e, c):\n    while True: os.write(1, b'flood\\n' * 5000)", timeout_seconds=2
    )
    machine.host.events.clear()
    running = asyncio.ensure_future(machine.invoke(flood))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    assert await well(machine)
    assert time.monotonic() - began < 1.5
    outcome = await running
    assert error(outcome)[0] == "Sandbox.Timedout"
    assert len(outcome.log) <= 1 << 20
    assert sum(map(len, machine.host.events)) < 32 << 20  # the writer is made to wait


async def test_a_runtime_that_answers_for_others_and_floods_the_api(machine: Machine) -> None:
    source = """
import http.client, socket
def handler(e, c):
    api = http.client.HTTPConnection("127.0.0.1:9001")
    answers = []
    for method, path in (("POST", "/2018-06-01/runtime/invocation/other/response"), ("GET", "/../../etc/passwd"),
                         ("POST", "/2018-06-01/runtime/init/error"), ("PUT", "/2022-07-01/telemetry")):
        api.request(method, path, b"{}")
        answer = api.getresponse(); answer.read(); answers.append(answer.status)
    raw = socket.create_connection(("127.0.0.1", 9001))
    try:
        raw.sendall(b"GET / HTTP/1.1\\r\\nX: " + b"a" * (8 << 20))
        answers.append(len(raw.recv(1)))
    except OSError:
        answers.append(0)
    return answers
"""
    assert await machine.run(source) == [400, 404, 403, 403, 0]


async def test_archives_that_climb_or_swell(tmp_path: Path) -> None:
    def archive(name: str, data: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr(name, data)
        return buffer.getvalue()

    with pytest.raises(PackageError, match="outside its own directory"):
        unpack(archive("../../escaped", b"x"), tmp_path / "code")
    with pytest.raises(PackageError, match="Unzipped size must be smaller than 262144000 bytes"):
        unpack(archive("bomb", bytes(263 << 20)), tmp_path / "code")
    assert not (tmp_path / "escaped").exists()
    assert not list((tmp_path / "code").glob("*"))
