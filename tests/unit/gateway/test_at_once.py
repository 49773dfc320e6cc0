"""The shortest way ends with what it stands on: each thing that a decision was made of, changed, and the way is closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.lives import ARRIVAL, Life, life, sent

from casemate.app import MANAGEMENT_ACCOUNT, WORKLOAD_ACCOUNT
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.whole_request import whole_request
from casemate.wire.http import Headers, HttpRequest, HttpResponse

READ: tuple[str, dict[str, Any]] = (
    "GetItem",
    {"TableName": "orders", "Key": {"p": {"S": "a"}, "s": {"N": "1"}}},
)
Call = tuple[str, dict[str, Any]]
Steps = Callable[[], None]


@pytest.fixture(scope="module")
def running() -> Iterator[Life]:
    with life(readmits=True) as one:
        yield one


@pytest.fixture
def warm(running: Life) -> Life:
    """A life in which the next request like READ is answered at once."""
    return warmed(running)


def warmed(one: Life, read: Call = READ, arrival: Arrival = ARRIVAL) -> Life:
    """Both shorter ways are open: of a repetition, and of what was read."""
    before = one.repeated
    for _ in range(6):
        if at_once(one, one.request(*read), arrival) is None:
            assert whole(one, one.request(*read), arrival) == 200
        elif one.repeated > before:
            return one
    raise AssertionError("never readmitted")


def at_once(one: Life, request: HttpRequest, arrival: Arrival = ARRIVAL) -> int | None:
    """The status of an answer that came at once, by either of the shorter ways; None when neither took the request."""
    answers: list[HttpResponse] = []
    data = sent(request)

    async def ask() -> bool:
        if one.pipeline.repeat(data, arrival, answers.append):
            return True
        return one.pipeline.answer_at_once(whole_request(data) or request, arrival, answers.append)

    taken = one.runner.run(ask())
    assert taken == bool(answers)
    return answers[0].status if answers else None


def whole(one: Life, request: HttpRequest, arrival: Arrival = ARRIVAL) -> int:
    async def ask() -> HttpResponse:
        return await one.pipeline.handle(request, arrival)

    return one.runner.run(ask()).status


def test_it_is_answered_without_a_task_being_made(warm: Life) -> None:
    async def ask() -> tuple[bool, int]:
        before = len(asyncio.all_tasks())
        taken = warm.pipeline.repeat(sent(warm.request(*READ)), ARRIVAL, lambda response: None)
        taken = taken and warm.pipeline.answer_at_once(warm.request(*READ), ARRIVAL, lambda response: None)
        return taken, len(asyncio.all_tasks()) - before

    assert warm.runner.run(ask()) == (True, 0)


def changed(request: HttpRequest, **headers: str) -> HttpRequest:
    fields = {**request.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return HttpRequest(method="POST", path="/", headers=Headers(fields.items()), body=request.body)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda request: HttpRequest(
            method="POST", path="/", headers=request.headers, body=request.body.replace(b'"a"', b'"b"')
        ),
        lambda request: changed(request, content_type="application/json"),
        lambda request: changed(request, x_amz_target="DynamoDB_20120810.DeleteItem"),
        lambda request: changed(request, x_amz_security_token="another"),
        lambda request: changed(request, x_amz_other="unsigned"),
        lambda request: changed(request, x_amz_date="20200101T000000Z"),
        lambda request: changed(request, authorization=request.headers["authorization"][:-1] + "x"),
        lambda request: changed(request, host="dynamodb.us-west-2.amazonaws.com"),
    ],
    ids=["body", "signed header", "target", "token", "unsigned header", "date", "signature", "host"],
)
def test_what_was_tampered_with_is_not_taken_and_then_refused(
    warm: Life, tamper: Callable[[HttpRequest], HttpRequest]
) -> None:
    request = tamper(warm.request(*READ))
    assert at_once(warm, request) is None
    assert whole(warm, request) in (400, 403)


def test_a_signature_of_a_quarter_of_an_hour_ago_is_too_old(
    warm: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = warm.request(*READ)
    for minutes in (16, -16):
        later = datetime.now(UTC) + timedelta(minutes=minutes)
        monkeypatch.setattr(warm.pipeline, "_clock", lambda later=later: later)
        assert at_once(warm, request) is None
        assert whole(warm, request) in (400, 403)


def refused_after(one: Life, change: Steps, undo: Steps) -> None:
    change()
    try:
        assert at_once(one, one.request(*READ)) is None
        assert whole(one, one.request(*READ)) in (400, 403)
        assert at_once(one, one.request(*READ)) is None
    finally:
        undo()


def test_a_key_that_was_disabled(warm: Life) -> None:
    def to(status: str) -> Steps:
        return lambda: warm.iam.update_access_key(
            UserName="user", AccessKeyId=warm.credentials.access_key, Status=status
        )

    refused_after(warm, to("Inactive"), to("Active"))


def test_a_policy_that_was_changed(warm: Life) -> None:
    refused_after(warm, lambda: warm.forbid("a"), lambda: warm.forbid("nothing"))


def test_a_service_control_policy_that_was_attached(warm: Life) -> None:
    organizations = warm.cloud.client("organizations", account=MANAGEMENT_ACCOUNT)
    deny = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
    made = organizations.create_policy(
        Name="none",
        Description="none",
        Type="SERVICE_CONTROL_POLICY",
        Content=json.dumps({"Version": "2012-10-17", "Statement": deny}),
    )["Policy"]["PolicySummary"]["Id"]
    assert at_once(warm, warm.request(*READ)) is None  # records changed, though nothing of this caller's
    assert whole(warm, warm.request(*READ)) == 200
    refused_after(
        warm,
        lambda: organizations.attach_policy(PolicyId=made, TargetId=WORKLOAD_ACCOUNT),
        lambda: organizations.detach_policy(PolicyId=made, TargetId=WORKLOAD_ACCOUNT),
    )


def test_a_resource_policy_of_the_table(warm: Life) -> None:
    tables = warm.cloud.client("dynamodb")
    arn = tables.describe_table(TableName="orders")["Table"]["TableArn"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    refused_after(
        warm,
        lambda: tables.put_resource_policy(ResourceArn=arn, Policy=document),
        lambda: tables.delete_resource_policy(ResourceArn=arn),
    )


def test_another_address_is_another_way(warm: Life) -> None:
    other = replace(ARRIVAL, peer=IPv4Address("127.0.0.2"))
    assert at_once(warm, warm.request(*READ), other) is None


def test_the_policy_of_the_endpoint_on_the_way(warm: Life) -> None:
    ec2 = warm.cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]
    endpoint: Any = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-2.dynamodb",
        RouteTableIds=[table["RouteTableId"]],
    )["VpcEndpoint"]["VpcEndpointId"]
    lists = ec2.describe_prefix_lists()["PrefixLists"]
    cidr = next(one["Cidrs"][0] for one in lists if one["PrefixListName"].endswith("us-east-2.dynamodb"))
    inside = Arrival(
        side=Side.VPC,
        vpc_id=vpc,
        peer=IPv4Address("10.0.0.10"),
        destination=IPv4Address(cidr.split("/")[0]) + 1,
        port=443,
        tls=True,
    )
    warmed(warm, arrival=inside)
    nothing = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [nothing]})
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=document)
    assert at_once(warm, warm.request(*READ), inside) is None
    assert whole(warm, warm.request(*READ), inside) == 400
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    assert at_once(warm, warm.request(*READ), inside) is None


def test_a_write_is_answered_once_it_lasts(warm: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    write: Call = ("PutItem", {"TableName": "orders", "Item": {"p": {"S": "a"}, "s": {"N": "1"}}})
    warmed(warm, write)
    engine = warm.pipeline._services["dynamodb"].state.engine  # pyright: ignore[reportPrivateUsage]
    told: list[Callable[[object], None]] = []
    monkeypatch.setattr(engine, "when_durable", told.append)
    answers: list[HttpResponse] = []

    async def ask() -> None:
        assert warm.pipeline.repeat(sent(warm.request(*write)), ARRIVAL, answers.append)
        assert not answers
        told[0](None)
        assert [one.status for one in answers] == [200]

    warm.runner.run(ask())


def test_a_defect_in_the_checks_is_left_to_the_pipeline(warm: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(exchange: object) -> object:
        raise KeyError("a defect")

    monkeypatch.setattr(warm.pipeline._readmission, "_context", broken)
    assert at_once(warm, warm.request(*READ)) is None
