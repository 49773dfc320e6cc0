"""diff(observed, desired) -> what to do, in order. Pure.

INVARIANT: between two operations no packet gets through that neither the plan before nor the plan after lets through.
Rules change in one transaction per namespace. Where rules and routes of a namespace change together, or routes with
nested destinations, each route that changes is a blackhole while that happens: the union of the old and the new
prefixes is then in the table, so a packet either meets an unchanged route, the new one, or silence. A single route is
replaced in place, never deleted and added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from casemate.dataplane import operations as ops
from casemate.dataplane.plan.network import NetworkPlan
from casemate.dataplane.plan.objects import (
    Address,
    Delay,
    DualStack,
    Group,
    KernelObject,
    Key,
    Link,
    Listener,
    Namespace,
    Neighbour,
    Route,
    RouteKind,
    RoutingRule,
)
from casemate.dataplane.plan.ruleset import Ruleset, amendment, creation, deletion, guard_chain, transactions

Kind = TypeVar("Kind", bound=KernelObject)


class GroupChange(Struct, frozen=True, kw_only=True):
    """What to do for one group. Structure of every group is made before the contents of any: peerings join VPCs."""

    group: str
    structure: tuple[ops.Operation, ...] = ()
    contents: tuple[ops.Operation, ...] = ()


class _Delta(Struct, frozen=True, kw_only=True):
    """The objects of a group by what becomes of them."""

    old: Mapping[Key, KernelObject]
    added: tuple[KernelObject, ...]
    changed: tuple[KernelObject, ...]
    """In their new state."""
    removed: tuple[KernelObject, ...]
    displaced: tuple[Link, ...]
    """Of the removed: those that must go before what is added comes."""

    def of(self, kind: type[Kind], *parts: Iterable[KernelObject]) -> tuple[Kind, ...]:
        return tuple(item for part in parts for item in part if isinstance(item, kind))


NOTHING = Group.of("")


def diff(observed: NetworkPlan, desired: NetworkPlan) -> tuple[GroupChange, ...]:
    """The changes that turn `observed` into `desired`; groups that are the same are absent.

    What goes is last: a route into a peering connection is a blackhole before the connection is gone.
    """
    differing = [
        (observed.groups.get(name, NOTHING), group)
        for name, group in desired.groups.items()
        if observed.groups.get(name) is not group
    ]
    anew = joined({after.name for before, after in differing if _is_made_anew(before, after)}, desired)
    changes = [
        rebuild(observed.groups.get(name, NOTHING), desired.groups[name])
        for name in desired.groups
        if name in anew
    ]
    for before, after in differing:
        if after.name not in anew:
            change = group_diff(before, after)
            if change.structure or change.contents:
                changes.append(change)
    gone = [name for name in observed.groups if name not in desired.groups]
    changes += [GroupChange(group=name, contents=removal(observed.groups[name])) for name in reversed(gone)]
    return tuple(changes)


def joined(names: set[str], plan: NetworkPlan) -> set[str]:
    """`names`, and every VPC and peering connection that hangs together with them: they are made anew together."""
    found = set(names)
    while True:
        more = {
            item
            for peering, ends in plan.peerings.items()
            for item in (peering, *ends)
            if found & {peering, *ends}
        }
        if more <= found:
            return found
        found |= more


def rebuild(before: Group, after: Group) -> GroupChange:
    """All of it anew."""
    fresh = group_diff(NOTHING, after)
    return replace(fresh, structure=removal(before) + fresh.structure)


def _is_made_anew(before: Group, after: Group) -> bool:
    """Whether a namespace or a link is no longer the same: what is in it cannot be carried over."""
    old, new = _differing(before, after)
    return any(
        key in old and old[key] != item for key, item in new.items() if isinstance(item, Namespace | Link)
    )


def _differing(before: Group, after: Group) -> tuple[dict[Key, KernelObject], dict[Key, KernelObject]]:
    """What each has in parts that the other does not have. No key of one is in a part of both: keys are unique."""
    shared = {id(each) for each in before.parts} & {id(each) for each in after.parts}
    old, new = (
        {key: item for each in group.parts if id(each) not in shared for key, item in each.items()}
        for group in (before, after)
    )
    return old, new


def removal(group: Group) -> tuple[ops.Operation, ...]:
    """Take a group away. Links into other groups go by name; the rest goes with its namespaces."""
    own = {item.name for item in group.objects.values() if isinstance(item, Namespace)}
    links = tuple(
        item
        for item in group.objects.values()
        if isinstance(item, Link) and not (item.near.namespace in own and item.far.namespace in own)
    )
    listeners = tuple(item.name for item in group.objects.values() if isinstance(item, Listener))
    steps: list[ops.Operation] = []
    if listeners:
        steps.append(ops.CloseListeners(names=listeners))
    if links:
        steps.append(ops.DeleteLinks(links=links))
    if own:
        steps.append(ops.DeleteNamespaces(names=tuple(own)))
    return tuple(steps)


def group_diff(before: Group, after: Group) -> GroupChange:
    """From one state of a group to another whose namespaces and links, where both have them, are the same."""
    old, new = _differing(before, after)
    added = tuple(item for key, item in new.items() if key not in old)
    removed = tuple(item for key, item in old.items() if key not in new)
    displaced = _displaced(added, removed)
    anew = {(end.namespace, end.device) for link in displaced for end in (link.near, link.far)}
    changed = tuple(
        item
        for key, item in new.items()
        if key in old and ((old[key] is not item and old[key] != item) or _went_with(item, anew))
    )
    delta = _Delta(old=old, added=added, changed=changed, removed=removed, displaced=displaced)
    return GroupChange(group=after.name, structure=_structure(delta), contents=_contents(delta))


def _structure(delta: _Delta) -> tuple[ops.Operation, ...]:
    """Namespaces, links and their addresses: nothing leads to them yet, and no rule lets them speak."""
    steps: list[ops.Operation] = []
    closing = tuple(item.name for item in delta.of(Listener, delta.removed, delta.changed))
    if closing:
        steps.append(ops.CloseListeners(names=closing))
    if delta.displaced:
        ends = {(link.near.namespace, link.near.device) for link in delta.displaced}
        routes = (item for item in delta.old.values() if isinstance(item, Route))
        steps += _installs(_hole(route) for route in routes if (route.namespace, route.device) in ends)
        steps.append(ops.DeleteLinks(links=delta.displaced))
    if namespaces := delta.of(Namespace, delta.added):
        steps.append(ops.CreateNamespaces(namespaces=namespaces))
    if links := delta.of(Link, delta.added):
        steps.append(ops.CreateLinks(links=links))
    addressing = (
        *delta.of(DualStack, delta.added, delta.changed),
        *delta.of(Address, delta.added, delta.changed),
        *delta.of(Neighbour, delta.added, delta.changed),
        *delta.of(Delay, delta.added, delta.changed),
    )
    return (*steps, *_installs(addressing))


def _contents(delta: _Delta) -> tuple[ops.Operation, ...]:
    rules = _rules(delta)
    ruled = {step.namespace for step in rules}
    routes = delta.of(Route, delta.added, delta.changed)
    leaving = delta.of(Route, delta.removed)
    fresh = {item.name for item in delta.of(Namespace, delta.added)}
    cuts = _cuts(delta, (*routes, *leaving), fresh)
    # Flows are cut while their routes are holes: a packet of theirs that took the new route would be answered by a reset.
    guarded = (_guarded(routes + leaving, ruled) | {cut.namespace for cut in cuts}) - fresh
    # There are holes since the structure was changed.
    guarded |= {link.near.namespace for link in delta.displaced}
    holes = tuple(_hole(route) for route in routes + leaving if route.namespace in guarded)
    unrouted = tuple(_hole(route) if route.namespace in guarded else route for route in leaving)
    steps: list[ops.Operation] = [*_installs(holes), *cuts, *rules]
    steps += [
        ops.Tracking(namespace=item.name, sysctls=item.conntrack)
        for item in delta.of(Namespace, delta.added)
        if item.conntrack
    ]
    gone_links = _gone_ends(delta)
    steps += _withdrawals(delta.of(RoutingRule, delta.removed), gone_links)
    steps += _installs((*routes, *delta.of(RoutingRule, delta.added)))
    steps += _withdrawals(
        (
            *unrouted,
            *delta.of(Address, delta.removed),
            *delta.of(Neighbour, delta.removed),
            *delta.of(Delay, delta.removed),
            *delta.of(DualStack, delta.removed),
        ),
        gone_links,
    )
    # Nothing leads past these rules any more.
    steps += [
        ops.Rules(namespace=ruleset.namespace, text=deletion(ruleset))
        for ruleset in delta.of(Ruleset, delta.removed)
        if (ruleset.namespace, "") not in gone_links
    ]
    if links := tuple(link for link in delta.of(Link, delta.removed) if link not in delta.displaced):
        steps.append(ops.DeleteLinks(links=links))
    if namespaces := delta.of(Namespace, delta.removed):
        steps.append(ops.DeleteNamespaces(names=tuple(item.name for item in namespaces)))
    if listeners := delta.of(Listener, delta.added, delta.changed):
        steps.append(ops.OpenListeners(listeners=listeners))
    return tuple(steps)


def _displaced(added: Iterable[KernelObject], removed: Iterable[KernelObject]) -> tuple[Link, ...]:
    """Links that go before others come, because these take their place: the second device of a machine, say."""
    taken = {
        (end.namespace, end.device)
        for link in added
        if isinstance(link, Link)
        for end in (link.near, link.far)
    }
    return tuple(
        link
        for link in removed
        if isinstance(link, Link)
        and any((end.namespace, end.device) in taken for end in (link.near, link.far))
    )


def _went_with(item: KernelObject, devices: set[tuple[str, str]]) -> bool:
    """Whether it was on one of these devices, so that it is no longer there though nothing of it changed."""
    return (
        isinstance(item, DualStack | Address | Delay | Neighbour | Route)
        and (item.namespace, item.device) in devices
    )


def _rules(delta: _Delta) -> list[ops.Rules]:
    steps = [
        # Nothing leads to a new namespace yet: it needs no guard.
        ops.Rules(namespace=ruleset.namespace, text=text)
        for ruleset in delta.of(Ruleset, delta.added)
        for text in transactions(creation(ruleset), guard=None)
    ]
    for ruleset in delta.of(Ruleset, delta.changed):
        old = delta.old[ruleset.key]
        assert isinstance(old, Ruleset)
        texts = transactions(amendment(old, ruleset), guard=guard_chain(old, ruleset), table=ruleset.table)
        steps += [ops.Rules(namespace=ruleset.namespace, text=text) for text in texts]
    return steps


def _guarded(routes: tuple[Route, ...], ruled: set[str]) -> set[str]:
    """Namespaces in which changing routes one by one, or beside rules, could open something in between."""
    guarded = {route.namespace for route in routes if route.namespace in ruled}
    by_table: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        by_table.setdefault((route.namespace, route.table), []).append(route)
    for (namespace, _), changing in by_table.items():
        if _is_nested(changing):
            guarded.add(namespace)
    return guarded


def _is_nested(routes: list[Route]) -> bool:
    """Whether one destination lies in another."""
    four = sorted(route.destination for route in routes if isinstance(route.destination, IPv4Network))
    six = sorted(route.destination for route in routes if isinstance(route.destination, IPv6Network))
    return any(inner.subnet_of(outer) for outer, inner in pairwise(four)) or any(
        inner.subnet_of(outer) for outer, inner in pairwise(six)
    )


def _hole(route: Route) -> Route:
    """Silence in the place of `route`."""
    return replace(route, kind=RouteKind.BLACKHOLE, device=None, via=None, endpoint=None, sources=None)


def _gone_ends(delta: _Delta) -> set[tuple[str, str]]:
    """(namespace, device) of links that go, and (namespace, "") of namespaces that go: what is theirs goes with them."""
    ends = {
        (end.namespace, end.device) for link in delta.of(Link, delta.removed) for end in (link.near, link.far)
    }
    return ends | {(item.name, "") for item in delta.of(Namespace, delta.removed)}


def _withdrawals(items: Iterable[ops.LinkObject], gone: set[tuple[str, str]]) -> list[ops.Operation]:
    by_namespace: dict[str, list[ops.LinkObject]] = {}
    for item in items:
        with_link = not isinstance(item, Route | RoutingRule) and (item.namespace, item.device) in gone
        if not with_link and (item.namespace, "") not in gone:
            by_namespace.setdefault(item.namespace, []).append(item)
    return [ops.Withdraw(namespace=name, objects=tuple(found)) for name, found in by_namespace.items()]


def _installs(items: Iterable[ops.LinkObject]) -> list[ops.Operation]:
    by_namespace: dict[str, list[ops.LinkObject]] = {}
    for item in items:
        by_namespace.setdefault(item.namespace, []).append(item)
    return [ops.Install(namespace=name, objects=tuple(found)) for name, found in by_namespace.items()]


def _cuts(delta: _Delta, routes: Iterable[Route], fresh: set[str]) -> list[ops.CutFlows]:
    """Connections over a gateway endpoint end when its route comes or goes.

    Source: "Gateway endpoints", considerations: open TCP connections are dropped and not resumed.
    """
    gone = {item.key for item in delta.removed}
    ranges: dict[tuple[str, IPv4Network], list[IPv4Network]] = {}
    for route in routes:
        old = delta.old.get(route.key)
        before = old if isinstance(old, Route) else None
        after = None if route.key in gone else route
        sources = (before and before.sources) or (after and after.sources)
        endpoints = (before.endpoint if before else None, after.endpoint if after else None)
        if sources is None or not isinstance(route.destination, IPv4Network):
            continue  # endpoints are for IPv4
        if endpoints[0] != endpoints[1] and route.namespace not in fresh:
            ranges.setdefault((route.namespace, sources), []).append(route.destination)
    return [
        ops.CutFlows(namespace=namespace, sources=(sources,), destinations=tuple(destinations))
        for (namespace, sources), destinations in ranges.items()
    ]
