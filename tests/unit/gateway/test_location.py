"""A VPC endpoint leads to its own service in its own Region, and nowhere else."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from msgspec import structs
from msgspec.structs import replace
from tests.support.vpc_builder import DYNAMODB_ADDRESS, VpcBuilder, network

from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.bystanders import answer_bystander
from casemate.gateway.location import locate
from casemate.model.errors import AwsError
from casemate.model.network import NetworkSnapshot
from casemate.model.origin import EndpointOrigin
from casemate.wire.http import Headers, HttpRequest

ARRIVAL = Arrival(
    side=Side.VPC,
    vpc_id="vpc-a",
    peer=IPv4Address("10.0.1.5"),
    destination=DYNAMODB_ADDRESS,
    port=443,
    tls=True,
)


@pytest.fixture
def snapshot() -> NetworkSnapshot:
    builder = VpcBuilder("vpc-a").table("rtb-a").subnet("subnet-a", "10.0.1.0/24", "rtb-a")
    return network(builder.gateway_endpoint("vpce-a", "rtb-a"))


def test_the_endpoint_s_service_in_its_region(snapshot: NetworkSnapshot) -> None:
    origin = locate(ARRIVAL, snapshot, "dynamodb", region="us-east-2")
    assert isinstance(origin, EndpointOrigin)
    assert origin.endpoint_id == "vpce-a"


def test_a_signature_for_another_region_is_refused_at_an_endpoint(snapshot: NetworkSnapshot) -> None:
    with pytest.raises(
        AwsError, match="Credential should be scoped to a valid Region, not 'eu-west-1'"
    ) as caught:
        locate(ARRIVAL, snapshot, "dynamodb", region="eu-west-1")
    assert caught.value.code == "InvalidSignatureException"


def test_another_service_is_refused_at_an_endpoint(snapshot: NetworkSnapshot) -> None:
    with pytest.raises(AwsError, match=r"serves com\.amazonaws\.us-east-2\.dynamodb, not iam"):
        locate(ARRIVAL, snapshot, "iam", region="us-east-2")


@pytest.mark.parametrize("host", ["checkip.amazonaws.com", "example.com", ""])
def test_no_host_header_makes_an_endpoint_the_internet(host: str) -> None:
    request = HttpRequest(method="GET", path="/", query="", headers=Headers([("Host", host)]), body=b"")
    assert answer_bystander(request, ARRIVAL) is None
    assert answer_bystander(request, structs.replace(ARRIVAL, side=Side.INTERNET)) is not None


@pytest.mark.parametrize("side", Side)
def test_dynamodb_says_to_anybody_who_reaches_it_that_it_is_healthy(side: Side) -> None:
    """dynalite's recordings of AWS, test/connection.js: a GET without a signature, and the space at the answer's end."""
    host = Headers([("Host", "DynamoDB.eu-west-1.amazonaws.com:443")])
    request = HttpRequest(method="GET", path="/", headers=host)
    answer = answer_bystander(request, structs.replace(ARRIVAL, side=side))
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"healthy: dynamodb.eu-west-1.amazonaws.com ")
    # That of us-east-1, as it was recorded.
    recorded = replace(request, headers=Headers([("Host", "dynamodb.us-east-1.amazonaws.com")]))
    told = answer_bystander(recorded, structs.replace(ARRIVAL, side=side))
    assert told is not None
    assert dict(told.headers)["x-amz-crc32"] == "3128867991"
    assert answer_bystander(replace(request, method="POST"), structs.replace(ARRIVAL, side=side)) is None
