"""Lambda: functions as zip archives, layers, versions, aliases, URLs, permissions, concurrency, invocation, event source
mappings of DynamoDB streams.

Not modelled, and refused where ignoring it would be wrong: container images, code in S3, file systems, code signing,
capacity providers, durable functions, tenant isolation, dead-letter queues and destinations other than functions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from casemate.model.ids import RandomBytes
from casemate.policy.document import Policy
from casemate.servicekit.clock import Clock, system_clock
from casemate.servicekit.ports import FunctionInterfaces, Keys, LogSink, RoleSessions, TableStreams
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.lambda_ import layer_versions
from casemate.services.lambda_.access import policy_of
from casemate.services.lambda_.delivery import FunctionDelivery
from casemate.services.lambda_.event_queue import EventQueue
from casemate.services.lambda_.idling import Sweeper
from casemate.services.lambda_.layer_versions import LayerPermissions
from casemate.services.lambda_.names import parse_arn
from casemate.services.lambda_.prepared import Preparations
from casemate.services.lambda_.provisioning import Provisioner
from casemate.services.lambda_.registry import OPERATIONS
from casemate.services.lambda_.runner import Runner, RunnerHost
from casemate.services.lambda_.snapshotting import Snapshotter
from casemate.services.lambda_.state import LambdaState, Permissions
from casemate.services.lambda_.unpacking import Unpacking
from casemate.services.lambda_.url_calls import UrlCalls
from casemate.services.lambda_.variable_keys import VariableKeys


class LambdaSlice(Struct, frozen=True, kw_only=True):
    """The service, and what of it runs by itself."""

    service: Service[LambdaState]
    events: EventQueue
    provisioner: Provisioner
    snapshotter: Snapshotter
    sweeper: Sweeper
    urls: UrlCalls

    def start(self) -> None:
        """Take up what an earlier life left: queued events, provisioned concurrency. On the running loop."""
        self.events.start()
        self.provisioner.start()
        self.snapshotter.start()
        self.sweeper.start()

    def close(self) -> None:
        """Stop; what is not done stays in the store."""
        for one in (self.events, self.provisioner, self.snapshotter, self.sweeper):
            one.close()


def assemble(
    store: Store,
    *,
    supervisor: Runner,
    function_interfaces: FunctionInterfaces,
    role_sessions: RoleSessions,
    log_sink: LogSink,
    table_streams: TableStreams,
    keys: Keys | None = None,
    code_dir: Path,
    clock: Clock = system_clock,
    random_bytes: RandomBytes = os.urandom,
) -> LambdaSlice:
    """The slice. `code_dir` is the supervisor's `settings.code`; `state.authority` is set by who has one."""
    state = LambdaState(
        store,
        runner=supervisor,
        host=RunnerHost(role_sessions, log_sink),
        interfaces=function_interfaces,
        sessions=role_sessions,
        unpacking=Unpacking(root=code_dir),
        streams=table_streams,
        variable_keys=VariableKeys(keys, store, clock=clock, random_bytes=random_bytes),
    )
    delivery = FunctionDelivery(state, clock=clock, random_bytes=random_bytes)
    events = EventQueue(store, state.queued, delivery, clock=clock)
    state.enqueue = events.put
    snapshotter = Snapshotter(state)
    state.when_settled = snapshotter.when_settled
    state.preparations = Preparations(state)
    return LambdaSlice(
        service=Service(operations=OPERATIONS, state=state, resource_policies=_resource_policies(state)),
        events=events,
        provisioner=Provisioner(state),
        snapshotter=snapshotter,
        sweeper=Sweeper(state, clock=clock),
        urls=UrlCalls(state, random_bytes=random_bytes),
    )


def _resource_policies(state: LambdaState) -> Callable[[str], Policy | None]:
    """The policies of functions, versions, aliases and layer versions, by ARN."""
    parsed: dict[str, tuple[Permissions | LayerPermissions, Policy]] = {}

    def record_of(arn: str) -> Permissions | LayerPermissions | None:
        layer = layer_versions.parse_arn(arn)
        if layer is not None:
            return state.layers.permissions_of(layer)
        name = parse_arn(arn)
        return None if name is None else state.permissions.get(*name.key, name.qualifier or "")

    def resource_policy(arn: str) -> Policy | None:
        record = record_of(arn)
        if record is None or not record.statements:
            return None
        # The same Policy object until the permissions change: policies are compared by identity.
        known = parsed.get(arn)
        if known is None or known[0] is not record:
            known = parsed[arn] = (record, policy_of(arn, record.statements))
        return known[1]

    return resource_policy
