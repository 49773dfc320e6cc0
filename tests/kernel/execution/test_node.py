"""Functions in Node.js. Source: Lambda Developer Guide, "Building Lambda functions with Node.js"."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from casemate.execution import runtime_api
from casemate.execution.function import FunctionVersion, Outcome

from .conftest import ID, Machine, RecordingHost

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]


def node(machine: Machine, source: str, *, name: str = "app.mjs", **changes: Any) -> FunctionVersion:
    return machine.function({name: source}, **({"runtime": "nodejs22.x"} | changes))


async def value(machine: Machine, source: str, event: Any = None, **options: Any) -> Any:
    outcome = await machine.invoke(node(machine, source, **options), event)
    assert not outcome.failed, outcome.payload
    return json.loads(outcome.payload)


def error(outcome: Outcome) -> tuple[str, str]:
    assert outcome.failed
    reported = json.loads(outcome.payload)
    return reported["errorType"], reported["errorMessage"]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("app.mjs", "export const handler = async (event) => [event, 1]"),
        ("app.js", "exports.handler = async (event) => [event, 1]"),
        ("app.cjs", "exports.handler = async (event) => [event, 1]"),
        ("app.js", "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, [event, 1]), 5) }"),
        ("app.js", "exports.handler = (event, context, callback) => { callback(null, [event, 1]) }"),
    ],
    ids=["ES module", "CommonJS", "cjs", "callback later", "callback at once"],
)  # fmt: skip
async def test_handlers_of_every_kind(machine: Machine, name: str, source: str) -> None:
    assert await value(machine, source, {"a": "é"}, name=name) == [{"a": "é"}, 1]


async def test_a_package_says_that_its_files_are_modules_and_handlers_may_lie_deeper(
    machine: Machine,
) -> None:
    files = {
        "package.json": '{"type": "module"}',
        "src/app.js": "export const api = { get: async (event) => event + 1 }",
    }
    function = machine.function(files, runtime="nodejs20.x", handler="src/app.api.get")
    assert (await machine.invoke(function, 1)).payload == b"2"


async def test_a_callback_waits_for_the_event_loop_unless_told_otherwise(machine: Machine) -> None:
    source = """
