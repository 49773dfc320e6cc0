"""Which global condition keys a request has. Source: IAM User Guide, "AWS global condition context keys"."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address

import pytest
from tests.support.exchanges import ACCOUNT, ADMIN

from casemate.gateway.context_keys import network_keys, principal_keys, request_keys, resource_keys
from casemate.model.origin import EndpointOrigin, InternetOrigin
from casemate.servicekit.ports import Membership

INTERNET = InternetOrigin(address=IPv4Address("18.0.0.1"))
ENDPOINT = EndpointOrigin(
    vpc_id="vpc-1",
    endpoint_id="vpce-1",
    endpoint_account=ACCOUNT,
    address=IPv4Address("10.0.0.4"),
    is_gateway=True,
)
MEMBER = Membership(organization_id="o-1", paths=("o-1/r-1/ou-1/",), is_management=False, scps=(), rcps=())


class Organization:
    """Every account of `members` is in the organization."""

    def __init__(self, *members: str) -> None:
        self.members = members

    def membership(self, account: str) -> Membership | None:
        return MEMBER if account in self.members else None

    def account_exists(self, account: str) -> bool:
        return account in self.members


def network(origin: InternetOrigin | EndpointOrigin, service: str, *members: str) -> dict[str, object]:
    action = service if ":" in service else f"{service}:Any"
    return dict(network_keys(origin, action=action, region="us-east-2", organization=Organization(*members)))


@pytest.mark.parametrize("service", ["dynamodb", "s3", "iam"])
def test_outside_an_endpoint_there_is_the_source_address_and_nothing_else(service: str) -> None:
    assert network(INTERNET, service, ACCOUNT) == {"aws:SourceIp": "18.0.0.1"}


@pytest.mark.parametrize("service", ["dynamodb", "s3", "iam"])
def test_through_an_endpoint_there_is_no_source_address(service: str) -> None:
    keys = network(ENDPOINT, service)
    assert "aws:SourceIp" not in keys
    assert keys["aws:SourceVpc"] == "vpc-1"
    assert keys["aws:SourceVpce"] == "vpce-1"
    assert keys["aws:VpcSourceIp"] == "10.0.0.4"


@pytest.mark.parametrize(
    ("service", "present"),
    [
        ("s3", True),
        ("kms", True),
        ("iam", True),
        ("iam:PassRole", False),
        ("dynamodb", False),
        ("sts", False),
    ],
)
def test_the_arn_of_the_vpc_is_filled_by_some_services_only(service: str, present: bool) -> None:
    assert ("aws:SourceVpcArn" in network(ENDPOINT, service)) is present


def test_the_owner_of_the_endpoint_and_its_organization() -> None:
    alone = network(ENDPOINT, "dynamodb")
    assert alone["aws:VpceAccount"] == ACCOUNT
    assert "aws:VpceOrgID" not in alone
    member = network(ENDPOINT, "dynamodb", ACCOUNT)
    assert (member["aws:VpceOrgID"], member["aws:VpceOrgPaths"]) == ("o-1", ("o-1/r-1/ou-1/",))
    assert "aws:VpceAccount" not in network(ENDPOINT, "iam:PassRole", ACCOUNT)
    queue = network(ENDPOINT, "sqs", ACCOUNT)
    assert queue["aws:VpceOrgID"] == "o-1"
    assert {"aws:VpceAccount", "aws:VpceOrgPaths"}.isdisjoint(queue)


def test_the_organization_of_caller_and_resource_are_there_exactly_for_members() -> None:
    assert "aws:PrincipalOrgID" not in principal_keys(ADMIN, None)
    assert principal_keys(ADMIN, MEMBER)["aws:PrincipalOrgID"] == "o-1"
    assert resource_keys("s3:GetObject", ACCOUNT, None) == {"aws:ResourceAccount": ACCOUNT}
    assert resource_keys("s3:GetObject", ACCOUNT, MEMBER)["aws:ResourceOrgPaths"] == ("o-1/r-1/ou-1/",)
    assert resource_keys("ec2:CreateVpcEndpoint", ACCOUNT, MEMBER) == {}


def test_the_keys_of_the_request_itself() -> None:
    now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    keys = request_keys(region="us-east-2", now=now, tls=False)
    assert keys == {
        "aws:CurrentTime": "2026-11-21T09:00:00Z",
        "aws:EpochTime": "1795251600",
        "aws:SecureTransport": "false",
        "aws:RequestedRegion": "us-east-2",
        "aws:ViaAWSService": "false",
    }
    assert request_keys(region="r", now=now, tls=True, user_agent="x")["aws:UserAgent"] == "x"
