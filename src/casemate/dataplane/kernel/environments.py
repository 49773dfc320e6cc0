"""Execution environments behind a hub: a namespace each, joined to the hub of their interface, never to each other.

Scaling a function touches nothing in the VPC's router: the hub translates to the interface's address.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct

from casemate.dataplane.kernel.apply import Kernel
from casemate.dataplane.kernel.namespaces import Namespaces
from casemate.dataplane.operations import LinkObject
from casemate.dataplane.plan import names
from casemate.dataplane.plan.interfaces import DEFAULT, ENDS
from casemate.dataplane.plan.objects import (
    LOOPBACK,
    Address,
    DualStack,
    Link,
    LinkEnd,
    Neighbour,
    Route,
    RouteKind,
)

_POOL = IPv4Network("169.254.76.0/22")
"""Where functions see themselves: 1,020 environments behind one interface."""
_GATEWAY = _POOL[1]
_POOL_6 = IPv6Network("fd00:ca5e::/96")
"""The same over IPv6 (RFC 4193)."""
_EVERYWHERE_6 = IPv6Network("::/0")
_DEVICE = "vinternal_1"
_RUNTIME_API = ("127.0.0.1", 9001)


class _Attached(Struct, frozen=True):
    hub: str
    namespace: str
    address: IPv4Address
    link: Link


class HubMissingError(LookupError):
    """There is no such interface in the kernel."""


class Environments:
    """Environments by token."""

    def __init__(self, namespaces: Namespaces, kernel: Kernel) -> None:
        self._namespaces = namespaces
        self._kernel = kernel
        self._attached: dict[str, _Attached] = {}
        self._addresses: dict[str, set[IPv4Address]] = {}
        self._count = 0

    def attach(self, interface_id: str | None) -> tuple[str, int, socket.socket]:
        """(token, namespace descriptor, runtime API's listening socket): the caller owns the last two."""
        hub = names.interface_namespace(interface_id) if interface_id else names.PUBLIC_HUB_NAMESPACE
        if hub not in self._namespaces:
            raise HubMissingError(f"no interface {interface_id} in the kernel")
        self._count += 1
        token = f"env-{self._count}"
        address = self._take_address(hub)
        try:
            link = self._join(token, hub, address)
            with self._namespaces.inside(token):
                api = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            api.bind(_RUNTIME_API)
            api.listen(16)
            fd = os.dup(self._namespaces[token].fd)
        except BaseException:
            self._namespaces.delete(token)
            self._addresses[hub].discard(address)
            raise
        self._attached[token] = _Attached(hub, token, address, link)
        # The namespace lives as long as the caller, or what runs in it, holds it: not as long as the helper does.
        self._namespaces.delete(token)
        return token, fd, api

    def detach(self, token: str) -> None:
        """Cut an environment off; nothing when that is done already."""
        attached = self._attached.pop(token, None)
        if attached is not None:
            self._kernel.delete_links([attached.link])
            self._addresses[attached.hub].discard(attached.address)

    def lose(self, hubs: Sequence[str]) -> list[str]:
        """The hubs go: the tokens of environments that go with them."""
        lost = [token for token, attached in self._attached.items() if attached.hub in hubs]
        for token in lost:
            del self._attached[token]
        for hub in hubs:
            self._addresses.pop(hub, None)
        return lost

    def _take_address(self, hub: str) -> IPv4Address:
        taken = self._addresses.setdefault(hub, set())
        # The last address given is not given again at once: old connections of it may still be tracked.
        start = self._count % (_POOL.num_addresses - 4)
        for offset in range(_POOL.num_addresses - 4):
            candidate = _POOL[2 + (start + offset) % (_POOL.num_addresses - 4)]
            if candidate not in taken:
                taken.add(candidate)
                return candidate
        raise OSError(f"{hub} has no address left for another environment")

    def _join(self, token: str, hub: str, address: IPv4Address) -> Link:
        mac, device = names.mac(token), names.device("n", token)
        self._namespaces.create(token, ENDS)
        link = Link(
            near=LinkEnd(namespace=hub, device=device, mac=names.ROUTER_MAC),
            far=LinkEnd(namespace=token, device=_DEVICE, mac=mac),
        )
        self._kernel.create_links([link])
        host = IPv4Network(address)
        inside: list[LinkObject] = [
            Address(namespace=token, device=_DEVICE, address=address),
            Neighbour(namespace=token, device=_DEVICE, address=_GATEWAY, mac=names.ROUTER_MAC),
            Route(namespace=token, destination=DEFAULT, kind=RouteKind.UNICAST, device=_DEVICE, via=_GATEWAY),
        ]
        self._kernel.install(token, inside)
        outside: list[LinkObject] = [
            Neighbour(namespace=hub, device=device, address=address, mac=mac),
            Route(namespace=hub, destination=host, kind=RouteKind.UNICAST, device=device, via=address),
        ]
        self._kernel.install(hub, outside)
        if names.INTERFACE in self._namespaces[hub].dual_stack:
            self._join_over_ipv6(link, address)
        return link

    def _join_over_ipv6(self, link: Link, address: IPv4Address) -> None:
        """The hub's interface has IPv6 addresses: so has the environment, a unique local one with its IPv4 address in it."""
        near, far = link.near, link.far
        own = IPv6Address(int(_POOL_6.network_address) | int(address))
        self._kernel.install(
            far.namespace,
            [
                DualStack(namespace=far.namespace, device=LOOPBACK),
                DualStack(namespace=far.namespace, device=far.device),
                Address(namespace=far.namespace, device=far.device, address=own),
                Neighbour(
                    namespace=far.namespace, device=far.device, address=names.ROUTER_SIDE_6, mac=near.mac
                ),
                Route(
                    namespace=far.namespace,
                    destination=_EVERYWHERE_6,
                    kind=RouteKind.UNICAST,
                    device=far.device,
                    via=names.ROUTER_SIDE_6,
                ),
            ],
        )
        self._kernel.install(
            near.namespace,
            [
                DualStack(namespace=near.namespace, device=near.device, forwards=True),
                Neighbour(namespace=near.namespace, device=near.device, address=own, mac=far.mac),
                Route(
                    namespace=near.namespace,
                    destination=IPv6Network(own),
                    kind=RouteKind.UNICAST,
                    device=near.device,
                ),
            ],
        )
