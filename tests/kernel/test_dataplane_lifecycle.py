# ruff: noqa: ASYNC220 - nothing else runs in these event loops
"""The helper's life: it may crash, its front door may be killed; nothing is ever left behind. As root and rootless."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import ALL_OUT, DYNAMODB_ADDRESS, VpcBuilder, network

from casemate.dataplane.kernel.client import KernelDataplane, KernelUnavailableError
from casemate.dataplane.kernel.detect import detect

pytestmark = pytest.mark.kernel

SERVICE = str(DYNAMODB_ADDRESS)
ROOT = Path(__file__).parents[2]
_ROOTLESS = "CASEMATE_TEST_ROOTLESS"


def reference() -> VpcBuilder:
    vpc = VpcBuilder().table("rtb-1").subnet("subnet-1", "10.0.1.0/24", "rtb-1").group("sg-1", *ALL_OUT)
    vpc.interface("eni-a", "subnet-1", "10.0.1.10", "sg-1").function("eni-f", "subnet-1", "10.0.1.11", "sg-1")
    return vpc.gateway_endpoint("vpce-1", "rtb-1")


def held_namespaces() -> set[str]:
    """Network namespaces of which this process, or a child of it, holds a descriptor or is a member.

    Nothing else can keep one of ours: they are mounted nowhere. The machine's others belong to whoever runs beside us.
    """
    found: set[str] = set()
    for process in (Path("/proc/self"), *(Path(f"/proc/{pid}") for pid in children())):
        for link in (process / "ns/net", *_descriptors(process)):
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("net:"):
                found.add(target)
    return found


def children() -> list[int]:
    return [
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    ]


def nsfs_mounts() -> list[str]:
    """Namespaces that are mounted somewhere a process of this user can see."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += [line for line in (process / "mountinfo").read_text().splitlines() if " - nsfs " in line]
        except OSError:
            continue
    return found


def _descriptors(process: Path) -> list[Path]:
    try:
        return list((process / "fd").iterdir())
    except OSError:
        return []


def processes_of(marker: str) -> list[int]:
    """Processes that carry `marker` in their environment."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def eventually(check, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.02)


def host_view() -> str:
    """What the host's network holds: links, routes, rules."""
    parts = [Path(f"/proc/net/{name}").read_text() for name in ("route", "fib_trie")]
    parts += sorted(item.name for item in Path("/sys/class/net").iterdir())
    return "\n".join(parts)


async def test_nothing_touches_the_hosts_network_and_nothing_stays() -> None:
    before, host, mounts = held_namespaces(), host_view(), Path("/proc/self/mounts").read_text()
    async with KernelNetwork.running(network(reference())) as net:
        assert host_view() == host
        assert Path("/proc/self/mounts").read_text() == mounts
        here = await net.dataplane.attach_environment("eni-f")
        pid, helper = (
            await net.dataplane.spawn(["/bin/sleep", "1000"], env={}, fds=[]),
            net.dataplane.helper_pid,
        )
        here.runtime_api.close()
        assert held_namespaces() > before
        assert not nsfs_mounts()
        os.close(here.netns_fd)
    for ended in (pid, helper):
        await eventually(lambda gone=ended: not Path(f"/proc/{gone}").exists())
    await eventually(lambda: held_namespaces() == before)
    assert host_view() == host


async def test_a_killed_helper_is_replaced_and_the_network_is_back() -> None:
    async with KernelNetwork.running(network(reference())) as net:
        here = await net.dataplane.attach_environment("eni-f")
        first, keys = net.dataplane.helper_pid, set(net.listeners)
        spawned = await net.dataplane.spawn(["/bin/sleep", "1000"], env={}, fds=[])
        assert await net.connect("eni-a", SERVICE) == ["10.0.1.10", SERVICE]
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: net.lost == [here.token])
        net.forget_probe()
        await eventually(lambda: set(net.listeners) == keys)
        assert set(net.gone) == keys, "every listener was taken back before it was given anew"
        assert net.dataplane.helper_pid != first
        assert await net.connect("eni-a", SERVICE) == ["10.0.1.10", SERVICE]
        await eventually(lambda: not Path(f"/proc/{spawned}").exists())
        fresh = await net.dataplane.attach_environment("eni-f")
        answer = await net.ask(fresh.netns_fd, {"do": "connect", "address": SERVICE, "port": 443})
        assert answer["outcome"] == "connected"
        for environment in (here, fresh):
            environment.runtime_api.close()
            os.close(environment.netns_fd)


