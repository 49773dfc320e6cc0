"""Tumbling windows. Source: Lambda Developer Guide, "Implementing stateful DynamoDB stream processing in Lambda"."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from casemate.execution.function import Outcome
from casemate.services.lambda_.event_sources import lane
from casemate.services.lambda_.event_sources.windows import MAX_STATE_BYTES

from .conftest import LambdaCloud
from .test_pollers import Workshop

WINDOW = 60
FIRST = {"start": "2026-11-21T09:00:00Z", "end": "2026-11-21T09:01:00Z"}
SECOND = {"start": "2026-11-21T09:01:00Z", "end": "2026-11-21T09:02:00Z"}


class Counter(Workshop):
    """A function that counts the records of a window in its state."""

    events: list[dict[str, Any]]
    padding = ""
    fail_final = 0
    forgetful = 0
    """Answers without a state, from the first on."""

    async def _invoke(self, function: Any, invocation: Any, host: Any, **limits: Any) -> Outcome:
        event = json.loads(invocation.payload)
        self.events.append(event)
        if event["isFinalInvokeForWindow"] and self.fail_final:
            self.fail_final -= 1
            return Outcome(payload=b"{}", failed=True)
        if self.forgetful:
            self.forgetful -= 1
            return Outcome(payload=b"{}")
        state = {"count": event["state"].get("count", 0) + len(event["Records"]), "padding": self.padding}
        return Outcome(payload=json.dumps({"state": state}).encode())

    def told(self) -> list[tuple[int, int, bool]]:
        """Of each event: the count before, the records, whether it was the last one."""
        return [
            (one["state"].get("count", 0), len(one["Records"]), one["isFinalInvokeForWindow"])
            for one in self.events
        ]

    def poll_until(self, *expected: tuple[int, int, bool]) -> None:
        async def scenario() -> None:
            async with self.polling():
                await self.until(lambda: len(self.events) >= len(expected))
                await asyncio.sleep(0.03)

        asyncio.run(scenario())
        assert self.told() == list(expected)


@pytest.fixture
def shop(cloud: LambdaCloud, client: Any, monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(lane, "pause", lambda failures: 0.01 * failures)
    made = Counter(cloud, client)
    made.events = []
    return made


def test_batches_of_a_window_hand_their_state_on_and_a_later_record_ends_it(shop: Counter) -> None:
    shop.put("1", "2", "3")
    shop.cloud.now += timedelta(seconds=WINDOW)
    shop.put("4")
    shop.map(TumblingWindowInSeconds=WINDOW, BatchSize=2)
    shop.poll_until((0, 2, False), (2, 1, False), (3, 0, True), (0, 1, False))
    assert [one["window"] for one in shop.events] == [FIRST] * 3 + [SECOND]
    assert all(one["eventSourceARN"] == shop.stream for one in shop.events)
    assert all(one["shardId"].startswith("shardId-") for one in shop.events)
    assert not any(one["isWindowTerminatedEarly"] for one in shop.events)


def test_a_window_ends_with_its_time_and_its_state_outlives_a_restart(shop: Counter) -> None:
    shop.put("1")
    shop.map(TumblingWindowInSeconds=WINDOW)
    shop.poll_until((0, 1, False))
    shop.put("2")
    shop.poll_until((0, 1, False), (1, 1, False))
    shop.cloud.now += timedelta(seconds=WINDOW)
    shop.poll_until((0, 1, False), (1, 1, False), (2, 0, True))
    shop.poll_until((0, 1, False), (1, 1, False), (2, 0, True))


def test_the_end_of_a_shard_ends_its_window(shop: Counter) -> None:
    shop.put("1")
    shop.map(TumblingWindowInSeconds=WINDOW)
    shop.cloud.client("dynamodb").delete_table(TableName="orders")
    shop.poll_until((0, 1, False), (1, 0, True))


def test_the_last_invocation_is_tried_again(shop: Counter) -> None:
    shop.put("1")
    shop.map(TumblingWindowInSeconds=WINDOW, MaximumRetryAttempts=1)
    shop.cloud.now += timedelta(seconds=WINDOW)
    shop.fail_final = 5
    shop.put("2")
    shop.poll_until((0, 1, False), (1, 0, True), (1, 0, True), (0, 1, False))


def test_a_state_beyond_a_megabyte_ends_the_window_early(shop: Counter) -> None:
    shop.put("1", "2")
    shop.padding = "x" * MAX_STATE_BYTES
    shop.map(TumblingWindowInSeconds=WINDOW, BatchSize=1)
    shop.poll_until((0, 1, False), (0, 0, True), (0, 1, False), (0, 0, True))
    assert [one["isWindowTerminatedEarly"] for one in shop.events] == [False, True, False, True]


def test_an_answer_without_a_state_is_a_failed_invocation(shop: Counter) -> None:
    """ "If the response does not contain a state property, Lambda considers this a failed invocation"."""
    shop.put("1")
    shop.cloud.now += timedelta(seconds=WINDOW)
    shop.map(TumblingWindowInSeconds=WINDOW)
    shop.forgetful = 2
    shop.poll_until((0, 1, False), (0, 1, False), (0, 1, False), (1, 0, True))
