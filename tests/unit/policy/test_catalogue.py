from __future__ import annotations

import subprocess
import sys

import pytest

from casemate.policy.catalogue import (
    AccessLevel,
    action,
    condition_key,
    provenance,
    service,
    service_prefixes,
)
from casemate.policy.context import KeyType
from casemate.policy.rcp_services import rcp_services


def test_the_data_is_dated_and_says_where_it_comes_from() -> None:
    source = provenance()
    assert source["licence"] == "MIT"
    assert source["updated"] >= "2026-09"


def test_an_action_in_whatever_case() -> None:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    found = action("DynamoDB:getitem")
    assert found is not None
    assert found.name == "dynamodb:GetItem"
    assert found.access_level is AccessLevel.READ
    assert [(each.type.name, each.required) for each in found.resources] == [("table", True)]
    assert found.has_key("dynamodb:leadingkeys")
    assert not found.has_key("dynamodb:FullTableScan")
    assert found.takes("arn:aws:dynamodb:us-east-2:000000000000:table/orders")
    assert not found.takes("arn:aws:s3:::orders")
    assert not found.takes("*")


def test_an_action_without_resource_level_permissions_takes_the_star() -> None:
    found = action("ec2:DescribeVpcs")
    assert found is not None
    assert found.resources == ()
    assert found.takes("*")
    assert not found.takes("arn:aws:ec2:us-east-2:000000000000:vpc/vpc-1")


def test_what_does_not_exist() -> None:
    assert action("dynamodb:Nothing") is None
    assert action("nothing:GetItem") is None
    assert action("GetItem") is None
    assert service("../provenance") is None
    assert condition_key("dynamodb:Nothing") is None


@pytest.mark.parametrize(
    ("key", "kind", "multi_valued"),
    [
        ("dynamodb:LeadingKeys", KeyType.STRING, True),
        ("dynamodb:Select", KeyType.STRING, False),
        ("dynamodb:FullTableScan", KeyType.BOOL, False),
        ("LAMBDA:SecurityGroupIds", KeyType.STRING, True),
        ("iam:PolicyARN", KeyType.ARN, False),
        ("ec2:ResourceTag/team", KeyType.STRING, False),
        ("kms:EncryptionContext:app", KeyType.STRING, False),
        ("aws:TagKeys", KeyType.STRING, True),
        ("aws:PrincipalOrgPaths", KeyType.STRING, True),
        ("aws:SourceIp", KeyType.IP, False),
    ],
)
def test_condition_keys_have_a_type_and_may_be_lists(key: str, kind: KeyType, multi_valued: bool) -> None:
    found = condition_key(key)
    assert found is not None
    assert (found.type, found.multi_valued) == (kind, multi_valued)


def test_access_levels() -> None:
    for name, level in (
        ("iam:TagRole", AccessLevel.TAGGING),
        ("iam:AttachRolePolicy", AccessLevel.PERMISSIONS_MANAGEMENT),
        ("s3:ListAllMyBuckets", AccessLevel.LIST),
    ):
        found = action(name)
        assert found is not None
        assert found.access_level is level


def test_services_that_rcps_bind() -> None:
    # Organizations User Guide, "List of AWS services that support RCPs": Lambda and SNS are not on it.
    assert {"dynamodb", "kms", "s3", "secretsmanager", "sqs", "sts", "logs"} <= rcp_services()
    assert not {"lambda", "sns", "iam", "ec2"} & rcp_services()
    assert rcp_services() <= service_prefixes()


def test_every_service_can_be_read() -> None:
    actions = 0
    for prefix in service_prefixes():
        found = service(prefix)
        assert found is not None
        actions += len(found.actions)
    assert actions > 20_000


def test_importing_reads_nothing() -> None:
    code = (
        "import casemate.policy.catalogue as c, casemate.policy.rcp_services as r\n"
        "caches = (c._service, c.service_prefixes, r.rcp_services)\n"
        "assert all(each.cache_info().currsize == 0 for each in caches)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
