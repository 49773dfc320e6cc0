"""The APIs that an environment's processes call on 127.0.0.1:9001, as values: calls, replies, paths. Pure.

Runtime API 2018-06-01, Extensions API 2020-01-01, Telemetry API 2022-07-01, Logs API 2020-08-15, container credentials
2021-04-23. Sources: Lambda Developer Guide, "Using the
Lambda runtime API for custom runtimes", "Using the Lambda Extensions API", "Accessing real-time telemetry data for
extensions". Whether a call is legal now is the question of the lifecycle and of `extensions`; `runtime_server` knows
HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from msgspec import Struct

from casemate.execution.function import Invocation

RESPONSE_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of a synchronous response: 6 MB and 100 bytes of slack, 6,291,556 in AWS's own error message."""
STREAM_LIMIT = 200 * 1024 * 1024
"""Bytes of a streamed response: Lambda quotas."""


class CallKind(Enum):
    """The operations of the APIs."""

    __hash__ = object.__hash__  # members are themselves alone; Enum hashes their names, in Python

    NEXT = "invocation/next"
    RESPONSE = "invocation/response"
    ERROR = "invocation/error"
    INIT_ERROR = "init/error"
    REGISTER = "extension/register"
    EXTENSION_NEXT = "extension/event/next"
    EXTENSION_INIT_ERROR = "extension/init/error"
    EXTENSION_EXIT_ERROR = "extension/exit/error"
    TELEMETRY = "telemetry"
    RESTORE_NEXT = "restore/next"
    RESTORE_ERROR = "restore/error"
    CREDENTIALS = "credentials"
    LOGS = "logs"
    METADATA = "metadata/execution-environment"


RUNTIME_CALLS = frozenset({
    CallKind.NEXT, CallKind.RESPONSE, CallKind.ERROR, CallKind.INIT_ERROR, CallKind.RESTORE_NEXT,
    CallKind.RESTORE_ERROR,
})  # fmt: skip
QUESTIONS = frozenset({CallKind.METADATA, CallKind.CREDENTIALS})
"""What any process of an environment may ask, at any time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of a runtime or an extension."""

    kind: CallKind
    request_id: str = ""
    body: bytes = b""
    size: int = 0
    """Bytes of the body, those past the limit (which are not kept) included."""
    error_type: str = ""
    """`Lambda-Runtime-Function-Error-Type`, or an extension's `Lambda-Extension-Function-Error-Type`."""
    content_type: str = ""
    """Of a streamed response."""
    streaming: bool = False
    """`Lambda-Runtime-Function-Response-Mode: streaming`."""
    name: str = ""
    """`Lambda-Extension-Name`."""
    identifier: str = ""
    """`Lambda-Extension-Identifier`."""
    features: str = ""
    """`Lambda-Extension-Accept-Feature`."""
    authorization: str = ""
    """Of a call of the metadata endpoint, or for credentials."""
    began: float = field(default=0.0, compare=False)
    """When the first of it arrived, on the monotonic clock."""


class Reply(Struct, frozen=True, kw_only=True):
    """An answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Flow(Protocol):
    """The connection that a streamed response comes over."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


Answer = Callable[[Reply], None]
OnCall = Callable[[Call, Answer], None]
"""Handles a call; calls `answer` at once or, for `next`, when there is an invocation or an event."""
OnChunk = Callable[[Call, bytes, Flow], None]
"""Takes a piece of a streamed response, before the call as a whole is handled."""

ACCEPTED = Reply(status=202, body=b'{"status":"OK"}')
GO_ON = Reply(status=200, body=b"")
"""The answer to `restore/next`: the runtime's hooks after a restore are to run."""


def refusal(status: int, error_type: str, message: str) -> Reply:
    """An error reply in the API's form."""
    return Reply(status=status, body=json.dumps({"errorMessage": message, "errorType": error_type}).encode())


TOO_LARGE = refusal(
    413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
)
ILLEGAL = refusal(403, "InvalidStateTransition", "State transition is not allowed")
_NOT_ALLOWED = refusal(405, "MethodNotAllowed", "Only GET is allowed")
NOT_FOUND = refusal(404, "NotFound", "page not found")


def delivery(invocation: Invocation, *, deadline_ms: int) -> Reply:
    """The answer to `next`."""
    headers = [
        ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", invocation.invoked_arn),
        ("Lambda-Runtime-Trace-Id", invocation.trace_id),
    ]
    if invocation.client_context is not None:
        headers.append(("Lambda-Runtime-Client-Context", invocation.client_context))
    if invocation.cognito_identity is not None:
        headers.append(("Lambda-Runtime-Cognito-Identity", invocation.cognito_identity))
    return Reply(status=200, body=invocation.payload, headers=tuple(headers))


def parse(
    method: str,
    path: str,
    *,
    body: bytes = b"",
    size: int = 0,
    headers: Mapping[str, str] | None = None,
    began: float = 0.0,
) -> Call | Reply:
    """What a request asks for, or the refusal of one that asks for nothing there is. Header names in lower case."""
    given = headers or {}
    kind, request_id = _kind(method, path.strip("/").split("/"))
    if kind is CallKind.METADATA and method != "GET":
        return _NOT_ALLOWED
    if kind is None:
        return NOT_FOUND
    error_type = given.get("lambda-runtime-function-error-type", "")
    return Call(
        kind=kind,
        request_id=request_id,
        body=body,
        size=size,
        error_type=error_type or given.get("lambda-extension-function-error-type", ""),
        content_type=given.get("content-type", ""),
        streaming=given.get("lambda-runtime-function-response-mode", "").lower() == "streaming",
        name=given.get("lambda-extension-name", ""),
        identifier=given.get("lambda-extension-identifier", ""),
        features=given.get("lambda-extension-accept-feature", ""),
        authorization=given.get("authorization", ""),
        began=began,
    )


def _kind(method: str, parts: list[str]) -> tuple[CallKind | None, str]:
    match method, parts:
        case "POST", ["2018-06-01", "runtime", "invocation", request_id, "response"]:
            return CallKind.RESPONSE, request_id
        case "POST", ["2018-06-01", "runtime", "invocation", request_id, "error"]:
            return CallKind.ERROR, request_id
        case _, ["2026-01-15", "metadata", "execution-environment"]:
            return CallKind.METADATA, ""
        case _:
            return _FIXED.get((method, "/".join(parts))), ""


_FIXED = {
    ("GET", "2018-06-01/runtime/invocation/next"): CallKind.NEXT,
    ("POST", "2018-06-01/runtime/init/error"): CallKind.INIT_ERROR,
    ("GET", "2018-06-01/runtime/restore/next"): CallKind.RESTORE_NEXT,
    ("POST", "2018-06-01/runtime/restore/error"): CallKind.RESTORE_ERROR,
    ("POST", "2020-01-01/extension/register"): CallKind.REGISTER,
    ("GET", "2020-01-01/extension/event/next"): CallKind.EXTENSION_NEXT,
    ("POST", "2020-01-01/extension/init/error"): CallKind.EXTENSION_INIT_ERROR,
    ("POST", "2020-01-01/extension/exit/error"): CallKind.EXTENSION_EXIT_ERROR,
    ("PUT", "2022-07-01/telemetry"): CallKind.TELEMETRY,
    ("PUT", "2020-08-15/logs"): CallKind.LOGS,
    ("GET", "2021-04-23/credentials"): CallKind.CREDENTIALS,
}
"""Paths without a request's id."""
