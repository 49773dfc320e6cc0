"""What the front door and the helper say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casemate.dataplane.diff import GroupChange
from casemate.dataplane.kernel.counters import Counter
from casemate.dataplane.kernel.flows import CountedFlow
from casemate.dataplane.kernel.mode import Mode
from casemate.dataplane.plan.objects import Listener

# From the front door.


@dataclass(frozen=True, slots=True)
class Apply:
    changes: tuple[GroupChange, ...]


@dataclass(frozen=True, slots=True)
class Attach:
    interface_id: str | None


@dataclass(frozen=True, slots=True)
class Detach:
    token: str


@dataclass(frozen=True, slots=True)
class Spawn:
    """Its descriptors travel with it."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OpenNamespace:
    name: str


@dataclass(frozen=True, slots=True)
class ReadCounters:
    namespace: str


@dataclass(frozen=True, slots=True)
class ReadFlows:
    namespace: str


Request = Apply | Attach | Detach | Spawn | OpenNamespace | ReadCounters | ReadFlows


@dataclass(frozen=True, slots=True)
class Call:
    number: int
    request: Request


# From the helper.


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class Answer:
    """`value` by request: Apply: failed groups; Attach: the token; Spawn: the pid; ReadCounters: the counters;
    ReadFlows: the flows.
    """

    number: int
    value: dict[str, str] | dict[str, Counter] | list[CountedFlow] | str | int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ListenerOpened:
    """Its socket travels with it."""

    listener: Listener


@dataclass(frozen=True, slots=True)
class ListenerClosed:
    name: str


@dataclass(frozen=True, slots=True)
class EnvironmentsLost:
    tokens: tuple[str, ...]
