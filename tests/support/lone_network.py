"""A stand-in for the kernel data plane: each environment gets a namespace with nothing but loopback. Needs root."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from casemate.dataplane.kernel.client import AttachedEnvironment, KernelDataplane

_CLONE_NEWNET = 0x40000000
_RESOLVER, _ADDRESS = IPv4Address("169.254.169.253"), IPv4Address("18.156.0.1")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoneAttachment:
    token: str
    netns_fd: int
    runtime_api: socket.socket
    resolver: IPv4Address = _RESOLVER
    address: IPv4Address = _ADDRESS


class LoneNetwork:
    """Implements `execution.ports.EnvironmentNetwork`."""

    uplinks = 0
    """Interfaces of an environment, besides loopback."""

    def __init__(self) -> None:
        self.attached: list[str | None] = []
        """Interface ids asked for, in order."""
        self.detached: list[str] = []
        self.pids: list[int] = []
        """Of the programs started, in order."""
        self._processes: list[subprocess.Popen[bytes]] = []

    async def attach_environment(self, interface_id: str | None) -> LoneAttachment:
        self.attached.append(interface_id)
        made: dict[str, LoneAttachment] = {}

        def make() -> None:  # in a thread of its own: a namespace belongs to a thread
            assert _libc.unshare(_CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                # SIOCSIFFLAGS, IFF_UP
                fcntl.ioctl(probe, 0x8914, struct.pack("16sh14x", b"lo", 1))
            listening = socket.create_server(("127.0.0.1", 9001))
            made["it"] = LoneAttachment(
                token=f"env-{len(self.attached)}",
                netns_fd=os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC),
                runtime_api=listening,
            )

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        return made["it"]

    async def detach_environment(self, token: str) -> None:
        self.detached.append(token)

    async def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> int:
        assert len(fds) == 1
        fd = fds[0]

        process = subprocess.Popen(  # noqa: ASYNC220 - starting takes a millisecond
            ["/bin/bash", "-c", f'exec 3<&{fd}; exec "$@"', "sh", *argv], env=dict(env), pass_fds=[fd]
        )
        self._processes.append(process)
        self.pids.append(process.pid)
        return process.pid

    async def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()


class HelperNetwork:
    """The same from the data plane's helper, which needs no root: every environment is outside any VPC."""

    uplinks = 1

    def __init__(self, plane: KernelDataplane) -> None:
        self.attached: list[str | None] = []
        self.detached: list[str] = []
        self.pids: list[int] = []
        self._plane = plane

    @classmethod
    async def start(cls) -> HelperNetwork:
        return cls(
            await KernelDataplane.start(
                on_listener=lambda listener: listener.sock.close(), on_listener_gone=lambda _: None
            )
        )

    async def attach_environment(self, interface_id: str | None) -> AttachedEnvironment:
        self.attached.append(interface_id)
        return await self._plane.attach_environment(None)

    async def detach_environment(self, token: str) -> None:
        self.detached.append(token)
        await self._plane.detach_environment(token)

    async def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> int:
        self.pids.append(await self._plane.spawn(argv, env=env, fds=fds))
        return self.pids[-1]

    async def close(self) -> None:
        await self._plane.close()


async def start_network() -> LoneNetwork | HelperNetwork:
    """The one that this user may have: namespaces of the tests' own process need root."""
    return await HelperNetwork.start() if os.geteuid() else LoneNetwork()
