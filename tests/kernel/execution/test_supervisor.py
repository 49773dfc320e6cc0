"""Invocations in real environments: how they end, and what is logged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from casemate.execution import interpreters, supervisor
from casemate.execution.function import FunctionVersion, RoleCredentials
from casemate.execution.lifecycle import State
from casemate.model.errors import AwsError

from .conftest import Machine, RecordingHost

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]
ID = "11111111-2222-4333-8444-555555555555"
ECHO = "import os\nN = [0]\ndef handler(e, c):\n    N[0] += 1\n    return [N[0], os.getpid(), e]"


async def test_an_environment_is_reused_and_the_report_says_what_it_cost(machine: Machine) -> None:
    function = machine.function(ECHO)
    machine.host = RecordingHost()
    cold = await machine.invoke(function, {"a": "é"})
    warm = await machine.invoke(function, 2)
    assert json.loads(cold.payload) == [1, 2, {"a": "é"}]
    assert json.loads(warm.payload)[0] == 2
    start = f"START RequestId: {ID} Version: \\$LATEST\n"
    report = (
        f"END RequestId: {ID}\nREPORT RequestId: {ID}\tDuration: [0-9.]+ ms\tBilled Duration: [0-9]+ ms\t"
        "Memory Size: 128 MB\tMax Memory Used: [0-9]+ MB\t"
    )
    assert re.fullmatch(start + report + "Init Duration: [0-9.]+ ms\t\n", cold.log)
    assert re.fullmatch(start + report + "\n", warm.log)
    assert machine.host.events[0].startswith("INIT_START Runtime Version: python:3.")
    assert len(machine.host.streams) == 1
    assert int(re.search("Max Memory Used: ([0-9]+)", cold.log)[1]) >= 20  # type: ignore[index] - it matched above


async def test_output_is_logged_line_by_line_between_start_and_end(machine: Machine) -> None:
    machine.host = RecordingHost()
    source = """
import logging, sys
print("at init")
def handler(e, c):
    print("out")
    print("err", file=sys.stderr)
    logging.getLogger().warning("logged")
    sys.stdout.write("no newline")
    return 1
"""
    outcome = await machine.invoke(machine.function(source))
    events = machine.host.events
    assert events[1] == "at init\n"
    assert events[2].startswith("START")
    assert events[3:5] == ["out\n", "err\n"]
    assert re.fullmatch(rf"\[WARNING\]\t[0-9T:.\-]+Z\t{ID}\tlogged\n", events[5])
    assert events[6] == "no newline\n"
    assert events[7].startswith("END")
    assert "at init" not in outcome.log


async def test_a_handlers_exception_passes_through_and_is_logged_as_one_event(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = machine.function("def handler(e, c):\n    raise ValueError('no')")
    outcome = await machine.invoke(function)
    error = json.loads(outcome.payload)
    assert outcome.failed
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == ("ValueError", "no", ID)
    assert error["stackTrace"] == [
        "  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('no')\n"
    ]
    logged = next(event for event in machine.host.events if event.startswith("[ERROR]"))
    assert logged.splitlines()[:2] == ["[ERROR] ValueError: no", "Traceback (most recent call last):"]
    # The environment lives on: an exception is the function's business.
    assert machine.supervisor.environments(function.arn) == 1


async def test_an_import_error_is_tried_twice_and_reported(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = machine.function("import nowhere")
    outcome = await machine.invoke(function)
    error = json.loads(outcome.payload)
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert error["errorMessage"] == "Unable to import module 'app': No module named 'nowhere'"
    reports = [event for event in machine.host.events if event.startswith("INIT_REPORT")]
    assert [
        re.search(r"Phase: (\w+)\tStatus: error\tError Type: (\S+)\n", one).groups() for one in reports
    ] == [  # type: ignore[union-attr] - a None fails the test
        ("init", "Runtime.ImportModuleError"),
        ("invoke", "Runtime.ImportModuleError"),
    ]
    assert machine.host.events[-1].endswith("Status: error\tError Type: Runtime.ImportModuleError\t\n")
    assert machine.supervisor.environments(function.arn) == 0


async def test_a_missing_handler(machine: Machine) -> None:
    outcome = await machine.invoke(machine.function("x = 1"))
    assert json.loads(outcome.payload)["errorType"] == "Runtime.HandlerNotFound"


async def test_a_time_out_kills_whatever_runs(machine: Machine) -> None:
    machine.host = RecordingHost()
    source = """
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def handler(e, c):
    subprocess.Popen(["sleep", "987654"], start_new_session=True)
    time.sleep(30)
