"""The module of this name in AWS's runtime interface client, for a Python that its compiled one does not fit.

Same functions, same arguments, over one kept connection; `awslambdaric.lambda_runtime_client` is the caller.
"""

from __future__ import annotations

import http.client
import os

_PREFIX = "/2018-06-01/runtime/invocation/"
_state: dict[str, object] = {"agent": ""}


def initialize_client(user_agent: str) -> None:
    """Remember who asks."""
    _state["agent"] = user_agent


def _call(method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None):
    connection = _state.get("connection")
    if not isinstance(connection, http.client.HTTPConnection):
        connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        _state["connection"] = connection
    sent = {"User-Agent": str(_state["agent"]), **(headers or {})}
    connection.request(method, _PREFIX + path, body, sent)
    response = connection.getresponse()
    content = response.read()
    return response, content


def next() -> tuple[bytes, dict[str, object]]:  # noqa: A001 - the name is the interface
    """The next invocation: its event and its headers."""
    response, content = _call("GET", "next")
    if response.status != 200:
        raise RuntimeError(f"Failed to get next: status {response.status}")
    headers: dict[str, object] = dict(response.getheaders())
    deadline = "Lambda-Runtime-Deadline-Ms"
    return content, headers | {deadline: int(str(headers[deadline]))}


def post_invocation_result(
    invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None
) -> None:
    """The handler's result."""
    del invocation_id
    response, _ = _call("POST", f"{invoke_id}/response", result, {"Content-Type": content_type})
    if response.status != 202:
        raise RuntimeError("Failed to post invocation response")


def post_error(invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
    """The handler's exception."""
    del invocation_id
    headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": "Unhandled"}
    if xray_fault:
        headers["Lambda-Runtime-Function-Xray-Error-Cause"] = xray_fault
    response, _ = _call("POST", f"{invoke_id}/error", error.encode(), headers)
    if response.status != 202:
        raise RuntimeError("Failed to post invocation error")
