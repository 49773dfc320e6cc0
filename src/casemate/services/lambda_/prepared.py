"""What an invocation needs to know of the records: worked out once, until one of them changes."""

from __future__ import annotations

from typing import TypedDict

from msgspec import Struct

from casemate.execution.function import FunctionVersion
from casemate.services.lambda_ import provisioned_shares
from casemate.services.lambda_.names import LATEST
from casemate.services.lambda_.state import Function, LambdaState

CONCURRENCY = 1000
"""Lambda quotas: concurrent executions of an account in a Region."""


class Concurrency(TypedDict):
    """What an invocation may take of each kind."""

    reserved: int | None
    unreserved_limit: int
    provisioned: int


class Prepared(Struct, frozen=True, kw_only=True):
    """A version of a function, ready to be handed to the supervisor."""

    function: Function
    version: FunctionVersion
    concurrency: Concurrency


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
        return Prepared(
            function=function, version=runnable(function), concurrency=_concurrency(self._state, function)
        )


def _concurrency(state: LambdaState, function: Function) -> Concurrency:
    """The limits that bind an invocation of that version."""
    key = (function.account, function.region, function.name)
    latest = state.functions.get(*key, LATEST)
    reserved = None if latest is None else latest.reserved
    if reserved is not None:
        # "Configuring provisioned concurrency": with as much of it as is reserved, all invocations run on it, and
        # $LATEST, which cannot have any, is throttled.
        reserved -= provisioned_shares.requested(state, key)
    return {
        "reserved": reserved,
        "unreserved_limit": state.unreserved(function.account, function.region, CONCURRENCY),
        "provisioned": provisioned_shares.provisioned(state, function),
    }


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
        snap_start=function.snap_start and function.version != LATEST,
        notes=notes,
    )
