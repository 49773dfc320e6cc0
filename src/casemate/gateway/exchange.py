"""One request on its way through the pipeline: what each step learnt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from casemate.gateway.arrival import Arrival
from casemate.gateway.context_keys import Values
from casemate.model.errors import AwsError
from casemate.model.origin import Origin
from casemate.model.principals import Principal
from casemate.policy.decision import Decision
from casemate.servicekit.ports import Credential
from casemate.servicekit.service import Context, Operation, Output, Params, Service
from casemate.wire.http import HttpRequest
from casemate.wire.parser import ParsedRequest

if TYPE_CHECKING:
    from casemate.gateway.repetition import Repetition


@dataclass(kw_only=True, slots=True)
class Exchange:
    """Filled from top to bottom; a step that fails leaves the rest as it was and `error` set."""

    request: HttpRequest
    arrival: Arrival
    request_id: str
    now: datetime
    service_name: str = ""
    """botocore's name."""
    region: str = ""
    model: Any = None
    """botocore's ServiceModel."""
    parsed: ParsedRequest | None = None
    called: str = ""
    """The name of what was asked for where that is no operation of a model: `InvokeFunctionUrl`."""
    service: Service[Any] | None = None
    operation: Operation[Any] | None = None
    credential: Credential | None = None
    """Of a signature that holds."""
    principal: Principal | None = None
    origin: Origin | None = None
    context: Context[Any] | None = None
    """What the operation and its checks are handed; made once."""
    keys: Values = field(default_factory=dict[str, str | tuple[str, ...]])
    decisions: list[Decision] = field(default_factory=list[Decision])
    output: Output | None = None
    error: AwsError | None = None
    repetition: Repetition | None = None
    """Of what it is one more; its request then has neither a body nor the fields that vary, except for the trace."""
    asked: bool = True
    """Whether the operation named its checks. Not where the decisions on them were known."""

    def again(
        self, repetition: Repetition | None, request_id: str, now: datetime, parsed: ParsedRequest
    ) -> Exchange:
        """Another exchange of the same caller, way and operation that has not come to its operation yet.

        The constructor would take two microseconds for the same.
        """
        made = object.__new__(Exchange)
        made.request, made.arrival, made.request_id, made.now = self.request, self.arrival, request_id, now
        made.service_name, made.region, made.model = self.service_name, self.region, self.model
        made.parsed, made.called = parsed, self.called
        made.service, made.operation = self.service, self.operation
        made.credential, made.principal, made.origin = self.credential, self.principal, self.origin
        made.context, made.keys, made.decisions = None, {}, []
        made.output, made.error = None, None
        made.repetition, made.asked = repetition, True
        return made

    @property
    def params(self) -> Params:
        return self.parsed.params if self.parsed is not None else {}

    @property
    def operation_name(self) -> str:
        return self.parsed.operation.name if self.parsed is not None else self.called
