"""The network namespaces the helper holds: as descriptors only, so that they end with it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from casemate.dataplane.kernel import rtnetlink, syscalls
from casemate.dataplane.kernel.netlink import NETLINK_ROUTE, Message, NetlinkSocket
from casemate.dataplane.kernel.nftables import Nftables
from casemate.dataplane.plan.objects import LOOPBACK

_FIRST_DEVICE = 10


@dataclass(slots=True)
class Held:
    """One namespace and the numbers in use in it."""

    fd: int
    devices: dict[str, int] = field(default_factory=lambda: {LOOPBACK: 1})
    tables: dict[str, int] = field(default_factory=dict[str, int])
    next_device: int = _FIRST_DEVICE
    dual_stack: set[str] = field(default_factory=set[str])
    """Devices with IPv6."""
    nftables: Nftables | None = None

    def number(self, device: str) -> int:
        """A new interface index for `device`. Indexes are never used twice."""
        self.devices[device] = self.next_device
        self.next_device += 1
        return self.devices[device]


class Namespaces:
    """Every namespace by its name in the plan."""

    def __init__(self) -> None:
        self._home = syscalls.open_own_network()
        self._held: dict[str, Held] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def __getitem__(self, name: str) -> Held:
        return self._held[name]

    def create(self, name: str, sysctls: Sequence[tuple[str, str]]) -> Held:
        """A new namespace with its loopback up."""
        if name in self._held:
            raise FileExistsError(f"namespace {name} exists")
        syscalls.unshare(syscalls.CLONE_NEWNET)
        try:
            held = Held(fd=syscalls.open_own_network())
            _write_sysctls(sysctls)
            with NetlinkSocket(NETLINK_ROUTE) as netlink:
                netlink.run([rtnetlink.link_up(1)])
        finally:
            syscalls.enter_network(self._home)
        self._held[name] = held
        return held

    def delete(self, name: str) -> None:
        """Let go of a namespace. The kernel ends it when no process and no socket is left in it."""
        held = self._held.pop(name, None)
        if held is not None:
            if held.nftables is not None:
                held.nftables.close()
            os.close(held.fd)

    def write_sysctls(self, name: str, sysctls: Sequence[tuple[str, str]]) -> None:
        with self.inside(name):
            _write_sysctls(sysctls)

    def run(self, name: str, messages: Sequence[Message]) -> None:
        """Rtnetlink messages in one namespace."""
        with self.inside(name):
            netlink = NetlinkSocket(NETLINK_ROUTE)
        with netlink:
            netlink.run(messages)

    def nftables(self, name: str) -> Nftables:
        held = self._held[name]
        if held.nftables is None:
            with self.inside(name):
                held.nftables = Nftables()
        return held.nftables

    @contextlib.contextmanager
    def inside(self, name: str) -> Generator[None]:
        """Run in a namespace."""
        with syscalls.inside(self._held[name].fd, self._home):
            yield


def _write_sysctls(sysctls: Sequence[tuple[str, str]]) -> None:
    for path, value in sysctls:
        try:
            fd = os.open(Path("/proc/sys/net", path), os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            if path.startswith("ipv6/"):  # a kernel without IPv6 has nothing to switch off
                continue
            raise
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
