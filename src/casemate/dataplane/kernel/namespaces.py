"""The network namespaces the helper holds: as descriptors only, so that they end with it."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from casemate.dataplane.kernel import rtnetlink, syscalls
from casemate.dataplane.kernel.netlink import NETLINK_ROUTE, Message, NetlinkSocket
from casemate.dataplane.kernel.nftables import Nftables
from casemate.dataplane.plan.objects import LOOPBACK

_FIRST_DEVICE = 10
_SPARES = 3
"""Namespaces made before they are asked for. One takes 1 to 3 ms with its settings, most of it waiting for locks of the
kernel while others are being taken down; a third of a megabyte each."""
_OPEN_SOCKETS = 64
"""Rtnetlink sockets that are kept: a change comes back to the same router, and to a new namespace several times."""

Sysctls = tuple[tuple[str, str], ...]


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
    netlink: NetlinkSocket | None = None

    def number(self, device: str) -> int:
        """A new interface index for `device`. Indexes are never used twice."""
        self.devices[device] = self.next_device
        self.next_device += 1
        return self.devices[device]

    def close(self) -> None:
        """Let go of it. The kernel ends it when no process and no socket is left in it."""
        if self.nftables is not None:
            self.nftables.close()
        if self.netlink is not None:
            self.netlink.close()
        os.close(self.fd)


class Namespaces:
    """Every namespace by its name in the plan."""

    def __init__(self) -> None:
        self._home = syscalls.open_own_network()
        self._held: dict[str, Held] = {}
        self._spare: dict[Sysctls, list[Held]] = {}
        self._last_asked: Sysctls | None = None
        self._open: OrderedDict[str, Held] = OrderedDict()
        """Those with an rtnetlink socket; the one used last at the end."""

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def __getitem__(self, name: str) -> Held:
        return self._held[name]

    def create(self, name: str, sysctls: Sequence[tuple[str, str]]) -> Held:
        """A new namespace with its loopback up."""
        if name in self._held:
            raise FileExistsError(f"namespace {name} exists")
        asked = tuple(sysctls)
        self._last_asked = asked
        spare = self._spare.get(asked)
        held = self._held[name] = spare.pop() if spare else self._make(asked)
        self._keep_open(name, held)
        return held

    def stock(self) -> bool:
        """Make a spare namespace like the one asked for last; False when there are enough, or no more can be made."""
        asked = self._last_asked
        if asked is None or len(self._spare.get(asked, ())) >= _SPARES:
            return False
        try:
            self._spare.setdefault(asked, []).append(self._make(asked))
        except OSError:  # of the machine's limits: whoever needs one is told
            self._last_asked = None
            return False
        return True

    def _make(self, sysctls: Sysctls) -> Held:
        syscalls.unshare(syscalls.CLONE_NEWNET)
        try:
            held = Held(fd=syscalls.open_own_network())
            try:
                _write_sysctls(sysctls)
                held.netlink = NetlinkSocket(NETLINK_ROUTE)
                held.netlink.run([rtnetlink.link_up(1)])
            except BaseException:
                held.close()
                raise
        finally:
            syscalls.enter_network(self._home)
        return held

    def delete(self, name: str) -> None:
        """Let go of a namespace. The kernel ends it when no process and no socket is left in it."""
        held = self._held.pop(name, None)
        self._open.pop(name, None)
        if held is not None:
            held.close()

    def write_sysctls(self, name: str, sysctls: Sequence[tuple[str, str]]) -> None:
        with self.inside(name):
            _write_sysctls(sysctls)

    def run(self, name: str, messages: Sequence[Message]) -> None:
        """Rtnetlink messages in one namespace."""
        held = self._held[name]
        if held.netlink is None:
            with self.inside(name):
                held.netlink = NetlinkSocket(NETLINK_ROUTE)
        self._keep_open(name, held)
        held.netlink.run(messages)

    def _keep_open(self, name: str, held: Held) -> None:
        self._open[name] = held
        self._open.move_to_end(name)
        if len(self._open) > _OPEN_SOCKETS:
            _, longest_unused = self._open.popitem(last=False)
            if longest_unused.netlink is not None:
                longest_unused.netlink.close()
                longest_unused.netlink = None

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
