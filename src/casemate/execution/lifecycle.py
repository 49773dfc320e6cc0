"""The life of an execution environment: a table of transitions. Pure.

Events come from the runtime API, the process and the clock; the driver (`execution.environment`) performs the effects.
An event that is not in the table for a state is illegal there: the runtime API answers it with 403
InvalidStateTransition, as AWS's own runtime interface emulator does, and nothing changes.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class State(Enum):
    """Where an environment is in its life."""

    __hash__ = object.__hash__  # members are themselves alone; Enum hashes their names, in Python

    INIT = "init"
    """The process was asked for; the runtime has not asked for an invocation yet."""
    IDLE = "idle"
    """The runtime waits on `next`, and every extension too. Frozen, unless it was busy a moment ago."""
    BUSY = "busy"
    """The runtime has an invocation."""
    RETURNING = "returning"
    """It has answered and not yet come back to `next`, or an extension has not. May be given the next invocation
    already, unless it is an extension that is waited for."""
    QUEUED = "queued"
    """As RETURNING, with the next invocation waiting for `next`."""
    DRAINING = "draining"
    """Busy for the last time: its function was changed or deleted."""
    ENDED = "ended"


class Event(Enum):
    """What can happen to an environment."""

    __hash__ = object.__hash__  # members are themselves alone; Enum hashes their names, in Python

    NEXT = "the runtime asks for an invocation, and no extension has anything left to do"
    RESPONSE = "the runtime answers"
    TOO_LARGE = "the runtime answers with more than may be"
    ERROR = "the runtime reports a function error"
    INIT_ERROR = "the runtime reports that initialization, or a hook after a restore, failed"
    SNAPSHOT = "the runtime has initialized, and its state was taken"
    ASSIGN = "the supervisor gives an invocation"
    TIMEOUT = "time is up"
    EXIT = "the runtime's process ended"
    OUT_OF_MEMORY = "the function uses more memory than it was given"
    EXTENSION_FAILED = "an extension failed"
    RETIRE = "the supervisor wants it gone"


class Effect(Enum):
    """What the driver does."""

    READY = "tell who waits that initialization is over"
    FAIL_INIT = "tell who waits that initialization failed"
    DELIVER = "answer `next` with the invocation"
    COMPLETE = "tell the caller of the invocation how it ended"
    GIVE_BACK = "give the invocation, which the runtime never saw, back to the supervisor"
    KILL = "end every process of the environment"


class Transition(Struct, frozen=True, kw_only=True):
    """A row of the table."""

    to: State
    effects: tuple[Effect, ...] = ()


_S, _E, _F = State, Event, Effect
_END_INIT = Transition(to=_S.ENDED, effects=(_F.FAIL_INIT, _F.KILL))
_END_BUSY = Transition(to=_S.ENDED, effects=(_F.COMPLETE, _F.KILL))
_END = Transition(to=_S.ENDED, effects=(_F.KILL,))
_NEVER_SEEN = Transition(to=_S.ENDED, effects=(_F.GIVE_BACK, _F.KILL))
_ANSWERED = Transition(to=_S.RETURNING, effects=(_F.COMPLETE,))

TRANSITIONS: dict[tuple[State, Event], Transition] = {
    (_S.INIT, _E.NEXT): Transition(to=_S.IDLE, effects=(_F.READY,)),
    (_S.INIT, _E.INIT_ERROR): _END_INIT,
    (_S.INIT, _E.TIMEOUT): _END_INIT,
    (_S.INIT, _E.EXIT): _END_INIT,
    (_S.INIT, _E.OUT_OF_MEMORY): _END_INIT,
    (_S.INIT, _E.EXTENSION_FAILED): _END_INIT,
    (_S.INIT, _E.RETIRE): _END_INIT,
    (_S.INIT, _E.SNAPSHOT): Transition(to=_S.ENDED, effects=(_F.READY, _F.KILL)),
    (_S.IDLE, _E.ASSIGN): Transition(to=_S.BUSY, effects=(_F.DELIVER,)),
    (_S.IDLE, _E.EXIT): _END,
    (_S.IDLE, _E.RETIRE): _END,
    (_S.IDLE, _E.EXTENSION_FAILED): _END,
    (_S.BUSY, _E.RESPONSE): _ANSWERED,
    (_S.BUSY, _E.ERROR): _ANSWERED,
    # AWS's runtime interface client exits when its answer is refused, so there is nothing left to reuse.
    (_S.BUSY, _E.TOO_LARGE): _END_BUSY,
    (_S.BUSY, _E.TIMEOUT): _END_BUSY,
    (_S.BUSY, _E.EXIT): _END_BUSY,
    (_S.BUSY, _E.OUT_OF_MEMORY): _END_BUSY,
    (_S.BUSY, _E.EXTENSION_FAILED): _END_BUSY,
    (_S.BUSY, _E.RETIRE): Transition(to=_S.DRAINING),
    (_S.RETURNING, _E.NEXT): Transition(to=_S.IDLE),
    (_S.RETURNING, _E.ASSIGN): Transition(to=_S.QUEUED),
    (_S.RETURNING, _E.EXIT): _END,
    (_S.RETURNING, _E.RETIRE): _END,
    # The time-out covers extensions too, though the caller has its answer ("Invoke phase").
    (_S.RETURNING, _E.TIMEOUT): _END,
    (_S.RETURNING, _E.OUT_OF_MEMORY): _END,
    (_S.RETURNING, _E.EXTENSION_FAILED): _END,
    (_S.QUEUED, _E.NEXT): Transition(to=_S.BUSY, effects=(_F.DELIVER,)),
    (_S.QUEUED, _E.TIMEOUT): _END_BUSY,
    (_S.QUEUED, _E.EXIT): _NEVER_SEEN,
    (_S.QUEUED, _E.RETIRE): _NEVER_SEEN,
    (_S.QUEUED, _E.OUT_OF_MEMORY): _NEVER_SEEN,
    (_S.QUEUED, _E.EXTENSION_FAILED): _NEVER_SEEN,
    (_S.DRAINING, _E.RESPONSE): _END_BUSY,
    (_S.DRAINING, _E.ERROR): _END_BUSY,
    (_S.DRAINING, _E.TOO_LARGE): _END_BUSY,
    (_S.DRAINING, _E.TIMEOUT): _END_BUSY,
    (_S.DRAINING, _E.EXIT): _END_BUSY,
    (_S.DRAINING, _E.OUT_OF_MEMORY): _END_BUSY,
    (_S.DRAINING, _E.EXTENSION_FAILED): _END_BUSY,
    (_S.DRAINING, _E.RETIRE): Transition(to=_S.DRAINING),
}

ASSIGNABLE = frozenset(state for state, event in TRANSITIONS if event is Event.ASSIGN)
"""States in which an environment can be given an invocation."""


def advance(state: State, event: Event) -> Transition | None:
    """The row for `event` in `state`; None when it is illegal there."""
    return TRANSITIONS.get((state, event))
