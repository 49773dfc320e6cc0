"""What the helper can be asked to do to the kernel: plain values, sent in order, performed by `kernel.apply`."""

from __future__ import annotations

from ipaddress import IPv4Network

from msgspec import Struct

from casemate.dataplane.plan.objects import (
    Address,
    Delay,
    DualStack,
    Link,
    Listener,
    Namespace,
    Neighbour,
    Route,
    RoutingRule,
)

LinkObject = DualStack | Address | Delay | Neighbour | Route | RoutingRule


class CreateNamespaces(Struct, frozen=True, kw_only=True):
    namespaces: tuple[Namespace, ...]


class CreateLinks(Struct, frozen=True, kw_only=True):
    links: tuple[Link, ...]
    """Both ends are up and settled when it is done: the first packet is not lost."""


class Install(Struct, frozen=True, kw_only=True):
    """Add or replace, in this order, in one namespace."""

    namespace: str
    objects: tuple[LinkObject, ...]


class Withdraw(Struct, frozen=True, kw_only=True):
    """Remove, in this order, in one namespace."""

    namespace: str
    objects: tuple[LinkObject, ...]


class Rules(Struct, frozen=True, kw_only=True):
    """One nftables transaction."""

    namespace: str
    text: str


class Tracking(Struct, frozen=True, kw_only=True):
    """Settings of connection tracking, once rules have brought it in."""

    namespace: str
    sysctls: tuple[tuple[str, str], ...]


class CutFlows(Struct, frozen=True, kw_only=True):
    """Forget the connections from `sources` to `destinations`: their next packet is invalid and is dropped."""

    namespace: str
    sources: tuple[IPv4Network, ...]
    destinations: tuple[IPv4Network, ...]


class OpenListeners(Struct, frozen=True, kw_only=True):
    listeners: tuple[Listener, ...]


class CloseListeners(Struct, frozen=True, kw_only=True):
    names: tuple[str, ...]


class DeleteLinks(Struct, frozen=True, kw_only=True):
    links: tuple[Link, ...]


class DeleteNamespaces(Struct, frozen=True, kw_only=True):
    names: tuple[str, ...]


Operation = (
    CreateNamespaces
    | CreateLinks
    | Install
    | Withdraw
    | Rules
    | Tracking
    | CutFlows
    | OpenListeners
    | CloseListeners
    | DeleteLinks
    | DeleteNamespaces
)
