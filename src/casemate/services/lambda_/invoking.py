"""One invocation, whoever asked for it: which version runs, whether it can, and what the supervisor is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from casemate.execution.function import Invocation, Outcome
from casemate.execution.response_stream import ResponseStream
from casemate.model.ids import RandomBytes
from casemate.model.principals import Principal
from casemate.servicekit.service import Authorize
from casemate.services.lambda_ import errors, idling, snap_start, tracing
from casemate.services.lambda_.names import LATEST, FunctionName
from casemate.services.lambda_.runner import RunnerHost
from casemate.services.lambda_.state import Activity, Function, LambdaState

_NOTED = timedelta(days=1)


def chosen(state: LambdaState, name: FunctionName, random_bytes: RandomBytes) -> Function:
    """The version that a name means this time: an alias with weights means one of two."""
    alias = None if name.qualifier is None else state.aliases.get(*name.key, name.qualifier)
    if alias is None or not alias.weights:
        return state.version(name)
    ((other, weight),) = alias.weights.items()
    # 53 bits make every double of [0, 1) possible.
    drawn = int.from_bytes(random_bytes(8), "big") % 2**53 / 2**53
    return state.version(replace(name, qualifier=other if drawn < weight else alias.version))


async def run(
    state: LambdaState,
    function: Function,
    invocation: Invocation,
    *,
    authorize: Authorize,
    now: datetime,
) -> Outcome:
    """Run one invocation of that version to its end; AwsError when it could not run."""
    idling.require_active(state, function)
    snap_start.require_snapshot(function)
    _note(state, function, now)
    prepared = state.preparations.of(function)
    return await state.runner.invoke(
        prepared.version,
        invocation,
        host(state, function, authorize),
        **prepared.concurrency,
    )


async def stream(
    state: LambdaState,
    function: Function,
    invocation: Invocation,
    *,
    authorize: Authorize,
    now: datetime,
) -> ResponseStream:
    """As `run`, the response passed on while it is written: when this returns, there is a first piece, or an outcome."""
    idling.require_active(state, function)
    snap_start.require_snapshot(function)
    _note(state, function, now)
    prepared = state.preparations.of(function)
    response = state.runner.invoke_streaming(
        prepared.version,
        invocation,
        host(state, function, authorize),
        **prepared.concurrency,
    )
    await response.head()
    if response.outcome.done():
        response.outcome.result()  # raises what kept it from running
    return response


def host(state: LambdaState, function: Function, authorize: Authorize) -> RunnerHost:
    """Where environments of that version get their credentials and leave their logs."""

    def unlock(role: Principal) -> None:
        state.variable_keys.open(function, role, authorize)

    return state.host.bound(function.role, authorize, unlock)


def trace_id(function: Function, now: datetime, random_bytes: RandomBytes, *, caller: str = "") -> str:
    """`X-Amzn-Trace-Id`; with active tracing the request is sampled. `caller`: the header of who asks for it."""
    sampled = function.tracing == "Active"
    return tracing.header(function.arn, sampled=sampled, now=now, random_bytes=random_bytes, caller=caller)


def require_no_loop(state: LambdaState, name: FunctionName, trace: str) -> None:
    """AwsError when the invocation with that header is one too many in its chain, and the function does not allow it."""
    latest = state.functions.get(*name.key, LATEST)
    if tracing.is_loop(name.arn, trace) and (latest is None or latest.recursive_loop == "Terminate"):
        raise errors.recursive()


def _note(state: LambdaState, function: Function, now: datetime) -> None:
    known = state.activity.get(*function.key)
    if known is None or now - known.invoked >= _NOTED:
        with state.store.transaction():
            state.activity.put(function.key, Activity(invoked=now))
