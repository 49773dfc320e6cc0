"""What the helper can be asked to do to the kernel: plain values, sent in order, performed by `kernel.apply`."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

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


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateNamespaces:
    namespaces: tuple[Namespace, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateLinks:
    links: tuple[Link, ...]
    """Both ends are up and settled when it is done: the first packet is not lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Install:
    """Add or replace, in this order, in one namespace."""

    namespace: str
    objects: tuple[LinkObject, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdraw:
    """Remove, in this order, in one namespace."""

    namespace: str
    objects: tuple[LinkObject, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """One nftables transaction."""

    namespace: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracking:
    """Settings of connection tracking, once rules have brought it in."""

    namespace: str
    sysctls: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CutFlows:
    """Forget the connections from `sources` to `destinations`: their next packet is invalid and is dropped."""

    namespace: str
    sources: tuple[IPv4Network, ...]
    destinations: tuple[IPv4Network, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenListeners:
    listeners: tuple[Listener, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseListeners:
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteLinks:
    links: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteNamespaces:
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
