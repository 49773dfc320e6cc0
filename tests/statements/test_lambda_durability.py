"""Asynchronous events survive the end of everything: each that was accepted is processed at least once."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.instance import Instance
from tests.support.private_table import PrivateTable, unique, zipped

pytestmark = pytest.mark.kernel
SOURCE = (
    "import boto3, os, time\n"
    "client = boto3.client('dynamodb')\n"
    "def handler(event, context):\n"
    "    time.sleep(0.05)\n"
    "    client.put_item(TableName=os.environ['TABLE'], Item={'id': {'S': event['id']}})\n"
    "    return event\n"
)
EVENTS, CALLERS = 60, 6
FORK_SERVER, HELPER = "casemate.execution.sandbox.server", "casemate.dataplane.kernel.helper"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    made = Instance(tmp_path / "data", "--dataplane", "kernel").start()
    yield made
    if made.process is not None:
        made.stop()


def test_events_are_processed_at_least_once_though_everything_is_killed_in_the_middle(
    instance: Instance,
) -> None:
    accepted, answers = burst(instance, events=EVENTS, callers=CALLERS)
    assert accepted
    assert answers["answered"] + answers["failed"] == CALLERS, (
        "a synchronous caller gets an answer or an error"
    )


@pytest.mark.parametrize("program", [FORK_SERVER, HELPER])
def test_a_process_of_casemate_is_killed_and_the_events_are_processed_without_a_restart(
    instance: Instance, program: str
) -> None:
    accepted, answers = burst(instance, events=EVENTS, callers=CALLERS, end=lambda it: kill_part(it, program))
    assert accepted
    assert answers["answered"] + answers["failed"] == CALLERS, (
        "a synchronous caller gets an answer or an error"
    )


def everything(instance: Instance) -> None:
    """Kill -9, and start again."""
    instance.kill()
    instance.start()


def kill_part(instance: Instance, program: str) -> None:
    """Kill -9 the instance's process that runs that module, and not what it forked; nobody starts anything again."""
    assert instance.process is not None
    deadline = time.monotonic() + 20
    found: list[tuple[int, int]] = []
    while not found and time.monotonic() < deadline:  # the first invocation makes it
        found = [
            (pid, parent) for pid, parent in descendants(instance.process.pid) if program in command(pid)
        ]
    assert found, f"no {program} below the instance"
    forked_by = {pid for pid, _ in found}
    for pid, parent in found:
        if parent not in forked_by:
            os.kill(pid, signal.SIGKILL)


def descendants(root: int) -> list[tuple[int, int]]:
    """The processes below `root`, with their parents."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # ended meanwhile
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [(pid, root) for pid in children.get(root, [])]
    for pid, _ in found:
        found += [(child, pid) for child in children.get(pid, [])]
    return found


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:  # ended meanwhile
        return ""


def burst(
    instance: Instance,
    *,
    events: int,
    callers: int,
    concurrency: int = 4,
    seconds: float = 150,  # an attempt that was cut off is made again after a minute
    end: Callable[[Instance], None] = everything,
) -> tuple[set[str], dict[str, int]]:
    """Invoke, bring about the `end` in the middle, and wait until every accepted event left its mark."""
    world = PrivateTable(instance)
    table, function = world.table(), unique("function")
    world.lambda_.create_function(
        FunctionName=function, Runtime="python3.12", Handler="m.handler", Timeout=20,
        Role=world.role(),
        Code={"ZipFile": zipped({"m.py": SOURCE})}, Environment={"Variables": {"TABLE": table}},
    )  # fmt: skip
    world.lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=concurrency)
    accepted: set[str] = set()
    answers = {"answered": 0, "failed": 0}
    lock = threading.Lock()

    def call(number: int) -> None:
        client = instance.client("lambda")
        try:
            client.invoke(FunctionName=function, Payload=json.dumps({"id": f"sync-{number}"}))
            outcome = "answered"
        except Exception:  # throttled, or the instance was killed: that is an answer too
            outcome = "failed"
        with lock:
            answers[outcome] += 1

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for number in range(events):
        key = f"event-{number}"
        world.lambda_.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps({"id": key}))
        accepted.add(key)
        if number == events // 2:
            for thread in threads:
                thread.start()
    end(instance)
    for thread in threads:
        thread.join()
    client: Any = instance.client("dynamodb")
    deadline = time.monotonic() + seconds
    while True:
        pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        present = {item["id"]["S"] for page in pages for item in page["Items"]}
        if accepted <= present:
            return accepted, answers
        assert time.monotonic() < deadline, f"{len(accepted - present)} of {len(accepted)} events were lost"
        time.sleep(0.2)
