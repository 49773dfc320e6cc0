"""What botocore writes, ours reads: for every operation of the services Casemate speaks."""

from __future__ import annotations

import functools
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.wire.shape_values import Values, pruned

from casemate.wire.http import Headers, HttpRequest
from casemate.wire.models import ServiceModels
from casemate.wire.parser import RPC_V2, parse
from casemate.wire.plan import input_shape

MODELS = ServiceModels()
SERVICES = (
    "ec2", "iam", "sts", "organizations", "lambda", "dynamodb", "dynamodbstreams", "logs", "cloudtrail", "kms",
    "s3", "cloudformation", "secretsmanager", "ssm", "cloudwatch", "sqs", "sns", "route53", "events", "apigateway",
)  # fmt: skip
BY_SERVICE = [(service, MODELS.get(service).metadata["protocol"]) for service in SERVICES]
# A service whose model lists several protocols is spoken to in each of them.
ALL = [*BY_SERVICE, ("cloudwatch", "json"), ("cloudwatch", "query")]


def http_request(operation: Any, protocol: str, params: dict[str, Any]) -> HttpRequest:
    """As botocore would send it."""
    serialized = create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    serialized.pop("host_prefix", None)
    prepare_request_dict(serialized, endpoint_url="http://localhost:4566")
    prepared = create_request_object(serialized).prepare()
    url = urlsplit(prepared.url)
    headers = [(k, v.decode() if isinstance(v, bytes) else str(v)) for k, v in prepared.headers.items()]
    body = prepared.body or b""
    return HttpRequest(
        method=prepared.method,
        path=url.path,
        query=url.query,
        headers=Headers([*headers, ("Host", "localhost:4566")]),
        body=body.encode() if isinstance(body, str) else body,
    )


def expected_params(operation: Any, protocol: str, params: dict[str, Any]) -> dict[str, Any]:
    """What of `params` the protocol carries."""
    if protocol in {"query", "ec2", "rest-xml"}:
        params = pruned(params)
    if protocol not in {"rest-json", "rest-xml"}:
        return params
    shape = input_shape(operation)
    kept: dict[str, Any] = {}
    for name, value in params.items():
        member = shape.members[name]
        bound = member.serialization.get("location") or shape.serialization.get("payload") == name
        # An absent body and an empty one are the same, and a list of no headers is no header.
        if (
            bound
            and value in ([], {}, b"", "")
            and not (value == "" and member.serialization.get("location"))
        ):
            continue
        kept[name] = value
    return kept


# Nothing in a request tells these from PutBucketLifecycleConfiguration, ... (which replaced them) and ListBuckets
# (ListDirectoryBuckets has a host of its own).
TWINS = {
    "s3": {
        "GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification",
        "ListDirectoryBuckets",
    }
}  # fmt: skip


def check(operation: Any, protocol: str, params: dict[str, Any]) -> None:
    parsed = parse(http_request(operation, protocol, params), operation.service_model)
    assert parsed.protocol == protocol
    assert parsed.operation.name == operation.name
    if "ContentLength" not in params:
        parsed.params.pop("ContentLength", None)  # the header of that name, which HTTP adds
    found = pruned(parsed.params) if protocol in {"query", "ec2", "rest-xml"} else parsed.params
    if protocol == "rest-json":
        found = expected_params(operation, protocol, found)
    assert found == expected_params(operation, protocol, params)


def values(random: Random, protocol: str, richness: float) -> Values:
    return Values(random, richness=richness, filled=protocol in {"query", "ec2", "rest-xml"})


@functools.cache
def operations(service: str) -> list[Any]:
    model = MODELS.get(service)
    return [
        model.operation_model(name) for name in model.operation_names if name not in TWINS.get(service, ())
    ]


@pytest.mark.parametrize(("service", "protocol"), ALL)
def test_every_operation_survives_the_trip(service: str, protocol: str) -> None:
    for operation in operations(service):
        shape = operation.input_shape
        for richness in (0.0, 0.5, 1.0) if shape is not None else (0.0,):
            random = Random(f"{service}.{operation.name}.{richness}")
            params = {} if shape is None else values(random, protocol, richness).of(shape)
            check(operation, protocol, params)


@pytest.mark.parametrize("service", ["dynamodb", "lambda", "ec2", "iam", "s3", "logs", "cloudwatch"])
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_input_survives_the_trip(service: str, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(operations(service)))
    protocol = MODELS.get(service).metadata["protocol"]
    random = data.draw(st.randoms(use_true_random=False))
    if operation.input_shape is not None:
        check(operation, protocol, values(random, protocol, 0.5).of(operation.input_shape))


def test_cbor_is_recognized_by_its_path_alone() -> None:
    operation = MODELS.get("cloudwatch").operation_model("ListMetrics")
    request = http_request(operation, RPC_V2, {"Namespace": "AWS/EC2"})
    request.headers = Headers()
    assert parse(request, operation.service_model).params == {"Namespace": "AWS/EC2"}