"""
    function = machine.function(source, timeout_seconds=1)
    began = time.monotonic()
    outcome = await machine.invoke(function)
    assert 1 <= time.monotonic() - began < 2
    assert json.loads(outcome.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {ID} Error: Task timed out after 1.00 seconds",
    }
    assert f" {ID} Task timed out after 1.00 seconds\n\n" in outcome.log
    assert outcome.log.endswith("Status: timeout\t\n")
    await asyncio.sleep(0.2)
    assert not processes_called("987654")


def processes_called(mark: str) -> list[str]:
    """Processes of any namespace whose command line is `sleep MARK`."""
    lines: list[bytes] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended meanwhile
            lines.append(path.read_bytes())
    return [line.decode() for line in lines if line == f"sleep\0{mark}\0".encode()]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("raise SystemExit(4)", "Runtime exited with error: exit status 4"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
async def test_a_runtime_that_ends_is_an_exit_error(machine: Machine, statement: str, message: str) -> None:
    outcome = await machine.invoke(machine.function(f"import os\ndef handler(e, c):\n    {statement}"))
    assert json.loads(outcome.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {ID} Error: {message}",
    }
    assert outcome.log.endswith("Status: error\tError Type: Runtime.ExitError\t\n")


async def test_too_much_memory_ends_it(machine: Machine) -> None:
    source = """
import time
def handler(e, c):
    held = bytearray(300 << 20)
    held[::4096] = b"1" * len(held[::4096])
    time.sleep(5)
