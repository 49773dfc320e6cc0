"""What an invocation needs to know of the records: worked out once, until one of them changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from casemate.execution.function import FunctionVersion
from casemate.services.lambda_.names import LATEST

if TYPE_CHECKING:
    from casemate.services.lambda_.state import Function, LambdaState

CONCURRENCY = 1000
"""Lambda quotas: concurrent executions of an account in a Region."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A version of a function, ready to be handed to the supervisor."""

    function: Function
    version: FunctionVersion
    reserved: int | None
    """Reserved concurrency of the function."""
    unreserved: int
    """Concurrency of its account and Region that is left for functions without a reservation."""


class Preparations:
    """Kept as long as no record of the store changes: another one's reservation changes what is left for this one."""

    def __init__(self, state: LambdaState) -> None:
        self._state = state
        self._generation = -1
        self._kept: dict[int, Prepared] = {}
        """By the identity of a `Function`, which is held by what is kept."""

    def of(self, function: Function) -> Prepared:
        """For an invocation of that version."""
        generation = self._state.store.generation
        if self._generation != generation:
            self._kept.clear()
            self._generation = generation
        prepared = self._kept.get(id(function))
        if prepared is None:
            prepared = self._kept[id(function)] = self._prepare(function)
        return prepared

    def _prepare(self, function: Function) -> Prepared:
        state = self._state
        latest = state.functions.get(function.account, function.region, function.name, LATEST)
        return Prepared(
            function=function,
            version=runnable(function),
            reserved=None if latest is None else latest.reserved,
            unreserved=state.unreserved(function.account, function.region, CONCURRENCY),
        )


def runnable(function: Function) -> FunctionVersion:
    """What the supervisor needs to know."""
    notes: tuple[str, ...] = ()
    if function.code_unreadable:
        where = f"{function.code_unreadable} is not readable by others in the archive"
        notes = (f"{where}; made readable here, but AWS Lambda may refuse it",)
    return FunctionVersion(
        arn=function.arn,
        name=function.name,
        version=function.version,
        account=function.account,
        region=function.region,
        # Tags, permissions and reservations change without a new revision; what runs does not change then.
        revision=function.revision,
        runtime=function.runtime,
        handler=function.handler,
        code=function.code_directory,
        layers=tuple(one.directory for one in function.layers),
        memory_mb=function.memory,
        timeout_seconds=function.timeout,
        ephemeral_mb=function.ephemeral,
        variables=function.variables,
        interfaces=() if function.network is None else function.network.interface_ids,
        log_group=function.log_group,
        log_format=function.logging.get("LogFormat", "Text"),
        application_log_level=function.logging.get("ApplicationLogLevel", ""),
        system_log_level=function.logging.get("SystemLogLevel", "INFO"),
        notes=notes,
    )
