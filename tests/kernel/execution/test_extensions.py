"""External and internal extensions, and telemetry.

Source: Lambda Developer Guide, "Using the Lambda Extensions API to create extensions", "Accessing real-time telemetry
data for extensions using the Telemetry API".
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import pytest

from casemate.execution.function import FunctionVersion

from .conftest import ID, Machine, RecordingHost

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

CLIENT = """
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, **headers):
    api.request(method, path, None if body is None else json.dumps(body), {k.replace("_", "-"): v for k, v in headers.items()})
    answer = api.getresponse()
    return answer.status, answer.headers, json.loads(answer.read())
def register(name, events, **more):
    return call("POST", "/2020-01-01/extension/register", {"events": events}, Lambda_Extension_Name=name, **more)
"""
EXTENSION = (
    "#!/usr/bin/env python3\n"
    + CLIENT
    + """
status, headers, about = register(os.path.basename(sys.argv[0]), ["INVOKE", "SHUTDOWN"], Lambda_Extension_Accept_Feature="accountId")
me = headers["Lambda-Extension-Identifier"]
print("registered", json.dumps(about))
{more}
while True:
    _, headers, event = call("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=me)
    print("event", json.dumps(event), flush=True)
    open("/tmp/seen", "a").write(event["eventType"] + " ")
    {on_event}
    if event["eventType"] == "SHUTDOWN":
        break
"""
)
SEEN = (
    "def handler(e, c): return open('/tmp/seen').read() if __import__('os').path.exists('/tmp/seen') else ''"
)


def extended(
    machine: Machine, source: str, *, more: str = "", on_event: str = "pass", **changes: Any
) -> FunctionVersion:
    text = EXTENSION.replace("{more}", more).replace("{on_event}", on_event)
    layer = machine.unpacked({"extensions/watcher": text})
    return machine.function(source, layers=(layer,), **changes)


def events(host: RecordingHost) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in host.events if line.startswith("event ")]


async def logged(host: RecordingHost, text: str, seconds: float = 4.0) -> str:
    """The first line with `text`, waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for line in host.events:
            if text in line:
                return line
        await asyncio.sleep(0.02)
    raise AssertionError(f"{text!r} is not in {host.events}")


async def test_an_external_extension_sees_every_invocation_and_the_shutdown(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = extended(machine, "import os\ndef handler(e, c): return e")
    for event in (1, 2):
        outcome = await machine.invoke(function, event)
        assert outcome.payload == str(event).encode()
        await logged(machine.host, f"REPORT RequestId: {ID}")
    machine.supervisor.retire(function.arn)
    await logged(machine.host, '"SHUTDOWN"')
    about = json.loads((await logged(machine.host, "registered ")).removeprefix("registered "))
    assert about == {
        "functionName": function.name, "functionVersion": "$LATEST", "handler": "app.handler",
        "accountId": "000000000000",
    }  # fmt: skip
    first, second, last = events(machine.host)
    assert first == second | {"deadlineMs": first["deadlineMs"]}
    assert first.keys() == {"eventType", "deadlineMs", "requestId", "invokedFunctionArn", "tracing"}
    assert (first["eventType"], first["requestId"], first["invokedFunctionArn"]) == (
        "INVOKE",
        ID,
        function.arn,
    )
    assert (last["eventType"], last["shutdownReason"]) == ("SHUTDOWN", "spindown")
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n" in machine.host.events


async def test_the_caller_does_not_wait_for_extensions_but_the_report_does(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = extended(machine, "def handler(e, c): return 1", on_event="time.sleep(0.4)")
    await machine.invoke(function)
    began = time.monotonic()
    # The environment is busy until the extension is done: the next invocation has another one.
    await logged(machine.host, "event")
    assert not any(line.startswith("REPORT") for line in machine.host.events)
    line = await logged(machine.host, "REPORT")
    assert time.monotonic() - began >= 0.3
    assert float(re.search(r"\tDuration: ([0-9.]+)", line)[1]) >= 400  # type: ignore[index] - it is in every report


async def test_an_extension_that_never_ends_is_cut_off_by_the_functions_time_out(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = extended(
        machine, "def handler(e, c): return 1", timeout_seconds=1,
        on_event="time.sleep(30 if event['eventType'] == 'INVOKE' else 0)",
    )  # fmt: skip
    assert (await machine.invoke(function)).payload == b"1"
    assert "Status: timeout" in await logged(machine.host, "REPORT")
    await asyncio.sleep(0.1)
    assert machine.supervisor.environments(function.arn) == 0


async def test_a_time_out_of_the_function_is_told_to_the_extension(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = extended(machine, "import time\ndef handler(e, c): time.sleep(30)", timeout_seconds=1)
    assert b"Task timed out after 1.00 seconds" in (await machine.invoke(function)).payload
    assert '"shutdownReason": "timeout"' in await logged(machine.host, '"SHUTDOWN"')


async def test_the_runtime_is_told_to_end_before_it_is_ended(machine: Machine) -> None:
    """ "Lambda reserves up to 300 ms [...] for the runtime process to perform a graceful shutdown"."""
    machine.host = RecordingHost()
    source = """
import signal, sys
def leave(*_):
    print("leaving in order", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
def handler(e, c): return 1
"""
    function = extended(machine, source, runtime="python3.12")
    await machine.invoke(function)
    await logged(machine.host, "REPORT")
    machine.supervisor.retire(function.arn)
    await logged(machine.host, "leaving in order")


async def test_an_extension_that_does_not_leave_is_ended_after_two_seconds(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = extended(
        machine, "def handler(e, c): return 1", on_event="time.sleep(30 * (event['eventType'] != 'INVOKE'))"
    )
    await machine.invoke(function)
    await logged(machine.host, "REPORT")
    (environment,) = machine.environments(function)
    began = time.monotonic()
    machine.supervisor.retire(function.arn)
    await environment.closed
    assert 1.9 <= time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("more", "kind", "message"),
    [
        ("sys.exit(3)", "Extension.Crash", "exit status 3"),
        ("sys.exit()", "Extension.Crash", "exit code 0"),
        (
            "call('POST', '/2020-01-01/extension/init/error', {}, Lambda_Extension_Identifier=me,"
            " Lambda_Extension_Function_Error_Type='Extension.NoConfig')",
            "Extension.InitError", "Extension.NoConfig",
        ),
    ],
)  # fmt: skip
async def test_an_extension_that_fails_to_initialize_fails_the_environment(
    machine: Machine, more: str, kind: str, message: str
) -> None:
    outcome = await machine.invoke(extended(machine, SEEN, more=more))
    assert json.loads(outcome.payload) == {
        "errorType": kind, "errorMessage": f"RequestId: {ID} Error: {message}",
    }  # fmt: skip


async def test_an_extension_that_cannot_be_started(machine: Machine) -> None:
    layer = machine.unpacked({"extensions/broken": "#!/nowhere\n"})
    outcome = await machine.invoke(machine.function(SEEN, layers=(layer,)))
    error = json.loads(outcome.payload)
    assert error["errorType"] == "Extension.LaunchError"
    assert "fork/exec /opt/extensions/broken: no such file or directory" in error["errorMessage"]


async def test_what_an_extension_sees_of_the_environment(machine: Machine) -> None:
    machine.host = RecordingHost()
    more = "print('names', ' '.join(sorted(os.environ)), os.getuid(), os.getppid(), flush=True)"
    await machine.invoke(extended(machine, SEEN, more=more, variables={"TABLE": "t"}))
    names = (await logged(machine.host, "names ")).split()[1:]
    assert names[-2:] == ["993", "1"]
    assert {"TABLE", "AWS_SECRET_ACCESS_KEY", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME"} <= set(
        names
    )
    assert not {"_HANDLER", "AWS_EXECUTION_ENV", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_LOG_GROUP_NAME"} & set(names)


async def test_an_internal_extension(machine: Machine) -> None:
    source = (
        CLIENT
        + """
import threading
refused = register("inner", ["SHUTDOWN"])
status, headers, _ = register("inner", ["INVOKE"])
me = headers["Lambda-Extension-Identifier"]
seen = []
answers = [refused[2]["errorType"], register("inner", [])[2]["errorType"], register("b", ["x"])[2]["errorType"],
           register("", [])[2]["errorType"],
           call("GET", "/2020-01-01/extension/event/next")[2]["errorType"],
           call("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier="x")[2]["errorType"]]
def loop():
    while True:
        seen.append(call("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=me)[2]["eventType"])
threading.Thread(target=loop, daemon=True).start()
def handler(e, c):
    time.sleep(0.1)
    import http.client
    other = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    other.request("POST", "/2020-01-01/extension/register", '{"events": []}', {"Lambda-Extension-Name": "late"})
    return [answers, seen, json.loads(other.getresponse().read())["errorType"]]
"""
    )
    answers, seen, late = json.loads((await machine.invoke(machine.function(source))).payload)
    assert answers == [
        "Extension.InvalidEventType", "Extension.InvalidExtensionState", "Extension.InvalidEventType",
        "Extension.InvalidExtensionName", "Extension.MissingHeader", "Extension.UnknownExtensionIdentifier",
    ]  # fmt: skip
    assert seen == ["INVOKE"]
    assert late == "Extension.RegistrationClosed"


LISTENER = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        for one in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            if one["type"] != "extension":
                print("telemetry", json.dumps(one), flush=True)
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
server = HTTPServer(("sandbox.localdomain", 4243), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
def subscribe(uri, types, timeout):
    return call("PUT", "/2022-07-01/telemetry", {"schemaVersion": "2022-12-13", "types": types,
        "destination": {"protocol": "HTTP", "URI": uri}, "buffering": {"timeoutMs": timeout}}, Lambda_Extension_Identifier=me)
for uri, types, timeout in (("http://example.com/", ["platform"], 25), ("http://sandbox.localdomain:9001/", ["platform"], 25),
                            ("http://sandbox.localdomain:4243/", ["other"], 25), ("http://sandbox:4243/", ["platform"], 1)):
    assert subscribe(uri, types, timeout)[0] == 400
assert subscribe("http://sandbox.localdomain:4243/", ["platform", "function"], 25)[::2] == (200, "OK")
"""


async def test_telemetry_is_delivered_inside_the_sandbox(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = extended(
        machine,
        "def handler(e, c):\n    print('a line')\n    return 'four'",
        more=LISTENER,
        on_event="time.sleep(0.15)",
    )
    await machine.invoke(function)
    await logged(machine.host, "REPORT")
    machine.supervisor.retire(function.arn)
    await logged(machine.host, "platform.report")
    told = [json.loads(line[10:]) for line in machine.host.events if line.startswith("telemetry ")]
    by_type = {one["type"]: one["record"] for one in told}
    assert list(by_type) == [
        "platform.initStart", "platform.telemetrySubscription", "platform.extension", "platform.initRuntimeDone",
        "platform.initReport", "platform.start", "function", "platform.runtimeDone", "platform.report",
    ]  # fmt: skip
    assert by_type["function"] == "a line\n"
    assert by_type["platform.runtimeDone"]["metrics"]["producedBytes"] == 6
    spans = {one["name"]: one["durationMs"] for one in by_type["platform.runtimeDone"]["spans"]}
    assert spans.keys() == {"responseLatency", "responseDuration", "runtimeOverhead"}
    assert by_type["platform.runtimeDone"]["metrics"]["durationMs"] == pytest.approx(
        sum(spans.values()), abs=0.01
    )
    (overhead,) = by_type["platform.report"]["spans"]
    assert overhead["name"] == "extensionOverhead"
    assert overhead["durationMs"] >= 100, "the extension sleeps after the function has answered"
    begun = by_type["platform.initStart"]
    assert (begun["initializationType"], begun["phase"]) == ("on-demand", "init")
    assert (begun["functionName"], begun["functionVersion"]) == (function.name, "$LATEST")
    assert by_type["platform.extension"] == {
        "name": "watcher", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"],
    }  # fmt: skip
    assert by_type["platform.telemetrySubscription"]["types"] == ["platform", "function"]
    assert by_type["platform.report"]["status"] == "success"
    assert by_type["platform.report"]["metrics"].keys() == {
        "durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs",
    }  # fmt: skip
    assert "TELEMETRY\tName: watcher\tState: Subscribed\tTypes: [Platform, Function]\n" in machine.host.events


async def test_what_waits_is_sent_when_the_runtime_ends(machine: Machine) -> None:
    """ "If any of the input streams are closed, Lambda flushes the logs. [...] if the runtime crashes"."""
    machine.host = RecordingHost()
    patient = LISTENER.replace('["platform", "function"], 25)', '["platform", "function"], 30_000)')
    assert patient != LISTENER
    source = "import os\ndef handler(e, c):\n    print('the last line', flush=True)\n    os._exit(1)"
    await machine.invoke(extended(machine, source, more=patient))
    await logged(machine.host, '"record": "the last line')
    report = json.loads((await logged(machine.host, '"platform.report"')).removeprefix("telemetry "))
    assert (report["record"]["status"], report["record"]["errorType"]) == ("error", "Runtime.ExitError")
    assert any(line.startswith("REPORT") for line in machine.host.events)
