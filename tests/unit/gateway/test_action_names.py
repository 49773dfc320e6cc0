"""Operations whose IAM action has another name: every one of them exists, and is asked for on the right resource."""

from __future__ import annotations

from typing import Any

import pytest

from casemate.app import registries
from casemate.gateway.action_names import ACTION_NAMES, asked_actions, iam_prefix
from casemate.gateway.reference_checks import reference_checks
from casemate.policy.catalogue import action, service
from casemate.wire.models import ServiceModels

HERE = "us-east-2:000000000000"


def checks(prefix: str, operation: str, params: dict[str, Any], **http: str) -> list[tuple[str, str]]:
    place = {"method": "POST", "path": "/", **http}
    found: list[tuple[str, str]] = []
    for asked in asked_actions(prefix, operation, params, region="us-east-2", **place):
        if asked.resource:
            found.append((asked.action, asked.resource))
            continue
        made = reference_checks(asked.action, asked.params, region="us-east-2", account="000000000000")
        found += [(check.action, check.resource) for check in made]
    return found


@pytest.mark.parametrize(
    ("prefix", "operation", "params", "expected"),
    [
        ("s3", "ListBuckets", {}, [("s3:ListAllMyBuckets", "*")]),
        ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
        ("s3", "ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3", "PutObject", {"Bucket": "b", "Key": "k"}, [("s3:PutObject", "arn:aws:s3:::b/k")]),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": "/from/x/y?versionId=1"},
            [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObject", "arn:aws:s3:::from/x/y")],
        ),
        (
            "s3",
            "DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "l"}]}},
            [("s3:DeleteObject", "arn:aws:s3:::b/k"), ("s3:DeleteObject", "arn:aws:s3:::b/l")],
        ),
        (
            "sqs",
            "SendMessageBatch",
            {"QueueUrl": "https://sqs.us-east-2.amazonaws.com/000000000000/jobs"},
            [("sqs:SendMessage", f"arn:aws:sqs:{HERE}:jobs")],
        ),
        ("sns", "PublishBatch", {"TopicArn": f"arn:aws:sns:{HERE}:t"}, [("sns:Publish", f"arn:aws:sns:{HERE}:t")]),
        ("budgets", "DescribeBudgets", {"AccountId": "000000000000"}, [("budgets:ViewBudget", "*")]),
        ("bedrock", "ConverseStream", {}, [("bedrock:InvokeModelWithResponseStream", f"arn:aws:bedrock:{HERE}:marketplace/model-endpoint/all-access")]),
    ],
)  # fmt: skip
def test_operations_whose_action_has_another_name(
    prefix: str, operation: str, params: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert checks(prefix, operation, params) == expected


def test_api_gateway_is_asked_by_method_and_path() -> None:
    asked = checks("apigateway", "GetRestApi", {"restApiId": "a1"}, method="GET", path="/restapis/a1")
    assert asked == [("apigateway:GET", "arn:aws:apigateway:us-east-2::/restapis/a1")]


MODELS = {
    "bedrock": "bedrock-runtime",
    "cassandra": "keyspaces",
    "execute-api": "apigatewaymanagementapi",
    "neptune-db": "neptunedata",
    "timestream": "timestream-query",
}
"""Where the model of the operations has another name than the prefix."""


@pytest.mark.parametrize("prefix", sorted(ACTION_NAMES))
def test_every_operation_and_action_of_the_table_exists(prefix: str) -> None:
    model = ServiceModels().get(MODELS.get(prefix, prefix))
    assert iam_prefix(str(model.signing_name)) == prefix
    assert ACTION_NAMES[prefix].keys() <= set(model.operation_names)
    for operation, names in ACTION_NAMES[prefix].items():
        assert action(f"{prefix}:{operation}") is None, f"{operation} has an action of its name"
        for name in names:
            assert action(name if ":" in name else f"{prefix}:{name}") is not None, name


def test_the_operations_that_are_implemented_and_have_no_action_of_their_name() -> None:
    """Each declares its actions; tests of its service hold them against AWS's reference."""
    without = {
        f"{registry.iam_prefix}:{name}"
        for registry in registries()
        for name in registry.by_name
        if action(f"{registry.iam_prefix}:{name}") is None
    }
    partiql = {"dynamodb:ExecuteStatement", "dynamodb:BatchExecuteStatement", "dynamodb:ExecuteTransaction"}
    invoke = {"lambda:Invoke", "lambda:InvokeWithResponseStream", "lambda:GetLayerVersionByArn"}
    transactions = {"dynamodb:TransactGetItems", "dynamodb:TransactWriteItems"}
    assert without == {*partiql, *transactions, *invoke, "kms:ReEncrypt"}


def test_prefixes_are_those_of_the_reference() -> None:
    for name in ("IoTSecuredTunneling", "cloudcontrolapi", "email", "iotdata", "monitoring", "tagging"):
        assert service(iam_prefix(name)) is not None, name
    assert iam_prefix("mturk-requester") == "mechanicalturk"
    assert iam_prefix("dynamodb") == "dynamodb"


def test_what_is_implemented_declares_its_checks_where_its_action_takes_a_resource_or_another_name() -> None:
    for registry in registries():
        for name, operation in registry.by_name.items():
            if operation.checks is None:
                known = action(f"{registry.iam_prefix}:{name}")
                assert known is not None, f"{registry.service}:{name} has no action of its name"
                assert not known.resources, f"{registry.service}:{name} is asked about on *"
