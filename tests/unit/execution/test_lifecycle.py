"""The table of an environment's life."""

from __future__ import annotations

import pytest

from casemate.execution.lifecycle import ASSIGNABLE, TRANSITIONS, Effect, Event, State, advance


def walk(*events: Event, start: State = State.INIT) -> tuple[State, list[Effect]]:
    state, effects = start, []
    for event in events:
        transition = advance(state, event)
        assert transition is not None, f"{event} is illegal in {state}"
        state = transition.to
        effects.extend(transition.effects)
    return state, effects


def test_a_cold_start_and_two_invocations() -> None:
    state, effects = walk(
        Event.NEXT, Event.ASSIGN, Event.RESPONSE, Event.NEXT, Event.ASSIGN, Event.ERROR, Event.NEXT
    )
    assert state is State.IDLE
    assert effects == [Effect.READY, Effect.DELIVER, Effect.COMPLETE, Effect.DELIVER, Effect.COMPLETE]


def test_an_invocation_may_be_assigned_before_the_runtime_is_back() -> None:
    state, effects = walk(Event.NEXT, Event.ASSIGN, Event.RESPONSE, Event.ASSIGN, Event.NEXT)
    assert state is State.BUSY
    assert effects[-1] is Effect.DELIVER


def test_an_invocation_that_the_runtime_never_saw_is_given_back() -> None:
    state, effects = walk(Event.NEXT, Event.ASSIGN, Event.RESPONSE, Event.ASSIGN, Event.EXIT)
    assert state is State.ENDED
    assert effects[-2:] == [Effect.GIVE_BACK, Effect.KILL]


def test_a_busy_environment_that_is_retired_finishes_its_invocation_and_ends() -> None:
    state, effects = walk(Event.NEXT, Event.ASSIGN, Event.RETIRE)
    assert state is State.DRAINING
    assert Effect.KILL not in effects
    assert walk(Event.RESPONSE, start=state) == (State.ENDED, [Effect.COMPLETE, Effect.KILL])


@pytest.mark.parametrize("event", [Event.TIMEOUT, Event.EXIT, Event.OUT_OF_MEMORY, Event.TOO_LARGE])
def test_what_ends_an_invocation_badly_ends_the_environment(event: Event) -> None:
    assert walk(event, start=State.BUSY) == (State.ENDED, [Effect.COMPLETE, Effect.KILL])


@pytest.mark.parametrize("event", [Event.INIT_ERROR, Event.TIMEOUT, Event.EXIT, Event.RETIRE])
def test_what_ends_initialization_badly(event: Event) -> None:
    assert walk(event) == (State.ENDED, [Effect.FAIL_INIT, Effect.KILL])


def test_an_environment_whose_snapshot_was_taken_is_not_needed_any_more() -> None:
    assert walk(Event.SNAPSHOT) == (State.ENDED, [Effect.READY, Effect.KILL])
    assert advance(State.IDLE, Event.SNAPSHOT) is None


def test_nothing_happens_after_the_end() -> None:
    assert not [event for state, event in TRANSITIONS if state is State.ENDED]


def test_whoever_ends_is_killed_and_only_then() -> None:
    for key, row in TRANSITIONS.items():
        assert (row.to is State.ENDED) == (Effect.KILL in row.effects), key


def test_an_invocation_is_answered_exactly_once_on_every_path_to_the_end() -> None:
    """Whatever leaves the states that hold an invocation answers its caller or gives it back."""
    holding = {State.BUSY, State.QUEUED, State.DRAINING}
    for (state, event), row in TRANSITIONS.items():
        answers = {Effect.COMPLETE, Effect.GIVE_BACK} & set(row.effects)
        if state in holding:
            assert bool(answers) == (row.to not in holding), (state, event)
        else:
            assert not answers, (state, event)


def test_illegal_events_are_not_in_the_table() -> None:
    assert advance(State.IDLE, Event.RESPONSE) is None
    assert advance(State.IDLE, Event.INIT_ERROR) is None
    assert advance(State.INIT, Event.RESPONSE) is None
    assert {State.IDLE, State.RETURNING} == ASSIGNABLE