async def test_a_change_during_a_crash_is_not_lost() -> None:
    async with KernelNetwork.running(network(reference())) as net:
        grown = reference().interface("eni-b", "subnet-1", "10.0.1.20", "sg-1")
        applying = asyncio.create_task(net.dataplane.apply(network(grown)))
        os.kill(net.dataplane.helper_pid, signal.SIGKILL)
        await applying
        assert await net.connect("eni-b", SERVICE) == ["10.0.1.20", SERVICE]


async def test_waiting_changes_are_merged() -> None:
    async with KernelNetwork.running(network(reference())) as net:
        await asyncio.gather(
            *(
                net.dataplane.apply(
                    network(reference().interface(f"eni-{number}", "subnet-1", f"10.0.1.{number}", "sg-1"))
                )
                for number in range(20, 40)
            )
        )
        assert await net.connect("eni-39", SERVICE) == ["10.0.1.39", SERVICE]
        with pytest.raises(RuntimeError, match="eni-38"):
            await net.dataplane.interface_namespace("eni-38")


async def test_spawned_programs_get_their_descriptors_and_nothing_else() -> None:
    async with KernelNetwork.running() as net:
        ours, theirs = socket.socketpair()
        with theirs, socket.socket() as other:
            script = "import os,socket; fds=[fd for fd in range(64) if os.path.exists(f'/proc/self/fd/{fd}')]; socket.socket(fileno=3).sendall(repr((fds,dict(os.environ),os.getpgid(0)==os.getpid())).encode())"
            pid = await net.dataplane.spawn(
                [sys.executable, "-I", "-c", script], env={"ONLY": "this", "LC_ALL": "C.UTF-8"}, fds=[theirs.fileno(), other.fileno()]
            )  # fmt: skip
        ours.setblocking(False)
        said = (await asyncio.get_running_loop().sock_recv(ours, 4096)).decode()
        assert said == "([0, 1, 2, 3, 4], {'ONLY': 'this', 'LC_ALL': 'C.UTF-8'}, True)"
        assert pid > 0
        ours.close()
        with pytest.raises(RuntimeError, match="No such file"):
            await net.dataplane.spawn(["/nowhere"], env={}, fds=[])


async def test_nothing_outlives_a_front_door_that_is_killed() -> None:
    marker = f"CASEMATE_TEST_MARK={os.getpid()}-{time.monotonic_ns()}"
    name, _, value = marker.partition("=")
    front_door = subprocess.Popen(
        [sys.executable, "-c", _FRONT_DOOR],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([f"{ROOT}/src", str(ROOT), *sys.path[1:]]),
            name: value,
        },
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert front_door.stdout is not None
    assert front_door.stdout.readline() == b"ready\n"
    assert len(processes_of(marker)) >= 3, "front door, helper, spawned program"
    front_door.kill()
    front_door.wait()
    front_door.stdout.close()
    await eventually(lambda: not processes_of(marker))
    assert not nsfs_mounts()


