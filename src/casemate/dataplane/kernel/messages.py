"""What the front door and the helper say to each other."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from casemate.dataplane.diff import GroupChange
from casemate.dataplane.kernel.counters import Counter
from casemate.dataplane.kernel.flows import CountedFlow
from casemate.dataplane.kernel.mode import Mode
from casemate.dataplane.plan.objects import Listener

# From the front door.


class Apply(Struct, frozen=True):
    changes: tuple[GroupChange, ...]


class Attach(Struct, frozen=True):
    interface_id: str | None


class Detach(Struct, frozen=True):
    token: str


class Spawn(Struct, frozen=True):
    """Its descriptors travel with it."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


class OpenNamespace(Struct, frozen=True):
    name: str


class ReadCounters(Struct, frozen=True):
    namespace: str


class ReadFlows(Struct, frozen=True):
    namespace: str


Request = Apply | Attach | Detach | Spawn | OpenNamespace | ReadCounters | ReadFlows


class Call(Struct, frozen=True):
    number: int
    request: Request


# From the helper.


class Hello(Struct, frozen=True):
    """The first message."""

    mode: Mode


class Answer(Struct, frozen=True):
    """`value` by request: Apply: failed groups; Attach: the token; Spawn: the pid; ReadCounters: the counters;
    ReadFlows: the flows.
    """

    number: int
    value: dict[str, str] | dict[str, Counter] | list[CountedFlow] | str | int | None = None
    error: str = ""


class ListenerOpened(Struct, frozen=True):
    """Its socket travels with it."""

    listener: Listener


class ListenerClosed(Struct, frozen=True):
    name: str


class EnvironmentsLost(Struct, frozen=True):
    tokens: tuple[str, ...]
