"""Snapshots of published versions with SnapStart: made when they are published."""

from __future__ import annotations

import asyncio
import logging

from msgspec.structs import replace

from casemate.execution.failures import InitError
from casemate.model.errors import AwsError
from casemate.servicekit.service import Told
from casemate.services.lambda_ import invoking, snap_start
from casemate.services.lambda_.prepared import runnable
from casemate.services.lambda_.records import Snapshot, SnapshotStatus
from casemate.services.lambda_.state import Function, LambdaState

_log = logging.getLogger(__name__)

_Key = tuple[str, str, str, str]
_PATIENCE = 30.0
"""Seconds that a call waits for the snapshot: less than an SDK waits for the call. It goes on being made afterwards."""
_RETRIES, _PAUSE = 50, 0.1
"""Of what is not the function's fault: a function that was just created has no interfaces in the kernel yet."""


class Snapshotter:
    """A reconciler: whatever version is pending gets its snapshot, or the reason why not."""

    def __init__(self, state: LambdaState) -> None:
        self._state = state
        self._making: dict[_Key, asyncio.Task[None]] = {}
        self._running = False
        state.store.subscribe(self._committed)

    def start(self) -> None:
        """From now on, on the running loop; what an earlier life left pending is begun anew."""
        self._running = True
        self._look()

    def close(self) -> None:
        """No more."""
        self._running = False
        for task in self._making.values():
            task.cancel()

    def when_settled(self, told: Told) -> None:
        """Call back when everything that is pending now has been made, or has taken long."""
        making = list(self._making.values())
        if not making:
            told(None)
            return
        waiting = asyncio.ensure_future(asyncio.wait(making, timeout=_PATIENCE))
        waiting.add_done_callback(lambda _: told(None))

    def _committed(self, collections: frozenset[str]) -> None:
        if self._running and "lambda.functions" in collections:
            self._look()

    def _look(self) -> None:
        for function in self._state.functions.values():
            if function.snapshot.status is SnapshotStatus.PENDING and function.key not in self._making:
                task = asyncio.get_running_loop().create_task(self._make(function))
                self._making[function.key] = task
                task.add_done_callback(lambda _, key=function.key: self._making.pop(key, None))

    async def _make(self, function: Function) -> None:
        try:
            snapshot = await self._made(function)
        except Exception:
            _log.exception("the snapshot of %s could not be made", function.version_arn)
            snapshot = Snapshot(
                status=SnapshotStatus.FAILED, code="InternalError", reason="The snapshot could not be made."
            )
        with self._state.store.transaction():
            known = self._state.functions.get(*function.key)
            # Deleted, or deleted and published again, meanwhile.
            if known is not None and known.revision == function.revision:
                self._state.functions.put(known.key, replace(known, snapshot=snapshot))
            else:
                self._state.runner.retire(function.arn, function.version)

    async def _made(self, function: Function) -> Snapshot:
        state = self._state
        host = invoking.host(state, function, state.inside(function.region))
        for attempt in range(_RETRIES):
            try:
                await state.runner.ensure_snapshot(runnable(function), host)
            except InitError as error:
                return snap_start.failed(error.failure)
            except AwsError as error:
                if error.code != "ResourceNotReadyException" or attempt == _RETRIES - 1:
                    return Snapshot(status=SnapshotStatus.FAILED, code="InternalError", reason=error.message)
                await asyncio.sleep(_PAUSE)
            else:
                break
        return Snapshot(status=SnapshotStatus.READY)