let done = 0
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event
  setTimeout(() => { done += 1 }, 60)
  const began = Date.now()
  callback(null, [done, began])
}"""
    function = node(machine, source, name="app.js")
    first = await machine.invoke(function, True)
    waited = float(re.search(r"\tDuration: ([0-9.]+)", first.log)[1])  # type: ignore[index] - it is in every log
    assert waited >= 60
    assert json.loads((await machine.invoke(function, False)).payload)[0] == 1
    quick = await machine.invoke(node(machine, source, name="app.js"), False)
    assert float(re.search(r"\tDuration: ([0-9.]+)", quick.log)[1]) < 60  # type: ignore[index] - as above


async def test_what_node_24_took_away(machine: Machine) -> None:
    outcome = await machine.invoke(
        node(
            machine,
            "exports.handler = (event, context, callback) => callback()",
            name="app.js",
            runtime="nodejs24.x",
        )
    )
    assert error(outcome)[0] == "Runtime.CallbackHandlerDeprecated"


async def test_the_context(machine: Machine) -> None:
    function = node(
        machine,
        "export const handler = async (e, c) => [c.functionName, c.awsRequestId, c.memoryLimitInMB, c.functionVersion,"
        " c.invokedFunctionArn, c.getRemainingTimeInMillis() > 1000, c.logGroupName, process.cwd(), process.env.TZ]",
    )
    outcome = await machine.invoke(function)
    assert json.loads(outcome.payload) == [
        function.name, ID, "128", "$LATEST", function.arn, True, function.log_group, "/var/task", ":UTC",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("export const handler = async () => { throw new TypeError('no') }", ("TypeError", "no")),
        ("export const handler = async () => { throw 'text' }", ("string", "text")),
        ("export const other = 1", ("Runtime.HandlerNotFound", "app.handler is undefined or not exported")),
        ("export const handler = 1", ("Runtime.HandlerNotFound", "app.handler is not a function")),
        ("export const handler = async () => { throw new class Mine extends Error {} ('own') }", ("Mine", "own")),
        (
            "export const handler = async () => { setTimeout(() => { throw new RangeError('late') }, 1);"
            " await new Promise((resolve) => setTimeout(resolve, 500)) }",
            ("RangeError", "late"),
        ),
        (
            "export const handler = async () => { Promise.reject(new RangeError('lost'));"
            " await new Promise((resolve) => setTimeout(resolve, 500)) }",
            ("Runtime.UnhandledPromiseRejection", "RangeError: lost"),
        ),
        ("export const handler = async () => process.exit(3)",
         ("Runtime.ExitError", f"RequestId: {ID} Error: Runtime exited with error: exit status 3")),
    ],
    ids=["error", "text", "missing", "no function", "own class", "uncaught", "rejection", "exit"],
)  # fmt: skip
async def test_errors_are_reported_with_their_type(
    machine: Machine, source: str, expected: tuple[str, str]
) -> None:
    assert error(await machine.invoke(node(machine, source))) == expected


async def test_a_promise_that_never_settles_is_an_error_at_once_and_the_environment_goes_on(
    machine: Machine,
) -> None:
    source = (
        "export const handler = async (event) => { if (event) await new Promise(() => {}); return 'after' }"
    )
    function = node(machine, source, timeout_seconds=60)
    kind, message = error(await machine.invoke(function, True))
    assert kind == "Runtime.NodeJsExit"
    assert "a Promise that was never settled" in message
    assert json.loads((await machine.invoke(function, False)).payload) == "after"
    forgotten = node(machine, "exports.handler = (event, context, callback) => {}", name="app.js")
    assert (await machine.invoke(forgotten)).payload == b"null"


async def test_errors_at_import_and_what_to_do_about_the_sdk(machine: Machine) -> None:
    kind, message = error(await machine.invoke(node(machine, "import 'nowhere'")))
    assert kind == "Runtime.ImportModuleError"
    assert message.startswith("Error: Cannot find package 'nowhere' imported from /var/task/app.mjs")
    assert "casemate" not in message
    kind, _ = error(await machine.invoke(node(machine, "const = 1", name="app.js")))
    assert kind == "Runtime.UserCodeSyntaxError"
    kind, message = error(await machine.invoke(node(machine, "require('@aws-sdk/client-s3')", name="app.js")))
    assert kind == "Runtime.ImportModuleError"
    assert "casemate: the AWS SDK for JavaScript" in message
    kind, _ = error(await machine.invoke(node(machine, "", handler="../app.handler")))
    assert kind == "Runtime.MalformedHandlerName"


async def test_libraries_of_a_layer_are_found(machine: Machine) -> None:
    layer = machine.unpacked(
        {
            "nodejs/node_modules/@aws-sdk/client-dynamodb/package.json": '{"name": "x", "main": "index.js"}',
            "nodejs/node_modules/@aws-sdk/client-dynamodb/index.js": "exports.MARK = 'from the layer'",
        }
    )
    source = "const sdk = require('@aws-sdk/client-dynamodb'); exports.handler = async () => sdk.MARK"
    assert await value(machine, source, name="app.js", layers=(layer,)) == "from the layer"


async def test_the_console_in_text_and_in_json(machine: Machine) -> None:
    machine.host = RecordingHost()
    source = """export const handler = async () => {
  console.log('two\\nlines', { a: 1 }); console.debug('fine'); console.error('%s!', 'bad')
}"""
    await machine.invoke(node(machine, source))
    lines = [event for event in machine.host.events if f"\t{ID}\t" in event]
    assert [line.split("\t", 2)[2] for line in lines] == [
        "INFO\ttwo\nlines { a: 1 }\n", "DEBUG\tfine\n", "ERROR\tbad!\n",
    ]  # fmt: skip
    machine.host = RecordingHost()
    await machine.invoke(node(machine, source, log_format="JSON", application_log_level="WARN"))
    records = [json.loads(event) for event in machine.host.events if event.startswith("{")]
    assert [(one["level"], one["message"], one["requestId"]) for one in records if "level" in one] == [
        ("ERROR", "bad!", ID)
    ]


async def test_a_response_is_streamed(machine: Machine) -> None:
    source = """export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-a': 'b' } })
  for (const piece of event) { stream.write(piece); await new Promise((resolve) => setTimeout(resolve, 20)) }
  stream.end()
})"""
    pieces, outcome, content_type = await machine.stream(node(machine, source), ["one", "two"])
    assert content_type == "application/vnd.awslambda.http-integration-response"
    assert b"".join(pieces) == b'{"statusCode":201,"headers":{"x-a":"b"}}' + bytes(8) + b"onetwo"
    assert len(pieces) >= 2
    assert not outcome.failed
    assert outcome.log.count("REPORT") == 1


async def test_a_streamed_response_has_a_limit_of_its_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda Developer Guide, "Response streaming for Lambda functions": up to 200 MB."""
    assert runtime_api.STREAM_LIMIT == 200 * 1024 * 1024
    monkeypatch.setattr(runtime_api, "STREAM_LIMIT", 100_000)
    source = """export const handler = awslambda.streamifyResponse(async (event, stream) => {
  for (let n = 0; n < event; n += 1) stream.write('x'.repeat(10000))
  stream.end()
})"""
    function = node(machine, source)
    assert not (await machine.stream(function, 10))[1].failed
    outcome = (await machine.stream(function, 20))[1]
    assert (outcome.failed, error(outcome)[0]) == (True, "Function.ResponseSizeTooLarge")


async def test_a_stream_that_breaks_says_so_at_its_end(machine: Machine) -> None:
    source = """export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('begun'); await new Promise((resolve) => setTimeout(resolve, 20)); throw new Error('midway')
})"""
    function = node(machine, source)
    pieces, outcome, _ = await machine.stream(function)
    assert b"".join(pieces) == b"begun"
    assert error(outcome) == ("Error", "midway")
    assert error(await machine.invoke(function)) == (
        "Error",
        "midway",
    )  # buffered, it is an error like any other
    source = "export const handler = awslambda.streamifyResponse(async () => { throw new Error('at once') })"
    pieces, outcome, _ = await machine.stream(node(machine, source))
    assert (pieces, error(outcome)) == ([], ("Error", "at once"))


async def test_environments_are_reused_and_another_version_is_said(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = node(
        machine, "let n = 0; export const handler = async () => [++n, process.version]", runtime="nodejs18.x"
    )
    first, version = json.loads((await machine.invoke(function)).payload)
    second, _ = json.loads((await machine.invoke(function)).payload)
    assert (first, second) == (1, 2)
    if not version.startswith("v18."):
        assert machine.host.events[0] == f"casemate: nodejs18.x requested, running on Node.js {version[1:]}\n"
    assert "INIT_START Runtime Version: nodejs:18\n" in machine.host.events