"""
    outcome = await machine.invoke(machine.function(source, timeout_seconds=6))
    assert json.loads(outcome.payload)["errorType"] == "Runtime.OutOfMemory"
    assert "Max Memory Used: 128 MB" in outcome.log
    fine = await machine.invoke(
        machine.function(source.replace("5", "0.2"), memory_mb=512, timeout_seconds=30)
    )
    assert not fine.failed


async def test_responses_up_to_six_megabytes_and_no_more(machine: Machine) -> None:
    function = machine.function("def handler(e, c): return 'x' * e")
    fits = await machine.invoke(function, 6_291_554)
    assert len(fits.payload) == 6_291_556
    outcome = await machine.invoke(function, 6_291_555)
    assert json.loads(outcome.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes).",
    }
    again = await machine.invoke(function, 1)
    assert again.payload == b'"x"'


async def test_a_large_event_arrives_whole(machine: Machine) -> None:
    function = machine.function("def handler(e, c): return len(e)")
    assert (await machine.invoke(function, "y" * 5_000_000)).payload == b"5000000"


async def test_invocations_at_the_same_time_have_environments_of_their_own(machine: Machine) -> None:
    function = machine.function(
        "import time, uuid\nME = str(uuid.uuid4())\ndef handler(e, c):\n    time.sleep(0.3)\n    return ME"
    )
    began = time.monotonic()
    outcomes = await asyncio.gather(*(machine.invoke(function) for _ in range(4)))
    assert time.monotonic() - began < 1.1
    assert len({outcome.payload for outcome in outcomes}) == 4
    assert machine.supervisor.environments(function.arn) == 4


async def test_concurrency_beyond_the_reservation_is_throttled(machine: Machine) -> None:
    function = machine.function("import time\ndef handler(e, c): time.sleep(0.3)")
    results = await asyncio.gather(
        *(machine.invoke(function, reserved=1) for _ in range(2)), return_exceptions=True
    )
    [error] = [result for result in results if isinstance(result, AwsError)]
    assert (error.code, error.http_status) == ("TooManyRequestsException", 429)
    assert error.fields["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    with pytest.raises(AwsError, match="Rate Exceeded"):
        await machine.invoke(function, reserved=0)
    with pytest.raises(AwsError) as caught:
        await machine.invoke(function, unreserved_limit=0)
    assert caught.value.fields["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert not (await machine.invoke(function, reserved=1)).failed


async def test_a_new_revision_gets_new_environments_and_the_busy_one_finishes(machine: Machine) -> None:
    source = "import time\ndef handler(e, c):\n    print('begun')\n    time.sleep(0.4)\n    return 'old'"
    old = machine.function(source)
    changed: dict[str, Any] = {field: getattr(old, field) for field in ("arn", "name", "log_group")}
    new = machine.function("def handler(e, c): return 'new'", revision="2", **changed)
    machine.host.events.clear()
    running = asyncio.create_task(machine.invoke(old))
    while [one.state for one in machine.environments(old)] != [State.BUSY]:  # noqa: ASYNC110 - it tells only the supervisor
        await asyncio.sleep(0.001)
    machine.supervisor.retire(old.arn)
    assert (await machine.invoke(new)).payload == b'"new"'
    assert (await running).payload == b'"old"'
    assert machine.supervisor.environments(old.arn) == 1


async def test_environments_are_spread_over_the_interfaces(machine: Machine) -> None:
    function = machine.function(
        "import time\ndef handler(e, c): time.sleep(0.2)", interfaces=("eni-a", "eni-b")
    )
    before = len(machine.network.attached)
    await asyncio.gather(*(machine.invoke(function) for _ in range(4)))
    assert sorted(str(one) for one in machine.network.attached[before:]) == [
        "eni-a",
        "eni-a",
        "eni-b",
        "eni-b",
    ]


async def test_idle_environments_end(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    function = machine.function(ECHO)
    await machine.invoke(function)
    machine.supervisor.reap_idle()
    assert machine.supervisor.environments(function.arn) == 1
    await asyncio.sleep(0.05)
    monkeypatch.setattr(
        machine.supervisor, "settings", replace(machine.supervisor.settings, idle_seconds=0.01)
    )
    machine.supervisor.reap_idle()
    assert machine.supervisor.environments(function.arn) == 0


async def test_an_environment_whose_credentials_end_soon_is_not_reused(machine: Machine) -> None:
    class ShortLived(RecordingHost):
        def credentials(self, function: FunctionVersion) -> RoleCredentials:
            soon = datetime.now(UTC) + timedelta(seconds=1)
            return RoleCredentials(access_key_id="A", secret_access_key="B", session_token="C", expires=soon)

    machine.host = ShortLived()
    function = machine.function(ECHO)
    first = await machine.invoke(function)
    second = await machine.invoke(function)
    assert json.loads(first.payload)[0] == json.loads(second.payload)[0] == 1
    machine.host = RecordingHost()


async def test_another_version_of_python_is_said_in_the_log(machine: Machine) -> None:
    machine.host = RecordingHost()
    await machine.invoke(machine.function(ECHO, runtime="python3.8", notes=("something else",)))
    nearest = min(interpreters.find().pythons, key=lambda one: one.version)
    assert machine.host.events[:2] == [
        f"casemate: python3.8 requested, running on python{nearest.name}\n",
        "casemate: something else\n",
    ]


async def test_initialization_that_takes_too_long_is_tried_again_under_the_functions_time_out(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "INIT_SECONDS", 0.3)
    machine.host = RecordingHost()
    slow = "import time\ntime.sleep(0.6)\ndef handler(e, c): return 1"
    outcome = await machine.invoke(machine.function(slow, timeout_seconds=3))
    assert outcome.payload == b"1"
    [init] = [event for event in machine.host.events if event.startswith("INIT_REPORT")]
    assert init.endswith("Phase: init\tStatus: timeout\n")
    stuck = await machine.invoke(machine.function(slow.replace("0.6", "9"), timeout_seconds=1))
    assert json.loads(stuck.payload)["errorType"] == "Sandbox.Timedout"


async def test_background_work_of_a_finished_invocation_does_not_keep_the_caller(machine: Machine) -> None:
    source = "import threading, time\ndef handler(e, c):\n    threading.Thread(target=time.sleep, args=(2,)).start()"
    began = time.monotonic()
    await machine.invoke(machine.function(source))
    assert time.monotonic() - began < 1


async def test_a_runtime_that_ends_while_idle_is_replaced(machine: Machine) -> None:
    source = """
