"""CloudWatch Logs through boto3, in this process."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud

from casemate.servicekit.store import Store
from casemate.services import logs
from casemate.services.logs import backlog

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


@pytest.fixture
def cloud() -> DirectCloud:
    store = Store(None)
    return DirectCloud(store, logs.build(store, None, clock=lambda: NOW))


@pytest.fixture
def client(cloud: DirectCloud) -> Any:
    client = cloud.client("logs")
    client.create_log_group(logGroupName="/app")
    client.create_log_stream(logGroupName="/app", logStreamName="one")
    return client


def put(client: Any, *messages: str, stream: str = "one", group: str = "/app", at: int = NOW_MS) -> Any:
    events = [{"timestamp": at + i, "message": message} for i, message in enumerate(messages)]
    return client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def test_events_are_read_forward_and_backward_in_pages_and_the_end_gives_the_same_token(client: Any) -> None:
    put(client, *"abcdef")
    where = {"logGroupName": "/app", "logStreamName": "one", "limit": 4}
    head = client.get_log_events(startFromHead=True, **where)
    assert [e["message"] for e in head["events"]] == list("abcd")
    rest = client.get_log_events(nextToken=head["nextForwardToken"], **where)
    assert [e["message"] for e in rest["events"]] == list("ef")
    end = client.get_log_events(nextToken=rest["nextForwardToken"], **where)
    assert end["events"] == []
    assert end["nextForwardToken"] == rest["nextForwardToken"]
    put(client, "g", at=NOW_MS + 10)
    more = client.get_log_events(nextToken=end["nextForwardToken"], **where)
    assert [e["message"] for e in more["events"]] == ["g"]
    back = client.get_log_events(nextToken=rest["nextBackwardToken"], **where)
    assert [e["message"] for e in back["events"]] == list("abcd")
    start = client.get_log_events(nextToken=back["nextBackwardToken"], **where)
    assert start["events"] == []
    assert start["nextBackwardToken"] == back["nextBackwardToken"]


def test_without_start_from_head_the_latest_events_come_first(client: Any) -> None:
    put(client, *"abcdef")
    page = client.get_log_events(logGroupName="/app", logStreamName="one", limit=2)
    assert [e["message"] for e in page["events"]] == ["e", "f"]


def test_time_range_start_is_inclusive_and_end_exclusive(client: Any) -> None:
    put(client, *"abc")
    page = client.get_log_events(
        logGroupName="/app", logStreamName="one", startTime=NOW_MS, endTime=NOW_MS + 2
    )
    assert [e["message"] for e in page["events"]] == ["a", "b"]


def test_filter_merges_streams_by_time_and_pages(client: Any) -> None:
    client.create_log_stream(logGroupName="/app", logStreamName="two")
    put(client, "ERROR one", "fine", at=NOW_MS)
    put(client, "ERROR two", "ERROR three", stream="two", at=NOW_MS + 1)
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName="/app", filterPattern="ERROR", PaginationConfig={"PageSize": 1}
    )
    assert [e["message"] for page in pages for e in page["events"]] == [
        "ERROR one",
        "ERROR two",
        "ERROR three",
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ["ERROR 404 not found", "WARN slow", "all is well"]),
        ("ERROR", ["ERROR 404 not found"]),
        ("error", []),
        ('"not found"', ["ERROR 404 not found"]),
        ("?ERROR ?WARN", ["ERROR 404 not found", "WARN slow"]),
        ("-ERROR", ["WARN slow", "all is well"]),
        ("ERROR 404", ["ERROR 404 not found"]),
        ("ERROR slow", []),
    ],
)
def test_filter_patterns(client: Any, pattern: str, expected: list[str]) -> None:
    put(client, "ERROR 404 not found", "WARN slow", "all is well")
    found = client.filter_log_events(logGroupName="/app", filterPattern=pattern)
    assert [e["message"] for e in found["events"]] == expected


@pytest.mark.parametrize("pattern", ['{ $.level = "ERROR" }', "[ip, user]", "%E.*%", 'say "'])
def test_patterns_that_are_not_understood_are_refused(client: Any, pattern: str) -> None:
    with pytest.raises(ClientError) as error:
        client.filter_log_events(logGroupName="/app", filterPattern=pattern)
    assert code(error) == "InvalidParameterException"


def test_what_does_not_exist_or_exists_already(client: Any) -> None:
    for call, expected in [
        (lambda: client.create_log_group(logGroupName="/app"), "ResourceAlreadyExistsException"),
        (
            lambda: client.create_log_stream(logGroupName="/app", logStreamName="one"),
            "ResourceAlreadyExistsException",
        ),
        (
            lambda: client.create_log_stream(logGroupName="/no", logStreamName="x"),
            "ResourceNotFoundException",
        ),
        (lambda: client.get_log_events(logGroupName="/app", logStreamName="x"), "ResourceNotFoundException"),
        (lambda: client.delete_log_group(logGroupName="/no"), "ResourceNotFoundException"),
        (lambda: client.create_log_group(logGroupName="a b"), "InvalidParameterException"),
        (
            lambda: client.put_retention_policy(logGroupName="/app", retentionInDays=2),
            "InvalidParameterException",
        ),
        (
            lambda: client.get_log_events(logGroupName="/app", logStreamName="one", nextToken="x"),
            "InvalidParameterException",
        ),
    ]:
        with pytest.raises(ClientError) as error:
            call()
        assert code(error) == expected


def test_put_refuses_disorder_and_reports_events_too_old_or_too_new(client: Any) -> None:
    with pytest.raises(ClientError, match="chronological order"):
        client.put_log_events(
            logGroupName="/app",
            logStreamName="one",
            logEvents=[{"timestamp": NOW_MS, "message": "a"}, {"timestamp": NOW_MS - 1, "message": "b"}],
        )
    with pytest.raises(ClientError, match="Upload too large: 1048602 bytes exceeds limit of 1048576"):
        put(client, "x" * 1_048_576)
    old = put(client, "old", at=NOW_MS - 15 * 86_400_000)
    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    new = put(client, "new", at=NOW_MS + 3 * 3_600_000)
    assert new["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 0}
    assert client.filter_log_events(logGroupName="/app")["events"] == []


def test_streams_are_listed_by_name_or_by_last_event(client: Any) -> None:
    client.create_log_stream(logGroupName="/app", logStreamName="alpha")
    put(client, "late", stream="alpha", at=NOW_MS + 100)
    put(client, "early", stream="one", at=NOW_MS)
    names = [s["logStreamName"] for s in client.describe_log_streams(logGroupName="/app")["logStreams"]]
    assert names == ["alpha", "one"]
    by_time = client.describe_log_streams(logGroupName="/app", orderBy="LastEventTime", descending=True)
    assert [s["logStreamName"] for s in by_time["logStreams"]] == ["alpha", "one"]
    assert by_time["logStreams"][1]["lastEventTimestamp"] == NOW_MS


def test_groups_have_retention_tags_and_stored_bytes(client: Any) -> None:
    client.put_retention_policy(logGroupName="/app", retentionInDays=7)
    put(client, "12345")
    client.tag_log_group(logGroupName="/app", tags={"a": "1", "b": "2"})
    [group] = client.describe_log_groups(logGroupNamePrefix="/a")["logGroups"]
    assert group["retentionInDays"] == 7
    assert group["storedBytes"] == 31
    arn = group["arn"].removesuffix(":*")
    client.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    client.delete_retention_policy(logGroupName="/app")
    assert "retentionInDays" not in client.describe_log_groups()["logGroups"][0]


def test_accounts_do_not_see_each_other(cloud: DirectCloud, client: Any) -> None:
    assert cloud.client("logs", account="111111111111").describe_log_groups()["logGroups"] == []
    assert cloud.client("logs", region="eu-west-1").describe_log_groups()["logGroups"] == []


async def test_the_sink_makes_what_is_missing_and_events_survive_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        store = Store(tmp_path / "state.sqlite")
        service = logs.build(store, tmp_path, clock=lambda: NOW)
        service.state.write(
            account="000000000000",
            region="us-east-2",
            group="/aws/lambda/f",
            stream="s",
            events=[(NOW_MS, "hi\n")],
        )
        client = DirectCloud(store, service).client("logs")
        events = client.filter_log_events(logGroupName="/aws/lambda/f")["events"]
        service.state.close()
        store.close()
    assert [e["message"] for e in events] == ["hi\n", "hi\n"]


def say(state: logs.LogsState, *messages: str, stream: str = "s") -> None:
    """As another service does."""
    events = [(NOW_MS, message) for message in messages]
    state.write(account="000000000000", region="us-east-2", group="/f", stream=stream, events=events)


def committed(path: Path) -> list[str]:
    """What another process sees, and what is there after `kill -9`."""
    with closing(sqlite3.connect(path / "logs.sqlite")) as db:
        return [row[0] for row in db.execute("SELECT message FROM events ORDER BY seq")]


async def test_what_services_log_is_written_together_soon_and_at_the_end(tmp_path: Path) -> None:
    service = logs.build(Store(None), tmp_path, clock=lambda: NOW)
    say(service.state, "a1")
    say(service.state, "b1", stream="t")
    say(service.state, "a2", "a3")
    assert committed(tmp_path) == []
    await asyncio.sleep(backlog.SECONDS * 2)
    assert committed(tmp_path) == ["a1", "b1", "a2", "a3"]
    say(service.state, "a4")
    service.state.close()
    assert committed(tmp_path)[4:] == ["a4"]


async def test_whoever_reads_misses_nothing_and_a_deleted_stream_is_not_filled_again(tmp_path: Path) -> None:
    store = Store(None)
    service = logs.build(store, tmp_path, clock=lambda: NOW)
    client = DirectCloud(store, service).client("logs")
    say(service.state, "one")
    say(service.state, "two")
    where = {"logGroupName": "/f", "logStreamName": "s"}
    assert [e["message"] for e in client.get_log_events(**where)["events"]] == ["one", "two"]
    say(service.state, "three")
    assert client.describe_log_groups()["logGroups"][0]["storedBytes"] == 11 + 3 * 26
    say(service.state, "four")
    client.delete_log_stream(**where)
    await asyncio.sleep(backlog.SECONDS * 2)
    assert committed(tmp_path) == []
    say(service.state, "five")
    put(client, "six", stream="s", group="/f")
    assert [e["message"] for e in client.get_log_events(**where)["events"]] == ["five", "six"]
    service.state.close()


async def test_many_lines_do_not_wait(tmp_path: Path) -> None:
    service = logs.build(Store(None), tmp_path, clock=lambda: NOW)
    say(service.state, *(["line"] * 3000))
    assert len(committed(tmp_path)) == 3000
    service.state.close()


def test_deleting_a_group_deletes_its_events(client: Any) -> None:
    put(client, "gone")
    client.delete_log_group(logGroupName="/app")
    client.create_log_group(logGroupName="/app")
    assert client.filter_log_events(logGroupName="/app")["events"] == []


def test_checks_name_the_stream(cloud: DirectCloud, client: Any) -> None:
    put(client, "x")
    assert cloud.checks[-1].action == "logs:PutLogEvents"
    assert cloud.checks[-1].resource == "arn:aws:logs:us-east-2:000000000000:log-group:/app:log-stream:one"
