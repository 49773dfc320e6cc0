"""One request on its way through the pipeline: what each step learnt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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

    @property
    def params(self) -> Params:
        return self.parsed.params if self.parsed is not None else {}

    @property
    def operation_name(self) -> str:
        return self.parsed.operation.name if self.parsed is not None else self.called
