"""Asynchronous events: retried, aged, recorded, kept; on a clock that jumps when somebody sleeps."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.execution.function import Outcome
from casemate.model.errors import AwsError
from casemate.servicekit.store import Store
from casemate.services.lambda_ import tracing
from casemate.services.lambda_.asynchronous import QueuedEvent
from casemate.services.lambda_.delivery import FunctionDelivery
from casemate.services.lambda_.event_queue import EventQueue

from .conftest import LambdaCloud

ARN = "arn:aws:lambda:us-east-2:000000000000:function"
FAILED = Outcome(payload=b'{"errorType":"KeyError"}', failed=True)
THROTTLED = AwsError("TooManyRequestsException", "Rate Exceeded.", http_status=429)


class Days:
    """A queue over the cloud's store whose clock jumps when it sleeps."""

    def __init__(self, cloud: LambdaCloud) -> None:
        self.cloud = cloud
        self.slept: list[float] = []
        delivery = FunctionDelivery(cloud.state, clock=lambda: cloud.now, random_bytes=cloud.random_bytes)
        self.queue = EventQueue(
            cloud.store, cloud.state.queued, delivery, clock=lambda: cloud.now, sleep=self.sleep
        )
        cloud.state.enqueue = self.queue.put

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.cloud.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def event(self, function: str = "orders", payload: bytes = b'{"n":1}', **members: Any) -> QueuedEvent:
        now = self.cloud.now
        members.setdefault("trace_id", tracing.header(
            f"{ARN}:{function}", sampled=False, now=now, random_bytes=self.cloud.random_bytes
        ))  # fmt: skip
        return QueuedEvent(
            id=members.pop("id", "event-1"), account="000000000000", region="us-east-2", function=function,
            payload=payload, accepted=now, due=now, **members,
        )  # fmt: skip

    def run(self, *events: QueuedEvent) -> None:
        async def until_done() -> None:
            with self.cloud.store.transaction():
                for event in events:
                    self.queue.put(event)
            self.queue.start()
            await self.queue.settle()

        asyncio.run(until_done())

    @property
    def runs(self) -> list[str]:
        return [invocation.request_id for _, invocation, _ in self.cloud.runner.invoked]


@pytest.fixture
def days(cloud: LambdaCloud, client: Any) -> Days:
    cloud.create(client)
    cloud.create(client, "keeper")
    return Days(cloud)


def configure(client: Any, **params: Any) -> Any:
    return client.put_function_event_invoke_config(FunctionName="orders", **params)


# "Lambda attempts to run it two more times, with a one-minute wait between the first two attempts, and two minutes
# between the second and third attempts" (Lambda Developer Guide, "How Lambda handles errors and retries ...").
@pytest.mark.parametrize(
    ("answers", "slept", "runs"),
    [
        ([FAILED, FAILED, FAILED], [60, 120], 3),
        ([FAILED, Outcome(payload=b"1")], [60], 2),
        ([Outcome(payload=b"1")], [], 1),
        ([THROTTLED, FAILED, THROTTLED, Outcome(payload=b"1")], [1, 60, 2], 4),
        ([AwsError("ServiceException", "no", http_status=500), Outcome(payload=b"1")], [1], 2),
        (
            [
                AwsError("SubnetIPAddressLimitReachedException", "full", http_status=502),
                Outcome(payload=b"1"),
            ],
            [1],
            2,
        ),
        ([AwsError("AccessDeniedException", "no role", http_status=403)], [], 1),
    ],
)
def test_an_event_is_tried_three_times(days: Days, answers: Any, slept: list[float], runs: int) -> None:
    days.cloud.runner.answers = list(answers)
    days.run(days.event())
    assert (days.slept, len(days.runs)) == (slept, runs)
    assert set(days.runs) == {"event-1"}, "every attempt has the same request id"
    assert len(days.cloud.state.queued) == 0


