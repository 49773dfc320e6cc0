"""Provisioned concurrency kept true: environments of versions and of the versions behind aliases, initialized beforehand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from dataclasses import replace

from casemate.execution.failures import InitError
from casemate.model.errors import AwsError
from casemate.services.lambda_.names import FunctionName
from casemate.services.lambda_.prepared import runnable
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
        wanted: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
        records: dict[tuple[str, str, str, str], list[ProvisionedConcurrency]] = {}
        for record in self._state.provisioned.values():
            if record.status == "FAILED":
                continue  # until it is configured again
            name = FunctionName(
                account=record.account, region=record.region, name=record.function, qualifier=record.qualifier
            )
            with contextlib.suppress(AwsError):  # deleted meanwhile
                function = self._state.version(name)
                wanted[function.key] += record.requested
                records.setdefault(function.key, []).append(record)
                self._warmed[function.key] = function
        for key, function in list(self._warmed.items()):
            await self._warm(function, wanted[key], records.get(key, []))
            if not wanted[key]:
                del self._warmed[key]

    async def _warm(self, function: Function, count: int, records: list[ProvisionedConcurrency]) -> None:
        state = self._state
        host = state.host.bound(function.role, state.inside(function.region))
        status, reason, warm = "READY", None, 0
        try:
            warm = await state.runner.ensure_warm(runnable(function), host, count)
        except InitError as error:
            status, reason = "FAILED", f"FUNCTION_ERROR_INIT_FAILURE: {error}"
        except AwsError as error:
            status, reason = "FAILED", error.message
        with state.store.transaction():
            for record in records:
                self._report(record, min(warm, record.requested), status, reason)
                warm -= min(warm, record.requested)

    def _report(
        self, record: ProvisionedConcurrency, allocated: int, status: str, reason: str | None
    ) -> None:
        key = (record.account, record.region, record.function, record.qualifier)
        known = self._state.provisioned.get(*key)
        if known != record:
            return  # changed while it was being made true
        said = replace(record, allocated=allocated, status=status, reason=reason)
        if said != record:
            self._state.provisioned.put(key, said)
