"""Provisioned concurrency kept true: environments of versions and of the versions behind aliases, initialized beforehand."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict

from msgspec.structs import replace

from casemate.execution.failures import InitError
from casemate.model.errors import AwsError
from casemate.services.lambda_ import invoking
from casemate.services.lambda_.prepared import runnable
from casemate.services.lambda_.provisioned_shares import shares
from casemate.services.lambda_.records import ProvisionedConcurrency
from casemate.services.lambda_.state import Function, LambdaState

_log = logging.getLogger(__name__)

_COLLECTIONS = frozenset({"lambda.provisioned", "lambda.aliases", "lambda.functions"})


class Provisioner:
    """A reconciler: tells the supervisor what is wanted, which from then on replaces what ends; reports how far it is."""

    def __init__(self, state: LambdaState) -> None:
        self._state = state
        self._warmed: dict[tuple[str, str, str, str], Function] = {}
        """Versions that have been asked for, by key."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        state.store.subscribe(self._committed)

    def start(self) -> None:
        """Reconcile from now on, on the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """No more."""
        if self._task is not None:
            self._task.cancel()

    def _committed(self, collections: frozenset[str]) -> None:
        if collections & _COLLECTIONS and self._task is not None:
            self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await self.reconcile()
            except Exception:
                _log.exception("provisioned concurrency could not be reconciled")
            await self._wake.wait()
            self._wake.clear()

    async def reconcile(self) -> None:
        """Once."""
        asked: defaultdict[tuple[str, str, str, str], list[tuple[ProvisionedConcurrency, int]]] = defaultdict(
            list
        )
        for record in self._state.provisioned.values():
            if record.status == "FAILED":
                continue  # until it is configured again
            for function, count in shares(self._state, record):
                asked[function.key].append((record, count))
                self._warmed[function.key] = function
        allocated: Counter[tuple[str, str, str, str]] = Counter()
        for key, function in list(self._warmed.items()):
            parts = asked.pop(key, [])
            warm, failure = await self._warm(function, sum(count for _, count in parts))
            for record, count in parts:
                allocated[record.key] += min(warm, count)
                warm -= min(warm, count)
                waiting = any(one is record for rest in asked.values() for one, _ in rest)
                if failure or not waiting:
                    self._report(record, allocated[record.key], failure)
            if not parts:
                del self._warmed[key]

    async def _warm(self, function: Function, count: int) -> tuple[int, str | None]:
        """How many there are, and why there are not as many as that."""
        state = self._state
        host = invoking.host(state, function, state.inside(function.region))
        try:
            return await state.runner.ensure_warm(runnable(function), host, count), None
        except InitError as error:
            return 0, f"FUNCTION_ERROR_INIT_FAILURE: {error}"
        except AwsError as error:
            return 0, error.message

    def _report(self, record: ProvisionedConcurrency, allocated: int, failure: str | None) -> None:
        known = self._state.provisioned.get(*record.key)
        if known != record:
            return  # changed while it was being made true, or failed for another of its versions
        said = replace(record, allocated=allocated, status="FAILED" if failure else "READY", reason=failure)
        if said != record:
            with self._state.store.transaction():
                self._state.provisioned.put(record.key, said)