import os, threading, time
def handler(e, c):
    threading.Thread(target=lambda: (time.sleep(0.005), os._exit(1)), daemon=True).start()
    return 1
"""
    function = machine.function(source)
    assert (await machine.invoke(function)).payload == b"1"
    await asyncio.sleep(0.3)
    assert machine.supervisor.environments(function.arn) == 0
    assert (await machine.invoke(function)).payload == b"1"


async def test_a_runtime_that_breaks_the_protocol_is_told_so_and_served_on(machine: Machine) -> None:
    """A second `next`, an answer to somebody else's invocation, a late init error: 403 and 400, as on AWS."""
    source = """
import http.client, json
def call(method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1:9001")
    connection.request(method, "/2018-06-01/runtime/" + path, body)
    response = connection.getresponse()
    return [response.status, json.loads(response.read())["errorType"]]
def handler(e, c):
    return [call("GET", "invocation/next"), call("POST", "invocation/other/response", "1"), call("POST", "init/error", "{}")]
"""
    function = machine.function(source)
    for _ in range(2):
        outcome = await machine.invoke(function)
        assert json.loads(outcome.payload) == [
            [403, "InvalidStateTransition"],
            [400, "InvalidRequestID"],
            [403, "InvalidStateTransition"],
        ]


async def test_a_second_request_for_work_does_not_take_the_firsts_place(machine: Machine) -> None:
    """It comes while the first one waits: over a socket of the environment's own network, whatever is frozen there."""
    function = machine.function(ECHO)
    await machine.invoke(function, 1)
    (environment,) = machine.environments(function)
    while environment.state is not State.IDLE:  # noqa: ASYNC110 - it tells only the supervisor
        await asyncio.sleep(0.001)
    with await environment._processes.connection() as late:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(late, ("127.0.0.1", 9001))
        await loop.sock_sendall(late, b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await loop.sock_recv(late, 4096)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"InvalidStateTransition" in answer
    assert json.loads((await machine.invoke(function, "e")).payload) == [2, 2, "e"]
    assert machine.environments(function) == [environment]


async def test_a_function_that_floods_its_log_does_not_stop_the_others(machine: Machine) -> None:
    flood = machine.function(
        "import time\ndef handler(e, c):\n    end = time.time() + 1\n    while time.time() < end: print('x' * 4000)",
        timeout_seconds=5,
    )
    machine.host = RecordingHost()
    echo = machine.function(ECHO)
    await machine.invoke(echo)
    running = asyncio.create_task(machine.invoke(flood))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await machine.invoke(echo)
    assert time.monotonic() - began < 0.5
    outcome = await running
    assert not outcome.failed
    assert len(outcome.log) < 100_000
    assert outcome.log.count("REPORT RequestId") == 1


async def test_an_interface_that_is_not_there_yet_is_waited_for_and_one_that_never_comes_is_an_error(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach, asked = machine.network.attach_environment, []

    async def late(interface: str | None) -> Any:
        asked.append(interface)
        if interface == "eni-never" or len(asked) < 3:
            raise RuntimeError("no such interface in the kernel")
        return await attach(interface)

    monkeypatch.setattr(machine.network, "attach_environment", late)
    assert (await machine.invoke(machine.function(ECHO, interfaces=("eni-late",)))).failed is False
    never = machine.function(ECHO, interfaces=("eni-never",))
    with pytest.raises(AwsError) as caught:
        await machine.invoke(never)
    assert (caught.value.code, caught.value.http_status) == ("ResourceNotReadyException", 502)
    assert machine.supervisor.environments(never.arn) == 0


async def test_an_environment_retired_while_it_initializes_ends_and_its_invocation_is_tried_again(
    machine: Machine,
) -> None:
    """As when a function's configuration is changed during its first invocation."""
    source = "import time\ntime.sleep(0.5)\ndef handler(e, c):\n    return e"
    function = machine.function(source, timeout_seconds=10)
    invoking = asyncio.create_task(machine.invoke(function, 7))
    await asyncio.sleep(0.25)
    (first,) = machine.environments(function)
    machine.supervisor.retire(function.arn)
    async with asyncio.timeout(5):
        await first.closed
        outcome = await invoking
    assert (outcome.failed, json.loads(outcome.payload)) == (False, 7)
