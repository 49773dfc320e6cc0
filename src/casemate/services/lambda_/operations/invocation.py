"""Invoke: now and waiting, later by the queue, or not at all (DryRun)."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

from casemate.execution import report
from casemate.execution.function import Invocation
from casemate.execution.response_stream import ResponseStream
from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import errors, invoking
from casemate.services.lambda_.asynchronous import QueuedEvent
from casemate.services.lambda_.names import FunctionName
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function
from casemate.services.lambda_.state import Function

_SYNCHRONOUS_LIMIT = 6 * 1024 * 1024
_ASYNCHRONOUS_LIMIT = 1024 * 1024
"""Lambda quotas: "Invocation payload"."""
_LEGACY_LIMIT = 256 * 1024
"""API reference, InvokeAsync: "The payload limit is 256KB. For larger payloads, for up to 1MB, use Invoke"."""


# The action is not named as the operation is: Service Authorization Reference.
@OPERATIONS.operation("Invoke", checks=on_function("InvokeFunction"), runs_async=True)
async def invoke(ctx: Ctx, params: Params) -> Output:
    """Run a function."""
    name = named(ctx, params)
    function = invoking.chosen(ctx.state, name, ctx.random_bytes)
    kind = params.get("InvocationType", "RequestResponse")
    later = kind == "Event"
    payload = _payload(params, limit=_ASYNCHRONOUS_LIMIT if later else _SYNCHRONOUS_LIMIT, event=later)
    _refuse_tenants(params)
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    if later:
        accept(ctx, name, function, payload)
        return {"StatusCode": 202, "Payload": b""}
    invocation = _invocation(ctx, name, function, payload, params)
    outcome = await invoking.run(ctx.state, function, invocation, authorize=ctx.authorize, now=ctx.now)
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


def _on_legacy(ctx: Ctx, params: Params) -> Iterable[Check]:
    # The Service Authorization Reference has an action of that name; InvokeFunction is asked besides, so that who may
    # not invoke a function cannot by the older API either.
    arn = named(ctx, params).qualified_arn
    yield Check(action="lambda:InvokeAsync", resource=arn)
    yield Check(action="lambda:InvokeFunction", resource=arn)


@OPERATIONS.operation("InvokeAsync", checks=_on_legacy, runs_async=True)
async def invoke_async(ctx: Ctx, params: Params) -> Output:
    """The API of 2014: as Invoke with the type Event."""
    name = named(ctx, params)
    function = invoking.chosen(ctx.state, name, ctx.random_bytes)
    payload = _payload({"Payload": params["InvokeArgs"]}, limit=_LEGACY_LIMIT, event=True)
    accept(ctx, name, function, payload)
    return {"Status": 202}


@OPERATIONS.operation("InvokeWithResponseStream", checks=on_function("InvokeFunction"), runs_async=True)
async def invoke_with_response_stream(ctx: Ctx, params: Params) -> Output:
    """As Invoke, answered as a stream of events: the payload as it is written, then how the invocation ended."""
    name = named(ctx, params)
    function = invoking.chosen(ctx.state, name, ctx.random_bytes)
    payload = _payload(params, limit=_SYNCHRONOUS_LIMIT)
    _refuse_tenants(params)
    if params.get("InvocationType") == "DryRun":
        return {"StatusCode": 204, "EventStream": []}
    response = await invoking.stream(
        ctx.state,
        function,
        _invocation(ctx, name, function, payload, params),
        authorize=ctx.authorize,
        now=ctx.now,
    )
    return {
        "StatusCode": 200,
        "ExecutedVersion": function.version,
        "ResponseStreamContentType": response.content_type or "application/octet-stream",
        "EventStream": _events(response, tail=params.get("LogType") == "Tail"),
    }


async def _events(response: ResponseStream, *, tail: bool) -> AsyncGenerator[Mapping[str, Any], None]:
    """The pieces, then how it ended."""
    try:
        async for piece in response:
            yield {"PayloadChunk": {"Payload": piece}}
        outcome = await response.outcome
    finally:
        response.abandon()
    complete: dict[str, str] = {}
    if outcome.failed:
        complete |= {"ErrorCode": "Unhandled", "ErrorDetails": outcome.payload.decode("utf-8", "replace")}
    if tail:
        complete["LogResult"] = b64encode(report.tail(outcome.log)).decode()
    yield {"InvokeComplete": complete}


def accept(ctx: Ctx, name: FunctionName, function: Function, payload: bytes) -> None:
    """Keep an event for later; it is durable when this returns."""
    event = QueuedEvent(
        id=ctx.request_id,
        account=name.account,
        region=name.region,
        function=name.name,
        qualifier=name.qualifier or "",
        payload=payload,
        trace_id=invoking.trace_id(function, ctx.now, ctx.random_bytes, caller=ctx.trace),
        accepted=ctx.now,
        due=ctx.now,
    )
    with ctx.store.transaction():
        ctx.state.enqueue(event)


def _invocation(
    ctx: Ctx, name: FunctionName, function: Function, payload: bytes, params: Params
) -> Invocation:
    trace = invoking.trace_id(function, ctx.now, ctx.random_bytes, caller=ctx.trace)
    if ctx.trace:  # else it is the first of its chain
        invoking.require_no_loop(ctx.state, name, trace)
    return Invocation(
        request_id=ctx.request_id,
        payload=payload,
        invoked_arn=name.qualified_arn,
        client_context=_client_context(params),
        trace_id=trace,
        wants_log=params.get("LogType") == "Tail",
    )


def _refuse_tenants(params: Params) -> None:
    if params.get("TenantId"):
        raise errors.invalid(
            "The invoked function is not enabled with tenancy configuration. Remove the tenant ID."
        )
    if params.get("DurableExecutionName"):
        raise errors.invalid("Casemate does not support durable functions (DurableExecutionName) yet.")


def _payload(params: Params, *, limit: int, event: bool = False) -> bytes:
    given: Any = params.get("Payload") or b""
    payload: bytes = given.encode() if isinstance(given, str) else bytes(given)
    if len(payload) > limit:
        raise errors.payload_too_large(len(payload), limit, event=event)
    if not payload:
        return b"{}"
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise errors.unparsable(payload, str(error)) from error
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
