"""The CloudTrail form of a request. Source: CloudTrail User Guide, "CloudTrail record contents"."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest
from tests.support.exchanges import ACCOUNT, ADMIN, exchange

from casemate.gateway.journal import Journal
from casemate.gateway.trail import event_of
from casemate.model.errors import AwsError
from casemate.model.origin import EndpointOrigin, InternetOrigin
from casemate.wire.http import Headers

TABLE = f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/orders"


def test_a_data_event_names_the_item_by_its_key_and_never_holds_it() -> None:
    params = {"TableName": "orders", "Key": {"id": {"S": "1"}}, "Item": {"card": {"S": "4111"}}}
    event = event_of(exchange("dynamodb", "PutItem", params=params, resource=TABLE))
    assert event["eventCategory"] == "Data"
    assert event["managementEvent"] is False
    assert event["readOnly"] is False
    assert event["requestParameters"] == {"tableName": "orders", "key": {"id": {"s": "1"}}}
    assert event["resources"] == [{"ARN": TABLE}]


@pytest.mark.parametrize(
    ("service", "operation", "params", "name"),
    [
        ("lambda", "CreateFunction", {"Code": {"ZipFile": b"PK"}}, "zipFile"),
        ("iam", "CreateLoginProfile", {"Password": "hunter2"}, "password"),
        ("lambda", "UpdateFunctionConfiguration", {"Environment": {"Variables": {"A": "b"}}}, "variables"),
    ],
)
def test_secrets_are_hidden(service: str, operation: str, params: dict[str, Any], name: str) -> None:
    recorded = event_of(exchange(service, operation, params=params))["requestParameters"]
    while name not in recorded:
        (recorded,) = recorded.values()
    assert recorded[name] == "HIDDEN_DUE_TO_SECURITY_REASONS"


def test_the_endpoint_is_named_exactly_when_one_was_passed() -> None:
    inside = EndpointOrigin(
        vpc_id="vpc-1",
        endpoint_id="vpce-1",
        endpoint_account=ACCOUNT,
        address=IPv4Address("10.0.0.4"),
        is_gateway=True,
    )
    event = event_of(exchange(origin=inside))
    assert (event["vpcEndpointId"], event["vpcEndpointAccountId"]) == ("vpce-1", ACCOUNT)
    outside = event_of(exchange(origin=InternetOrigin(address=IPv4Address("127.0.0.1"))))
    assert "vpcEndpointId" not in outside


def test_what_a_caller_chooses_is_cut() -> None:
    """User agent and error message: "content exceeding that limit is truncated"."""
    done = exchange(error=AwsError("ValidationException", "m" * 5000))
    done.request.headers = Headers([("User-Agent", "u" * 5000)])
    event = event_of(done)
    assert (event["userAgent"], event["errorMessage"]) == ("u" * 1024, "m" * 1024)


def test_parameters_of_any_depth_are_on_record() -> None:
    """A Key that is nested deeper than an interpreter goes is refused, and must not take other requests' record along."""
    key: dict[str, Any] = {"S": "leaf"}
    for _ in range(480):
        key = {"M": {"m": key}}
    journal = Journal(None)
    before, deep = exchange(), exchange("dynamodb", "GetItem", params={"Key": {"id": key}})
    deep.error = AwsError("ValidationException", "Nesting Levels have exceeded supported limits")
    for done in (before, deep):
        journal.record(done)
    for done in (before, deep):
        found = journal.find(done.request_id)
        assert found is not None
        assert found.event["eventName"] == done.operation_name
    document = exchange("bedrock-runtime", "Converse", params={"input": key})
    assert event_of(document)["requestParameters"]


def test_a_refused_request_says_so() -> None:
    event = event_of(exchange(error=AwsError("AccessDeniedException", "because", http_status=400)))
    assert (event["errorCode"], event["errorMessage"]) == ("AccessDeniedException", "because")


def test_who_asked() -> None:
    assert event_of(exchange())["userIdentity"] == {
        "type": "IAMUser",
        "principalId": ADMIN.user_id,
        "arn": ADMIN.arn,
        "accountId": ACCOUNT,
        "accessKeyId": ADMIN.access_key_id,
        "userName": "admin",
    }
    nobody = event_of(exchange(principal=None))
    assert nobody["userIdentity"] == {"type": "Unknown"}
    assert nobody["recipientAccountId"] is None
