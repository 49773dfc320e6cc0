"""Pollers at work: real streams, a stand-in that runs functions, a clock that the test moves.

Sources: Lambda Developer Guide, "Using Lambda with Amazon DynamoDB" and its pages on batching, retries, partial batch
responses and parameters; "How Lambda processes records from stream and queue-based event sources".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from tests.support.lambda_streams import make_stream

from casemate.execution.function import Outcome
from casemate.model.errors import AwsError
from casemate.servicekit.service import Check
from casemate.services.dynamodb.names import TableRef
from casemate.services.lambda_.event_sources import lane
from casemate.services.lambda_.event_sources.pollers import Pollers
from casemate.tables.values import item_from_wire

from .conftest import LambdaCloud

Keys = list[str]


class Workshop:
    """A stream, a function that a test plays, and the pollers between them."""

    def __init__(self, cloud: LambdaCloud, client: Any) -> None:
        self.cloud, self.client = cloud, client
        self.stream = make_stream(cloud)
        cloud.create(client)
        self.batches: list[Keys] = []
        self.play: Callable[[Keys], Awaitable[Any]] = self._succeed
        cloud.runner.invoke = self._invoke  # type: ignore[method-assign]  # the stand-in is played by the test
        self.denied: set[str] = set()

    async def _succeed(self, keys: Keys) -> Any:
        return None

    async def _invoke(self, function: Any, invocation: Any, host: Any, **limits: Any) -> Outcome:
        records = json.loads(invocation.payload)["Records"]
        keys = [record["dynamodb"]["Keys"]["id"]["S"] for record in records]
        self.batches.append(keys)
        answer = await self.play(keys)
        if callable(answer):
            answer = answer(records)
        return Outcome(payload=json.dumps(answer).encode(), failed=answer == "failed")

    def map(self, **params: Any) -> str:
        given = {"StartingPosition": "TRIM_HORIZON", "FunctionName": "orders", **params}
        return self.client.create_event_source_mapping(EventSourceArn=self.stream, **given)["UUID"]

    def mapping(self, uuid: str) -> Any:
        return self.client.get_event_source_mapping(UUID=uuid)

    def put(self, *keys: str, what: str = "") -> None:
        state = self.cloud.services["dynamodb"].state
        table = state.find(TableRef(account="000000000000", region="us-east-2", name="orders"))
        for key in keys:
            state.engine.put_item(table.schema, item_from_wire({"id": {"S": key}, "what": {"S": what}}))

    def asking(self, *, service: str, region: str) -> Any:
        """The port `InsideAuthority`."""

        def authorize(check: Check, *, principal: Any = None) -> None:
            assert principal.role_arn
            if check.action in self.denied:
                raise AwsError("AccessDeniedException", f"not authorized to perform: {check.action}")

        return authorize

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[Pollers]:
        pollers = Pollers(
            self.cloud.service.state,
            self.cloud.store,
            authority=self,
            clock=lambda: self.cloud.now,
            random_bytes=self.cloud.random_bytes,
        )
        pollers.start()
        try:
            yield pollers
        finally:
            await pollers.close()

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 what is waited for sets no event
                await asyncio.sleep(0.002)

    def run(self, *expected: Keys) -> None:
        """Poll until exactly these batches were handed over, and nothing more comes."""

        async def scenario() -> None:
            async with self.polling():
                await self.until(lambda: len(self.batches) >= len(expected))
                await asyncio.sleep(0.05)

        asyncio.run(scenario())
        assert self.batches == list(expected)
        self.batches.clear()

    @property
    def handed(self) -> Keys:
        return [key for batch in self.batches for key in batch]


@pytest.fixture
def shop(cloud: LambdaCloud, client: Any, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setattr(lane, "pause", lambda failures: 0.01 * failures)
    return Workshop(cloud, client)


def failing(*poison: str) -> Callable[[Keys], Awaitable[Any]]:
    async def play(keys: Keys) -> Any:
        return "failed" if set(poison) & set(keys) else None

    return play


def test_batches_have_at_most_their_size_and_keep_the_order(shop: Workshop) -> None:
    shop.put("1", "2", "3", "4", "5")
    shop.map(BatchSize=2)
    shop.run(["1", "2"], ["3", "4"], ["5"])


def test_a_batch_is_cut_at_six_megabytes(shop: Workshop) -> None:
    keys = [str(number) for number in range(20)]
    shop.put(*keys, what="x" * 390_000)
    shop.map()
    shop.run(keys[:16], keys[16:])


def test_latest_begins_with_what_is_written_after_the_call(shop: Workshop) -> None:
    shop.put("before")
    shop.map(StartingPosition="LATEST")
    shop.put("after")
    shop.run(["after"])


def test_a_batching_window_gathers_what_comes_within_it(shop: Workshop) -> None:
    shop.map(MaximumBatchingWindowInSeconds=1, BatchSize=3)

    async def scenario() -> None:
        async with shop.polling():
            for key in "1234":
                shop.put(key)
                await asyncio.sleep(0.01)
            await shop.until(lambda: shop.batches)
            assert shop.batches == [["1", "2", "3"]], "a full batch waits for nothing"
            await asyncio.sleep(0.1)
            assert len(shop.batches) == 1
            shop.put("5")
            await shop.until(lambda: len(shop.batches) == 2)
            assert shop.batches[1] == ["4", "5"]

    asyncio.run(scenario())


def test_what_no_filter_passes_is_not_handed_over(shop: Workshop) -> None:
    wanted = {"dynamodb": {"Keys": {"id": {"S": [{"prefix": "a"}]}}}}
    others = {"dynamodb": {"Keys": {"id": {"S": ["c"]}}}}
    shop.map(FilterCriteria={"Filters": [{"Pattern": json.dumps(one)} for one in (wanted, others)]})
    shop.put("a1", "b", "a2", "c", "d")
    shop.run(["a1", "a2", "c"])
    shop.put("b2")
    shop.run()


def test_a_failed_batch_holds_up_what_follows_until_it_is_given_up(shop: Workshop) -> None:
    shop.put("1", "2", "3")
    uuid = shop.map(BatchSize=1, MaximumRetryAttempts=2)
    shop.play = failing("2")
    shop.run(["1"], ["2"], ["2"], ["2"], ["3"])
    assert shop.mapping(uuid)["LastProcessingResult"] == "OK"


def test_without_a_limit_it_is_tried_until_it_succeeds(shop: Workshop) -> None:
    shop.put("1")
    uuid = shop.map()
    attempts = 0

    async def play(keys: Keys) -> Any:
        nonlocal attempts
        attempts += 1
        if attempts == 3:
            assert shop.mapping(uuid)["LastProcessingResult"] == "PROBLEM: Function call failed"
        return "failed" if attempts < 5 else None

    shop.play = play
    shop.run(*[["1"]] * 5)


def test_bisection_finds_the_poison_and_gives_up_only_that(shop: Workshop) -> None:
    shop.put("1", "2", "3", "4")
    shop.map(BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)
    shop.play = failing("3")
    shop.run(["1", "2", "3", "4"], ["1", "2"], ["3", "4"], ["3"], ["3"], ["4"])


def test_a_partial_failure_begins_again_at_the_lowest_failed_record(shop: Workshop) -> None:
    shop.put("1", "2", "3")
    shop.map(FunctionResponseTypes=["ReportBatchItemFailures"])
    failures = 0

    async def play(keys: Keys) -> Any:
        nonlocal failures
        if "2" not in keys or failures == 2:
            return {"batchItemFailures": []}
        failures += 1
        return lambda records: {
            "batchItemFailures": [
                {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
                for record in records
                if record["dynamodb"]["Keys"]["id"]["S"] == "2"
            ]
        }

    shop.play = play
    shop.run(["1", "2", "3"], ["2", "3"], ["2", "3"])


def test_a_throttle_is_no_attempt(shop: Workshop) -> None:
    shop.put("1")
    shop.map(MaximumRetryAttempts=0)
    throttles = 3

    async def play(keys: Keys) -> Any:
        nonlocal throttles
        throttles -= 1
        if throttles >= 0:
            raise AwsError("TooManyRequestsException", "Rate Exceeded.", http_status=429)

    shop.play = play
    shop.run(*[["1"]] * 4)


def test_records_that_are_too_old_are_given_up(shop: Workshop) -> None:
    shop.put("old")
    shop.map(MaximumRecordAgeInSeconds=60)
    shop.cloud.now += timedelta(seconds=61)
    shop.put("young")
    shop.run(["young"])


def test_records_that_grow_old_while_they_fail_are_given_up(shop: Workshop) -> None:
    shop.put("1")
    shop.map(MaximumRecordAgeInSeconds=60)

    async def play(keys: Keys) -> Any:
        shop.cloud.now += timedelta(seconds=25)
        return "failed"

    shop.play = play
    shop.run(["1"], ["1"], ["1"])


def test_a_child_shard_is_read_after_its_parent(shop: Workshop) -> None:
    shop.put("1", "2")
    shop.map(BatchSize=1)
    shop.cloud.now += timedelta(hours=4)
    shop.put("3")
    shop.cloud.now += timedelta(hours=4)
    shop.put("4")
    shop.play = failing("2")

    async def scenario() -> None:
        async with shop.polling():
            await shop.until(lambda: shop.handed.count("2") >= 3)
            assert "3" not in shop.handed
            shop.play = failing()
            await shop.until(lambda: "4" in shop.handed)
            # A shard that ends while its lane waits for more is followed as well.
            shop.cloud.now += timedelta(hours=4)
            shop.put("5")
            await shop.until(lambda: "5" in shop.handed)

    asyncio.run(scenario())
    assert list(dict.fromkeys(shop.handed)) == ["1", "2", "3", "4", "5"]


def test_records_lost_to_retention_are_passed_over(shop: Workshop) -> None:
    shop.put("lost")
    shop.map()
    shop.cloud.now += timedelta(hours=24, seconds=1)
    shop.put("kept")
    shop.run(["kept"])


def test_lanes_of_a_shard_keep_partitions_in_order_and_do_not_wait_for_each_other(shop: Workshop) -> None:
    keys = [str(number) for number in range(40)]
    for what in ("first", "second"):
        shop.put(*keys, what=what)
    shop.map(ParallelizationFactor=4, BatchSize=1)
    held = asyncio.Event()

    async def play(handed: Keys) -> Any:
        if handed == ["0"]:
            await held.wait()

    shop.play = play

    async def scenario() -> None:
        async with shop.polling():
            await shop.until(lambda: len(shop.handed) > 40)
            assert shop.handed.count("0") == 1
            held.set()
            await shop.until(lambda: len(shop.handed) == 80)

    asyncio.run(scenario())
    assert sorted(shop.handed) == sorted(keys * 2)


def test_the_checkpoint_outlives_a_restart(shop: Workshop) -> None:
    shop.put("1", "2")
    shop.map(BatchSize=1)
    shop.play = failing("2")

    async def scenario() -> None:
        async with shop.polling():
            await shop.until(lambda: shop.handed.count("2") >= 2)

    asyncio.run(scenario())
    shop.batches.clear()
    shop.play = failing()
    shop.run(["2"])
    shop.run()


def test_a_batch_that_was_being_handed_over_at_the_end_is_handed_over_again(shop: Workshop) -> None:
    shop.put("1")
    shop.map()

    async def for_ever(keys: Keys) -> Any:
        await asyncio.Event().wait()

    shop.play = for_ever

    async def scenario() -> None:
        async with shop.polling():
            await shop.until(lambda: shop.batches)

    asyncio.run(scenario())
    shop.batches.clear()
    shop.play = failing()
    shop.run(["1"])


def test_an_update_waits_for_the_batch_that_is_being_handed_over(shop: Workshop) -> None:
    shop.put("1", "2", "3", "4")
    uuid = shop.map(BatchSize=1)
    held = asyncio.Event()

    async def play(keys: Keys) -> Any:
        if keys == ["1"]:
            await held.wait()

    shop.play = play

    async def scenario() -> None:
        async with shop.polling():
            await shop.until(lambda: shop.batches)
            shop.client.update_event_source_mapping(UUID=uuid, BatchSize=10)
            await asyncio.sleep(0.05)
            assert shop.batches == [["1"]]
            held.set()
            await shop.until(lambda: len(shop.batches) == 2)

    asyncio.run(scenario())
    assert shop.batches == [["1"], ["2", "3", "4"]]


def test_a_batch_that_could_not_run_before_an_update_is_handed_over_after_it(shop: Workshop) -> None:
    shop.put("1")
    uuid = shop.map()

    async def throttled(keys: Keys) -> Any:
        raise AwsError("TooManyRequestsException", "Rate Exceeded.", http_status=429)

    async def scenario() -> None:
        shop.play = throttled
        async with shop.polling():
            await shop.until(lambda: shop.batches)
            shop.client.update_event_source_mapping(UUID=uuid, BatchSize=10)
            await asyncio.sleep(0.05)
            shop.batches.clear()
            shop.play = failing()
            await shop.until(lambda: shop.batches)

    asyncio.run(scenario())
    assert shop.batches == [["1"]]


def test_another_number_of_lanes_goes_on_from_the_least_advanced(shop: Workshop) -> None:
    keys = [str(number) for number in range(20)]
    shop.put(*keys)
    uuid = shop.map(ParallelizationFactor=3, BatchSize=1)
    shop.play = failing("7")

    async def first() -> None:
        async with shop.polling():
            await shop.until(lambda: shop.handed.count("7") >= 2)

    asyncio.run(first())
    shop.client.update_event_source_mapping(UUID=uuid, ParallelizationFactor=1, BatchSize=100)
    shop.batches.clear()
    shop.play = failing()

    async def second() -> None:
        async with shop.polling():
            await shop.until(lambda: "7" in shop.handed)
            await asyncio.sleep(0.05)

    asyncio.run(second())
    assert shop.handed[0] == "7"
    assert shop.handed == sorted(set(shop.handed), key=int)


def test_a_disabled_or_deleted_mapping_hands_over_nothing(shop: Workshop) -> None:
    uuid = shop.map()

    async def scenario() -> None:
        async with shop.polling():
            shop.client.update_event_source_mapping(UUID=uuid, Enabled=False)
            await asyncio.sleep(0.02)
            shop.put("1")
            await asyncio.sleep(0.05)
            assert shop.batches == []
            shop.client.update_event_source_mapping(UUID=uuid, Enabled=True)
            await shop.until(lambda: shop.batches == [["1"]])
            shop.client.delete_event_source_mapping(UUID=uuid)
            shop.put("2")
            await asyncio.sleep(0.05)

    asyncio.run(scenario())
    assert shop.batches == [["1"]]
    kept = shop.cloud.service.state.checkpoints._kept
    assert kept.items() == [], "nothing is remembered of a deleted mapping"


@pytest.mark.parametrize("action", ["GetRecords", "DescribeStream"])
def test_a_role_that_may_not_read_any_more_is_reported(
    shop: Workshop, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casemate.services.lambda_.event_sources.poller._LOOK_AGAIN", 0.02)
    shop.put("1")
    uuid = shop.map()
    shop.denied.add(f"dynamodb:{action}")

    async def scenario() -> None:
        async with shop.polling():
            await asyncio.sleep(0.05)
            assert shop.batches == []
            result = shop.mapping(uuid)["LastProcessingResult"]
            assert result == f"PROBLEM: not authorized to perform: dynamodb:{action}"
            shop.denied.clear()
            await shop.until(lambda: shop.batches == [["1"]])

    asyncio.run(scenario())


def test_a_function_that_is_gone_is_reported(shop: Workshop) -> None:
    uuid = shop.map()
    shop.client.delete_function(FunctionName="orders")
    shop.put("1")
    shop.run()
    assert shop.mapping(uuid)["LastProcessingResult"].startswith("PROBLEM: Function not found")


def test_the_stream_of_a_deleted_table_is_read_to_its_end(shop: Workshop) -> None:
    shop.put("1", "2")
    shop.map(BatchSize=1)
    shop.cloud.client("dynamodb").delete_table(TableName="orders")
    shop.run(["1"], ["2"])
    shop.run()
