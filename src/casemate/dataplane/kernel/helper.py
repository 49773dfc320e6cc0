"""The process that owns every namespace: `python -m casemate.dataplane.kernel.helper FD`.

It performs what it is told over the control socket FD, and exits at its end. Nothing it makes has a name in the file
system: namespaces are descriptors, so they end when it does, however it does. It never touches the network
namespace it was started in: before anything else it leaves it for one of its own.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Any

from casemate.dataplane.kernel import channel, messages, rtnetlink, syscalls
from casemate.dataplane.kernel.apply import Kernel
from casemate.dataplane.kernel.counters import read_counters
from casemate.dataplane.kernel.detect import detect
from casemate.dataplane.kernel.environments import Environments
from casemate.dataplane.kernel.flows import read_flows
from casemate.dataplane.kernel.mode import Mode
from casemate.dataplane.kernel.namespaces import Namespaces
from casemate.dataplane.kernel.netlink import NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket
from casemate.dataplane.kernel.spawn import Children
from casemate.dataplane.plan.objects import Listener

_IDLE_SECONDS = 0.002
"""A call that follows another one this soon does not wait for a namespace to be made."""

_log = logging.getLogger("casemate.dataplane.helper")


class Helper:
    """Answers the front door, one call after the other."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._namespaces = Namespaces()
        self._kernel = Kernel(
            self._namespaces,
            on_listener=self._listener_opened,
            on_listener_gone=self._listener_closed,
            on_namespaces_gone=self._namespaces_gone,
        )
        self._environments = Environments(self._namespaces, self._kernel)
        self._children = Children()
        signal.signal(signal.SIGCHLD, self._child_ended)

    def serve(self) -> None:
        """Until the front door is gone."""
        try:
            while (received := self._next()) is not None:
                call, fds = received
                self._answer(call, fds)
        finally:
            self._children.kill()

    def _next(self) -> tuple[Any, list[int]] | None:
        """The next call; until it comes there is time to make what it may need."""
        while not self._is_called(_IDLE_SECONDS) and self._namespaces.stock():
            pass
        return channel.receive(self._control)

    def _is_called(self, seconds: float) -> bool:
        readable, _, _ = select.select([self._control], [], [], seconds)
        return bool(readable)

    def _answer(self, call: messages.Call, fds: list[int]) -> None:
        passed: list[int] = []
        try:
            value = self._perform(call.request, fds, passed)
            answer = messages.Answer(call.number, value=value)
        except Exception as error:
            _log.debug("%s", traceback.format_exc())
            answer = messages.Answer(call.number, error=f"{type(error).__name__}: {error}")
        finally:
            for fd in fds:
                os.close(fd)
        self._send(answer, passed)
        for fd in passed:
            os.close(fd)

    def _perform(self, request: messages.Request, fds: Sequence[int], passed: list[int]) -> Any:
        """The value of the answer; descriptors that go with it are appended to `passed`."""
        match request:
            case messages.Apply(changes):
                return self._kernel.apply(changes)
            case messages.Attach(interface_id):
                token, namespace, api = self._environments.attach(interface_id)
                passed += [namespace, api.detach()]
                return token
            case messages.Detach(token):
                return self._environments.detach(token)
            case messages.Spawn(argv, env):
                return self._children.start(argv, env=env, fds=fds)
            case messages.OpenNamespace(name):
                passed.append(os.dup(self._namespaces[name].fd))
                return None
            case messages.ReadCounters(namespace) if namespace not in self._namespaces:
                return {}  # nothing of the VPC could send a packet yet
            case messages.ReadFlows(namespace) if namespace not in self._namespaces:
                return []
            case messages.ReadCounters(namespace):
                with self._namespaces.inside(namespace):
                    netlink = NetlinkSocket(NETLINK_NETFILTER)
                with netlink:
                    return read_counters(netlink)
            case messages.ReadFlows(namespace):
                with self._namespaces.inside(namespace):
                    netlink = NetlinkSocket(NETLINK_NETFILTER)
                with netlink:
                    return read_flows(netlink)

    def _child_ended(self, _number: int, _frame: FrameType | None) -> None:
        self._children.reap()

    def _send(self, message: Any, fds: Sequence[int] = ()) -> None:
        channel.send(self._control, channel.encode(message, fds))

    def _listener_opened(self, listener: Listener, opened: socket.socket) -> None:
        self._send(messages.ListenerOpened(listener), [opened.fileno()])

    def _listener_closed(self, name: str) -> None:
        self._send(messages.ListenerClosed(name))

    def _namespaces_gone(self, names: Sequence[str]) -> None:
        if lost := self._environments.lose(names):
            self._send(messages.EnvironmentsLost(tuple(lost)))


def _enter(mode: Mode) -> None:
    """Leave the host's namespaces for this process's own."""
    if mode.name == "kernel-userns":
        syscalls.become_root_of_new_user_namespace()
    syscalls.unshare(syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS)
    # With the loopback comes ::1. The fork-server is made here, and what it imports for functions looks once whether
    # there is IPv6 (urllib3.util.connection.HAS_IPV6).
    with NetlinkSocket(NETLINK_ROUTE) as netlink:
        netlink.run([rtnetlink.link_up(1)])
    syscalls.make_mounts_private()


def main() -> None:
    """Detect, say what was found, serve."""
    parent = os.getppid()
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the front door, which then closes the socket
    mode = detect()
    if mode.enforces:
        _enter(mode)
        syscalls.die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            return
    try:
        channel.send(control, channel.encode(messages.Hello(mode)))
        if mode.enforces:
            Helper(control).serve()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the front door is gone


if __name__ == "__main__":
    main()