def test_a_throttled_event_waits_ever_longer_up_to_five_minutes_for_six_hours(days: Days) -> None:
    days.cloud.runner.answers = [THROTTLED] * 1000
    days.run(days.event())
    assert days.slept[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert sum(days.slept) == 6 * 3600


def test_its_own_limits_bind_it(days: Days, client: Any) -> None:
    configure(client, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=100)
    days.cloud.runner.answers = [FAILED] * 9
    days.run(days.event())
    assert (days.slept, len(days.runs)) == ([60], 2)
    configure(client, MaximumEventAgeInSeconds=100)
    days.cloud.runner.answers = [FAILED] * 9
    days.run(days.event(id="event-2"))
    assert days.slept[1:] == [60, 40], "the second wait would be longer than it may live"
    assert days.runs[2:] == ["event-2"] * 2
    configure(client, MaximumRetryAttempts=0)
    days.cloud.runner.answers = [FAILED] * 9
    days.run(days.event(id="event-3"))
    assert days.runs.count("event-3") == 1


def record_of(days: Days) -> dict[str, Any]:
    """What the keeper was invoked with last."""
    function, invocation, _ = days.cloud.runner.invoked[-1]
    assert function.name == "keeper"
    return json.loads(invocation.payload)


def test_the_record_of_a_success(days: Days, client: Any) -> None:
    configure(client, DestinationConfig={"OnSuccess": {"Destination": f"{ARN}:keeper"}})
    days.cloud.runner.answers = [Outcome(payload=b'{"ok":true}')]
    days.run(days.event())
    assert record_of(days) == {
        "version": "1.0",
        "timestamp": "2026-11-21T09:00:00.000Z",
        "requestContext": {
            "requestId": "event-1",
            "functionArn": f"{ARN}:orders:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"ok": True},
    }


@pytest.mark.parametrize(
    ("answers", "settings", "condition", "count", "error"),
    [
        ([FAILED] * 3, {}, "RetriesExhausted", 3, {"errorType": "KeyError"}),
        ([FAILED], {"MaximumRetryAttempts": 0}, "RetriesExhausted", 1, {"errorType": "KeyError"}),
        ([THROTTLED] * 99, {"MaximumEventAgeInSeconds": 60}, "EventAgeExceeded", 0, None),
        ([FAILED, THROTTLED] * 99, {"MaximumEventAgeInSeconds": 61}, "EventAgeExceeded", 1, {"errorType": "KeyError"}),
    ],
)  # fmt: skip
def test_the_record_of_a_failure(
    days: Days, client: Any, answers: Any, settings: Any, condition: str, count: int, error: Any
) -> None:
    configure(client, DestinationConfig={"OnFailure": {"Destination": f"{ARN}:keeper"}}, **settings)
    runner = days.cloud.runner
    original = runner.invoke

    async def invoke(function: Any, invocation: Any, host: Any, **limits: Any) -> Outcome:
        runner.answers = list(answers) if function.name == "orders" and not runner.answers else runner.answers
        if function.name == "keeper":
            runner.answers = []
        return await original(function, invocation, host, **limits)

    runner.invoke = invoke  # type: ignore[method-assign] # the test's own stand-in
    days.run(days.event())
    record = record_of(days)
    assert record["requestContext"]["condition"] == condition
    assert record["requestContext"]["approximateInvokeCount"] == count
    assert record.get("responsePayload") == error
    assert ("responseContext" in record) is (error is not None)


def test_a_stopped_functions_events_go_to_the_destination_untried(days: Days, client: Any) -> None:
    configure(client, DestinationConfig={"OnFailure": {"Destination": f"{ARN}:keeper"}})
    client.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=0)
    days.run(days.event())
    assert [function.name for function, _, _ in days.cloud.runner.invoked] == ["keeper"]
    assert record_of(days)["requestContext"]["condition"] == "ZeroReservedConcurrency"


def test_a_role_that_lost_its_permission_sends_nothing(days: Days, client: Any) -> None:
    configure(client, DestinationConfig={"OnSuccess": {"Destination": f"{ARN}:keeper"}})
    days.cloud.denied = {"lambda:InvokeFunction"}
    days.run(days.event())
    assert days.runs == ["event-1"]
    assert len(days.cloud.state.queued) == 0


def test_a_circle_of_destinations_ends_after_sixteen_turns_unless_it_is_allowed(
    days: Days, client: Any
) -> None:
    configure(client, DestinationConfig={"OnSuccess": {"Destination": f"{ARN}:keeper"}})
    client.put_function_event_invoke_config(
        FunctionName="keeper", DestinationConfig={"OnSuccess": {"Destination": f"{ARN}:orders"}}
    )
    days.cloud.runner.answers = [Outcome(payload=b"1")] * 99
    days.run(days.event())
    names = [function.name for function, _, _ in days.cloud.runner.invoked]
    assert names.count("orders") == 16
    assert client.get_function_recursion_config(FunctionName="orders")["RecursiveLoop"] == "Terminate"
    client.put_function_recursion_config(FunctionName="orders", RecursiveLoop="Allow")
    client.put_function_recursion_config(FunctionName="keeper", RecursiveLoop="Allow")
    days.cloud.runner.answers = [Outcome(payload=b"1")] * 60 + [FAILED] * 3
    days.run(days.event(id="event-2"))
    assert len(days.cloud.runner.invoked) - len(names) == 63


def test_what_was_accepted_outlives_the_process(tmp_path: Path) -> None:
    first = LambdaCloud(tmp_path / "code", Store(tmp_path / "state.sqlite"))
    client = first.client("lambda")
    first.create(client)
    first.runner.answers = [FAILED] * 2
    response = client.invoke(FunctionName="orders", InvocationType="Event", Payload=b'{"later":true}')
    assert response["StatusCode"] == 202
    assert client.invoke_async(FunctionName="orders", InvokeArgs=b'{"old":true}')["Status"] == 202
    first.store.close()
    second = LambdaCloud(tmp_path / "code", Store(tmp_path / "state.sqlite"))
    days = Days(second)
    days.run()
    assert sorted(invocation.payload for _, invocation, _ in second.runner.invoked) == [
        b'{"later":true}',
        b'{"old":true}',
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "You must specify at least one of error handling or destination setting."),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:sqs:us-east-2:000000000000:q"}}}, "Casemate has no sqs"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sns:us-east-2:000000000000:t"}}}, "Casemate has no sns"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::bucket"}}}, "Casemate has no s3"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}},
         "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::bucket), onFailure=null) is invalid."),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:ec2:us-east-2:000000000000:vpc/v"}}}, "is invalid."),
        ({"DestinationConfig": {"OnFailure": {"Destination": f"{ARN}:orders"}}}, "for itself"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:lambda:eu-west-1:000000000000:function:keeper"}}}, "Region"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(days: Days, client: Any, params: Any, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        configure(client, **params)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert message in caught.value.response["Error"]["Message"]
    assert (
        client.list_function_event_invoke_configs(FunctionName="orders")["FunctionEventInvokeConfigs"] == []
    )
    del days


def test_the_settings_are_put_updated_listed_and_deleted(days: Days, client: Any) -> None:
    put = configure(client, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60)
    assert (put["FunctionArn"], put["MaximumRetryAttempts"]) == (f"{ARN}:orders:$LATEST", 1)
    client.publish_version(FunctionName="orders")
    client.put_function_event_invoke_config(FunctionName="orders", Qualifier="1", MaximumRetryAttempts=0)
    updated = client.update_function_event_invoke_config(FunctionName="orders", MaximumEventAgeInSeconds=90)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (1, 90)
    put = configure(client, MaximumRetryAttempts=2)
    assert "MaximumEventAgeInSeconds" not in put
    listed = client.list_function_event_invoke_configs(FunctionName="orders")["FunctionEventInvokeConfigs"]
    assert sorted(one["FunctionArn"] for one in listed) == [f"{ARN}:orders:$LATEST", f"{ARN}:orders:1"]
    client.delete_function_event_invoke_config(FunctionName="orders")
    with pytest.raises(ClientError) as caught:
        client.get_function_event_invoke_config(FunctionName="orders")
    assert caught.value.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": f"The function {ARN}:orders:$LATEST doesn't have an EventInvokeConfig",
    }
    del days


def test_an_event_that_was_stopped_in_its_loop_goes_to_the_on_failure_destination(
    days: Days, client: Any
) -> None:
    """Lambda Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops"."""
    configure(client, DestinationConfig={"OnFailure": {"Destination": f"{ARN}:keeper"}})
    trace = ""
    for _ in range(17):
        trace = tracing.header(
            f"{ARN}:orders",
            sampled=False,
            now=days.cloud.now,
            random_bytes=days.cloud.random_bytes,
            caller=trace,
        )
    days.run(days.event(trace_id=trace))
    assert [function.name for function, _, _ in days.cloud.runner.invoked] == ["keeper"]
