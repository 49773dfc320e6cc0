"""Lambda: functions as zip archives for Python, versions, aliases, permissions, concurrency, invocation,
event source mappings of DynamoDB streams.

Not modelled yet, and refused where ignoring it would be wrong: container images, layers, other languages, function
URLs, code signing, destinations and dead-letter queues, provisioned concurrency, JSON logging.
"""

from __future__ import annotations

from pathlib import Path

from casemate.execution.package import unpack
from casemate.policy.document import Policy
from casemate.servicekit.clock import Clock, system_clock
from casemate.servicekit.ports import FunctionInterfaces, LogSink, RoleSessions, TableStreams
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.lambda_.access import policy_of
from casemate.services.lambda_.names import parse_arn
from casemate.services.lambda_.operations import OPERATIONS
from casemate.services.lambda_.runner import EventQueue, Runner, RunnerHost
from casemate.services.lambda_.state import LambdaState, Permissions


def build(
    store: Store,
    *,
    supervisor: Runner,
    function_interfaces: FunctionInterfaces,
    role_sessions: RoleSessions,
    log_sink: LogSink,
    table_streams: TableStreams,
    code_dir: Path,
    clock: Clock = system_clock,
) -> Service[LambdaState]:
    """The service. `code_dir` is the supervisor's `settings.code`."""
    state = LambdaState(
        store,
        runner=supervisor,
        host=RunnerHost(role_sessions, log_sink),
        interfaces=function_interfaces,
        sessions=role_sessions,
        unpack=lambda archive: unpack(archive, code_dir),
        events=EventQueue(clock),
        streams=table_streams,
    )
    parsed: dict[str, tuple[Permissions, Policy]] = {}

    def resource_policy(arn: str) -> Policy | None:
        name = parse_arn(arn)
        if name is None:
            return None
        record = state.permissions.get(*name.key, name.qualifier or "")
        if record is None or not record.statements:
            return None
        # The same Policy object until the permissions change: policies are compared by identity.
        known = parsed.get(arn)
        if known is None or known[0] is not record:
            known = parsed[arn] = (record, policy_of(arn, record.statements))
        return known[1]

    return Service(operations=OPERATIONS, state=state, resource_policies=resource_policy)
