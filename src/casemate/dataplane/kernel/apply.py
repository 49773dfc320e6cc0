"""Performs the operations of `dataplane.diff`. Groups fail apart: what goes wrong in one VPC stays there."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterable, Sequence

from casemate.dataplane import operations as ops
from casemate.dataplane.diff import GroupChange
from casemate.dataplane.kernel import rtnetlink
from casemate.dataplane.kernel.conntrack import cut_flows
from casemate.dataplane.kernel.delay_line import DelayLine, hook, packet_socket, sending_socket, unhook
from casemate.dataplane.kernel.dual_stack import dual_stack_settings
from casemate.dataplane.kernel.namespaces import Namespaces
from casemate.dataplane.kernel.netlink import NETLINK_NETFILTER, Message, NetlinkSocket
from casemate.dataplane.kernel.rtnetlink import table_number
from casemate.dataplane.plan.objects import (
    Address,
    Delay,
    DualStack,
    Link,
    Listener,
    Neighbour,
    Route,
    RoutingRule,
)

_BACKLOG = 4096
_IP_TRANSPARENT = 19
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Kernel:
    """The kernel's objects, as the operations name them."""

    def __init__(
        self,
        namespaces: Namespaces,
        *,
        on_listener: Callable[[Listener, socket.socket], None],
        on_listener_gone: Callable[[str], None],
        on_namespaces_gone: Callable[[Sequence[str]], None],
    ) -> None:
        self._namespaces = namespaces
        self._on_listener = on_listener
        self._on_listener_gone = on_listener_gone
        self._on_namespaces_gone = on_namespaces_gone
        self._line = DelayLine()

    def apply(self, changes: Sequence[GroupChange]) -> dict[str, str]:
        """Group -> what went wrong, for each that could not be applied as a whole."""
        failed: dict[str, str] = {}
        for part in ("structure", "contents"):
            for change in changes:
                if change.group not in failed:
                    error = self._perform_all(change.structure if part == "structure" else change.contents)
                    if error:
                        failed[change.group] = error
        return failed

    def _perform_all(self, operations: Iterable[ops.Operation]) -> str:
        for operation in operations:
            try:
                self._perform(operation)
            except Exception as error:
                return f"{type(operation).__name__}: {type(error).__name__}: {error}"
        return ""

    def _perform(self, operation: ops.Operation) -> None:  # noqa: C901 - one arm per operation
        match operation:
            case ops.CreateNamespaces(namespaces=namespaces):
                for item in namespaces:
                    self._namespaces.create(item.name, item.sysctls)
            case ops.CreateLinks(links=links):
                self.create_links(links)
            case ops.Install(namespace=namespace, objects=objects):
                self.install(namespace, objects)
            case ops.Withdraw(namespace=namespace, objects=objects):
                self._namespaces.run(namespace, self._messages(namespace, objects, delete=True))
                self._switch_ipv6(namespace, objects, on=False)
                for item in objects:
                    if isinstance(item, Delay):
                        self._undelay(item)
            case ops.Rules(namespace=namespace, text=text):
                self._namespaces.nftables(namespace).run(text)
            case ops.Tracking(namespace=namespace, sysctls=sysctls):
                self._namespaces.write_sysctls(namespace, sysctls)
            case ops.CutFlows(namespace=namespace, sources=sources, destinations=destinations):
                with self._namespaces.inside(namespace):
                    netlink = NetlinkSocket(NETLINK_NETFILTER)
                with netlink:
                    cut_flows(netlink, sources, destinations)
            case ops.OpenListeners(listeners=listeners):
                for listener in listeners:
                    with self.listen(listener) as opened:
                        self._on_listener(listener, opened)
            case ops.CloseListeners(names=names):
                for name in names:
                    self._on_listener_gone(name)
            case ops.DeleteLinks(links=links):
                self.delete_links(links)
            case ops.DeleteNamespaces(names=names):
                self._on_namespaces_gone(names)
                self._line.forget(frozenset(names))
                for name in names:
                    self._namespaces.delete(name)

    def create_links(self, links: Sequence[Link]) -> None:
        """Every pair of devices, up at both ends and settled."""
        making: dict[str, list[Message]] = {}
        raising: dict[str, list[Message]] = {}
        """Both ends are up once the far one is: what settles it may follow at once."""
        settling: dict[str, list[Message]] = {}
        for link in links:
            near, far = self._namespaces[link.near.namespace], self._namespaces[link.far.namespace]
            index, peer_index = near.number(link.near.device), far.number(link.far.device)
            peer = (link.far.device, peer_index, link.far.mac, far.fd)
            veth = rtnetlink.new_veth(link.near.device, index, link.near.mac, peer)
            making.setdefault(link.near.namespace, []).append(veth)
            raising.setdefault(link.far.namespace, []).extend(
                (rtnetlink.link_up(peer_index), rtnetlink.settle(peer_index))
            )
            settling.setdefault(link.near.namespace, []).append(rtnetlink.settle(index))
        for step in (making, raising, settling):
            for namespace, messages in step.items():
                self._namespaces.run(namespace, messages)

    def delete_links(self, links: Sequence[Link]) -> None:
        """Either end takes the other with it; what is gone already is as good as deleted."""
        for link in links:
            self._line.remove((link.near.namespace, link.near.device))
            for end in (link.near, link.far):
                if end.namespace in self._namespaces:
                    index = self._namespaces[end.namespace].devices.pop(end.device, None)
                    if index is not None:
                        self._namespaces.run(end.namespace, [rtnetlink.delete_link(index)])

    def install(self, namespace: str, objects: Sequence[ops.LinkObject]) -> None:
        self._switch_ipv6(namespace, objects, on=True)
        self._namespaces.run(namespace, self._messages(namespace, objects, delete=False))
        for item in objects:
            if isinstance(item, Delay):
                self._delay(item)

    def _delay(self, item: Delay) -> None:
        """By the kernel's scheduler; without it by the helper itself."""
        index = self._namespaces[item.namespace].devices[item.device]
        try:
            self._namespaces.run(item.namespace, [rtnetlink.delay(item, index)])
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
        else:
            return
        known = self._line.remove((item.namespace, item.device))
        with self._namespaces.inside(item.inside):
            taken = packet_socket(item.end)
        with self._namespaces.inside(item.namespace):
            put_back = sending_socket(item.device)
        self._line.add(item, taken, put_back)
        if not known:
            self._namespaces.nftables(item.inside).run(hook(item.end))

    def _undelay(self, item: Delay) -> None:
        if self._line.remove((item.namespace, item.device)):
            unhook(self._namespaces.nftables(item.inside), item.end)
        elif item.device in self._namespaces[item.namespace].devices:
            index = self._namespaces[item.namespace].devices[item.device]
            self._namespaces.run(item.namespace, [rtnetlink.delay(item, index, delete=True)])

    def _switch_ipv6(self, namespace: str, objects: Sequence[ops.LinkObject], *, on: bool) -> None:
        """Its addresses and routes go with it when it is switched off."""
        for item in objects:
            held = self._namespaces[namespace]
            if isinstance(item, DualStack) and item.device in held.devices:
                self._namespaces.write_sysctls(namespace, dual_stack_settings(item, on=on))
                (held.dual_stack.add if on else held.dual_stack.discard)(item.device)

    def listen(self, listener: Listener) -> socket.socket:
        """A listening socket in the listener's namespace. Every address there counts as local."""
        kind = socket.SOCK_STREAM if listener.protocol == "tcp" else socket.SOCK_DGRAM
        with self._namespaces.inside(listener.namespace):
            opened = socket.socket(_FAMILIES[listener.address.version], kind)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.address.version == 6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        else:
            opened.setsockopt(socket.SOL_IP, _IP_TRANSPARENT, 1)
        opened.bind((str(listener.address), listener.port))
        if listener.protocol == "tcp":
            opened.listen(_BACKLOG)
        opened.setblocking(False)
        return opened

    def _messages(self, namespace: str, objects: Iterable[ops.LinkObject], *, delete: bool) -> list[Message]:
        held = self._namespaces[namespace]
        messages: list[Message] = []
        for item in objects:
            match item:
                case Route():
                    number = table_number(item.table, held.tables)
                    if item.device is None or item.device in held.devices or not delete:
                        index = held.devices[item.device] if item.device else None
                        messages.append(rtnetlink.route(item, number, index, delete=delete))
                case RoutingRule():
                    messages.append(
                        rtnetlink.rule(item, table_number(item.table, held.tables), delete=delete)
                    )
                case Address() if item.device in held.devices or not delete:
                    messages.append(rtnetlink.address(item, held.devices[item.device], delete=delete))
                case Neighbour() if item.device in held.devices or not delete:
                    messages.append(rtnetlink.neighbour(item, held.devices[item.device], delete=delete))
                case _:
                    pass  # no message of its own; or the device went, and took it along
        return messages