_FRONT_DOOR = """
import asyncio, os
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import ALL_OUT, VpcBuilder, network

async def main():
    vpc = VpcBuilder().table("rtb-1").subnet("subnet-1", "10.0.1.0/24", "rtb-1").group("sg-1", *ALL_OUT)
    vpc.function("eni-f", "subnet-1", "10.0.1.11", "sg-1")
    async with KernelNetwork.running(network(vpc)) as net:
        await net.dataplane.attach_environment("eni-f")
        await net.dataplane.spawn(["/bin/sleep", "1000"], env=dict(os.environ), fds=[])
        print("ready", flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""


def test_detection_says_what_this_machine_allows() -> None:
    assert detect().name == ("kernel-root" if os.geteuid() == 0 else "kernel-userns")


def test_detection_names_the_step_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casemate.dataplane.kernel.nftables.LIBRARY", "libnowhere.so.1")
    mode = detect()
    assert mode.name == "none"
    assert mode.failed_step.startswith("libnftables: libnowhere.so.1")
    assert mode.remedy == "apt-get install -y libnftables1"


async def test_a_machine_that_refuses_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import casemate.dataplane.kernel.nftables as n; n.LIBRARY = 'libnowhere.so.1'\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), f"{ROOT}/src", *sys.path[1:]]))
    with pytest.raises(KernelUnavailableError, match="apt-get install -y libnftables1") as caught:
        await KernelDataplane.start(on_listener=lambda _: None, on_listener_gone=lambda _: None)
    assert caught.value.mode.name == "none"


async def test_tenant_code_in_a_nested_user_namespace_has_no_say_over_the_network() -> None:
    """As the sandbox does it: enter the namespace, then a new user namespace with every capability inside it."""
    script = """
import ctypes, json, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.setns(4, 0x40000000) == 0
asked, answered = os.pipe(), os.pipe()
parent = os.getpid()
writer = os.fork()
if writer == 0:
    os.read(asked[0], 1)
    open(f"/proc/{parent}/uid_map", "w").write("0 0 1")
    os.write(answered[1], b"x"); os._exit(0)
assert libc.unshare(0x10000000) == 0
os.write(asked[1], b"x"); os.read(answered[0], 1)
def ask(family, kind, body):
    "errno of one netlink request; EPERM comes before anything else is looked at"
    wire = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
    wire.send(struct.pack("IHHII", 16 + len(body), kind, 0x405, 1, 0) + body)
    return -struct.unpack_from("i", wire.recv(4096), 16)[0]
def attribute(kind, data): return struct.pack("HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
new_route = struct.pack("BBBBBBBBI", 2, 32, 0, 0, 254, 3, 253, 1, 0) + attribute(1, bytes([1, 2, 3, 4])) + attribute(4, struct.pack("I", 1))
new_address = struct.pack("BBBBI", 2, 32, 0, 0, 1) + attribute(2, bytes([10, 0, 1, 99]))
link_down = struct.pack("BxHiII", 0, 0, 1, 0, 1)
new_table = struct.pack("BBH", 2, 0, 0) + attribute(1, b"mine" + bytes(1))
results = [ask(0, 24, new_route), ask(0, 20, new_address), ask(0, 16, link_down), ask(12, 10 << 8, new_table)]
try: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3); results.append(0)
except PermissionError: results.append(1)
socket.socket(fileno=3).sendall(json.dumps([os.geteuid(), results]).encode())
"""
    async with KernelNetwork.running(network(reference())) as net:
        here = await net.dataplane.attach_environment("eni-f")
        ours, theirs = socket.socketpair()
        with theirs:
            await net.dataplane.spawn(
                [sys.executable, "-c", script],
                env={"PATH": os.environ["PATH"]},
                fds=[theirs.fileno(), here.netns_fd],
            )
        ours.setblocking(False)
        said = (await asyncio.get_running_loop().sock_recv(ours, 4096)).decode()
        assert said == "[0, [1, 1, 1, 1, 1]]", "root in its namespace, and every attempt refused"
        ours.close()
        here.runtime_api.close()
        os.close(here.netns_fd)


@pytest.mark.skipif(bool(os.environ.get(_ROOTLESS)), reason="this is the rootless run")
def test_all_of_it_works_without_root() -> None:
    """Every kernel test of the data plane once more, as an unprivileged user with an interpreter of the system."""
    site = next(path for path in sys.path if path.endswith("site-packages"))
    interpreter = sys.executable if os.geteuid() else f"/usr/bin/python3.{sys.version_info.minor}"
    argv = [interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, sorted(Path(__file__).parent.glob("test_dataplane_*.py")))]  # fmt: skip
    if os.geteuid() == 0:
        argv = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "--inh-caps=-all", *argv]
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{site}", "PYTHONDONTWRITEBYTECODE": "1",
             "HOME": "/nonexistent", _ROOTLESS: "1"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"\d{2,} passed", done.stdout), done.stdout[-500:]
