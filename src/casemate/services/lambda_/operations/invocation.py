"""Invoke: now and waiting, later by the queue, or not at all (DryRun)."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any

from casemate.execution import report
from casemate.execution.function import FunctionVersion, Invocation, Outcome
from casemate.model.errors import AwsError
from casemate.servicekit.service import Output, Params
from casemate.services.lambda_.names import FunctionName
from casemate.services.lambda_.operations.account import CONCURRENCY
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function
from casemate.services.lambda_.state import Function

_SYNCHRONOUS_LIMIT = 6 * 1024 * 1024
_ASYNCHRONOUS_LIMIT = 1024 * 1024
"""Lambda quotas: "Invocation payload"."""


# The action is not named as the operation is: Service Authorization Reference.
@OPERATIONS.operation("Invoke", checks=on_function("InvokeFunction"), runs_async=True)
async def invoke(ctx: Ctx, params: Params) -> Output:
    """Run a function."""
    name = named(ctx, params)
    function = ctx.state.version(name)
    kind = params.get("InvocationType", "RequestResponse")
    payload = _payload(params, limit=_ASYNCHRONOUS_LIMIT if kind == "Event" else _SYNCHRONOUS_LIMIT)
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    invocation = Invocation(
        request_id=ctx.request_id,
        payload=payload,
        invoked_arn=name.qualified_arn,
        client_context=_client_context(params) if kind == "RequestResponse" else None,
        trace_id=f"Root=1-{int(ctx.now.timestamp()):08x}-{ctx.random_bytes(12).hex()};Sampled=0",
    )
    if kind == "Event":
        ctx.state.events.put(lambda: _run(ctx, name, invocation))
        return {"StatusCode": 202, "Payload": b""}
    outcome = await _run(ctx, name, invocation)
    output: dict[str, Any] = {
        "StatusCode": 200,
        "Payload": outcome.payload,
        "ExecutedVersion": function.version,
    }
    if outcome.failed:
        output["FunctionError"] = "Unhandled"
    if params.get("LogType") == "Tail":
        output["LogResult"] = b64encode(report.tail(outcome.log)).decode()
    return output


async def _run(ctx: Ctx, name: FunctionName, invocation: Invocation) -> Outcome:
    """As the function is now: a queued event runs the code of its own day."""
    state = ctx.state
    function, latest = state.version(name), state.latest(name)
    return await state.runner.invoke(
        runnable(function),
        invocation,
        state.host.bound(function.role, ctx.authorize),
        reserved=latest.reserved,
        unreserved_limit=state.unreserved(name.account, name.region, CONCURRENCY),
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
        memory_mb=function.memory,
        timeout_seconds=function.timeout,
        ephemeral_mb=function.ephemeral,
        variables=function.variables,
        interfaces=() if function.network is None else function.network.interface_ids,
        log_group=function.log_group,
        notes=notes,
    )


def _payload(params: Params, *, limit: int) -> bytes:
    given: Any = params.get("Payload") or b""
    payload: bytes = given.encode() if isinstance(given, str) else bytes(given)
    if len(payload) > limit:
        raise AwsError(
            "RequestTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
            http_status=413,
            fields={"Type": "User"},
        )
    if not payload:
        return b"{}"
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise AwsError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
            fields={"Type": "User"},
        ) from error
    return payload


def _client_context(params: Params) -> str | None:
    """The client's context, base64-encoded JSON, as JSON."""
    context = params.get("ClientContext")
    if not context:
        return None
    try:
        decoded = b64decode(context, validate=True).decode()
        return json.dumps(json.loads(decoded))
    except (Base64Error, ValueError, RecursionError) as error:
        raise AwsError(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
            fields={"Type": "User"},
        ) from error
