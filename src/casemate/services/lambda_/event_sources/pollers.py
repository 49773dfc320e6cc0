"""All pollers: one for each mapping that is enabled, as the store says after each commit."""

from __future__ import annotations

import asyncio
import logging

from msgspec.structs import replace

from casemate.execution.function import Invocation, Outcome
from casemate.model.errors import AwsError
from casemate.model.ids import RandomBytes, uuid4
from casemate.model.principals import Principal
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import InsideAuthority
from casemate.servicekit.service import Check
from casemate.servicekit.store import Store
from casemate.services.lambda_ import invoking
from casemate.services.lambda_.event_sources.lane import Tools
from casemate.services.lambda_.event_sources.mappings import EventSourceMapping
from casemate.services.lambda_.event_sources.poller import MappingPoller
from casemate.services.lambda_.runner import SERVICE_PRINCIPAL
from casemate.services.lambda_.state import LambdaState

_log = logging.getLogger(__name__)

_SESSION_SECONDS = 3600.0
_RESTART_SECONDS = 5.0


class Pollers:
    """Runs mappings from `start` to `close`. A mapping that changes is stopped after its batch and run anew."""

    def __init__(
        self,
        state: LambdaState,
        store: Store,
        *,
        authority: InsideAuthority,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._state = state
        self._store = store
        self._authority = authority
        self._clock = clock
        self._random_bytes = random_bytes
        self._running: dict[str, tuple[MappingPoller, asyncio.Task[None]]] = {}
        self._principals: dict[str, tuple[Principal, float]] = {}
        self._closing = False
        self._checkpoints = state.checkpoints
        self._tools = Tools(
            streams=state.streams,
            checkpoints=self._checkpoints,
            invoke=self._invoke,
            require=self._require,
            unlock=self._unlock,
            report=self._report,
            clock=clock,
        )

    def start(self) -> None:
        self._checkpoints.forget_others({one.uuid for one in self._state.event_sources.values()})
        self._store.subscribe(self._committed)
        self._reconcile()

    async def close(self) -> None:
        """Stop at once; what was being handed over is handed over again at the next start."""
        self._closing = True
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _committed(self, collections: frozenset[str]) -> None:
        if self._state.event_sources.name in collections and not self._closing:
            self._reconcile()

    def _reconcile(self) -> None:
        wanted = {one.uuid: one for one in self._state.event_sources.values() if one.enabled}
        for uuid, (poller, _) in self._running.items():
            if uuid not in wanted or wanted[uuid].revision != poller.mapping.revision:
                poller.stop()
        for uuid, mapping in wanted.items():
            if uuid not in self._running:
                poller = MappingPoller(mapping, self._tools)
                task = asyncio.get_running_loop().create_task(self._run(poller))
                self._running[uuid] = (poller, task)

    async def _run(self, poller: MappingPoller) -> None:
        uuid = poller.mapping.uuid
        try:
            await poller.run()
        except Exception:
            _log.exception("event source mapping %s failed", uuid)
            await asyncio.sleep(_RESTART_SECONDS)
        del self._running[uuid]
        if poller.mapping.key not in self._state.event_sources:
            self._checkpoints.forget(uuid)
        if not self._closing:
            self._reconcile()

    # What lanes ask for.

    async def _invoke(self, mapping: EventSourceMapping, payload: bytes) -> Outcome:
        """As Invoke does it, of the function as it is now."""
        name, now = mapping.name, self._clock()
        function = invoking.chosen(self._state, name, self._random_bytes)
        invocation = Invocation(
            request_id=uuid4(self._random_bytes),
            payload=payload,
            invoked_arn=name.qualified_arn,
            trace_id=invoking.trace_id(function, now, self._random_bytes),
        )
        authorize = self._authority.asking(service="lambda", region=mapping.region)
        return await invoking.run(self._state, function, invocation, authorize=authorize, now=now)

    def _require(self, mapping: EventSourceMapping, action: str) -> None:
        role = self._state.version(mapping.name).role
        ask = self._authority.asking(service="lambda", region=mapping.region)
        ask(Check(action=action, resource=mapping.source), principal=self._principal(role))

    def _unlock(self, mapping: EventSourceMapping) -> None:
        role = self._state.version(mapping.name).role
        ask = self._authority.asking(service="lambda", region=mapping.region)
        self._state.streams.unlock(mapping.source, principal=self._principal(role), authorize=ask)

    def _principal(self, role: str) -> Principal:
        """The role's session by which Lambda reads streams."""
        now = self._clock().timestamp()
        known = self._principals.get(role)
        if known is not None and known[1] > now:
            return known[0]
        try:
            credential = self._state.sessions.assume_for_service(
                role_arn=role, session_name="awslambda", service=SERVICE_PRINCIPAL
            )
        except AwsError as error:
            message = "The role defined for the function cannot be assumed by Lambda."
            raise AwsError("AccessDeniedException", message, http_status=403) from error
        self._principals[role] = (credential.principal, now + _SESSION_SECONDS)
        return credential.principal

    def _report(self, mapping: EventSourceMapping, result: str) -> None:
        current = self._state.event_sources.get(*mapping.key)
        if current is not None and current.result != result:
            with self._store.transaction():
                self._state.event_sources.put(mapping.key, replace(current, result=result))
