"""Functions in a VPC that nobody invokes for two weeks: their interfaces are reclaimed, and given back when they are needed.

Source: Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC": "if a Lambda function
remains idle for 14 days, Lambda reclaims any unused Hyperplane ENIs and sets the function state to Inactive. The next
invocation attempt will fail"; and "Lambda function states" (an invocation of an inactive function makes it active again).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.servicekit.clock import Clock
from casemate.services.lambda_ import errors, placement
from casemate.services.lambda_.state import Activity, Function, LambdaState

IDLE = timedelta(days=14)
_EVERY = 3600.0


def sweep(state: LambdaState, now: datetime) -> list[Function]:
    """Reclaim the interfaces of what has been idle for long; gives the versions that became inactive."""
    reclaimed: list[Function] = []
    for function in state.functions.values():
        if function.network is None or function.idle:
            continue
        activity = state.activity.get(*function.key)
        if activity is None:
            with state.store.transaction():
                state.activity.put(function.key, Activity(invoked=now))
        elif now - activity.invoked >= IDLE:
            reclaimed.append(_reclaim(state, function))
    return reclaimed


def _reclaim(state: LambdaState, function: Function) -> Function:
    assert function.network is not None
    inactive = replace(function, idle=True, network=replace(function.network, interface_ids=()))
    with state.store.transaction():
        placement.release(state, function.network, function_arn=function.version_arn)
        state.functions.put(inactive.key, inactive)
    state.runner.retire(function.arn, function.version)
    return inactive


def require_active(state: LambdaState, function: Function) -> None:
    """Nothing for an active function. An inactive one gets its interfaces back, and this invocation fails."""
    if not function.idle or function.network is None:
        return
    try:
        with state.store.transaction():
            network = placement.attach(
                state,
                function.network,
                account=function.account,
                region=function.region,
                function_arn=function.version_arn,
            )
            state.functions.put(function.key, replace(function, idle=False, network=network))
    except AwsError as error:
        if "InsufficientFreeAddressesInSubnet" in error.message:
            raise errors.no_free_address() from error
        raise
    raise errors.inactive()


class Sweeper:
    """Sweeps every hour."""

    def __init__(
        self,
        state: LambdaState,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._state = state
        self._clock = clock
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """On the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """No more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            sweep(self._state, self._clock())
            await self._sleep(_EVERY)
