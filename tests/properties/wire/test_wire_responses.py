"""What ours writes, botocore reads: outputs of every operation, and every modelled error."""

from __future__ import annotations

import functools
from random import Random
from typing import Any

import pytest
from botocore.httpchecksum import Crc32Checksum
from botocore.model import Shape
from botocore.parsers import create_parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.wire.shape_values import Values, pruned

from casemate.model.errors import AwsError
from casemate.wire.models import ServiceModels
from casemate.wire.parser import ParsedRequest
from casemate.wire.serializer import serialize, serialize_error

MODELS = ServiceModels()
SERVICES = (
    "ec2", "iam", "sts", "organizations", "lambda", "dynamodb", "dynamodbstreams", "logs", "cloudtrail", "kms",
    "s3", "cloudformation", "secretsmanager", "ssm", "cloudwatch", "sqs", "sns", "route53", "events", "apigateway",
)  # fmt: skip
ALL = [(service, MODELS.get(service).metadata["protocol"]) for service in SERVICES]
ALL += [("cloudwatch", "json"), ("cloudwatch", "query")]
XML = {"query", "ec2", "rest-xml"}


class FoldedHeaders(dict[str, str]):
    """Headers as botocore's parsers want them: found without regard to case, listed as they came."""

    def __init__(self, pairs: Any) -> None:
        super().__init__(pairs)
        self._folded = {name.lower(): value for name, value in self.items()}

    def __getitem__(self, name: str) -> str:
        return self._folded[name.lower()]

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in self._folded

    def get(self, name: str, default: Any = None) -> Any:
        return self._folded.get(name.lower(), default)


class Raw:
    """A streaming body, which botocore's parsers pass on."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def read_back(operation: Any, protocol: str, response: Any) -> dict[str, Any]:
    shape = operation.output_shape
    payload = None if shape is None else shape.serialization.get("payload")
    blob = payload is not None and shape.members[payload].type_name == "blob"
    body: Any = Raw(response.body) if blob else response.body
    parsed = create_parser(protocol).parse(
        {
            "status_code": response.status,
            "headers": FoldedHeaders(response.headers),
            "body": body,
            "context": {"operation_name": operation.name},
        },
        shape,
    )
    parsed.pop("ResponseMetadata", None)
    if blob and payload in parsed:
        parsed[payload] = parsed[payload].data
    return parsed


def expected_output(operation: Any, protocol: str, output: dict[str, Any]) -> dict[str, Any]:
    shape = operation.output_shape
    if protocol in XML:
        output = pruned(output)
    if operation.http.get("method") == "HEAD":
        return {k: v for k, v in output.items() if shape.members[k].serialization.get("location")}
    return output


def check(operation: Any, protocol: str, output: dict[str, Any]) -> None:
    parsed = ParsedRequest(operation=operation, params={}, protocol=protocol)
    response = serialize(parsed, output, "request-1")
    found = read_back(operation, protocol, response)
    expected = expected_output(operation, protocol, output)
    if protocol in XML:
        found = pruned(found)
    payload = operation.output_shape.serialization.get("payload") if operation.output_shape else None
    for each in (found, expected):
        # No body is an absent payload.
        if payload in each and each[payload] in (b"", "", {}):
            del each[payload]
    for name in ("contentType", "ContentType", "StatusCode", "Status"):
        if name not in expected:
            found.pop(name, None)  # HTTP has them in any case
    for name, value in list(found.items()):
        # botocore gives a map of prefixed headers even when there is none of them.
        if value == {} and name not in expected:
            del found[name]
    assert found == expected


@functools.cache
def operations(service: str) -> list[Any]:
    model = MODELS.get(service)
    found = [model.operation_model(name) for name in model.operation_names]
    return [
        operation
        for operation in found
        # In these two, a deprecated member and its successor have the same tag.
        if not operation.has_event_stream_output
        and operation.name not in {"GetBucketNotification", "PutBucketNotification"}
    ]


def values(random: Random, protocol: str, richness: float) -> Values:
    return Values(random, richness=richness, filled=protocol in XML, finite=protocol == "json")


def bodiless(operation: Any, protocol: str, output: dict[str, Any]) -> dict[str, Any]:
    """Without statuses that forbid a body."""
    shape = operation.output_shape
    for name, member in shape.members.items():
        if member.serialization.get("location") == "statusCode" and name in output:
            output[name] = 200
    return output


@pytest.mark.parametrize(("service", "protocol"), ALL)
def test_every_output_survives_the_trip(service: str, protocol: str) -> None:
    for operation in operations(service):
        shape = operation.output_shape
        for richness in (0.0, 0.5, 1.0) if shape is not None else (0.0,):
            random = Random(f"{service}.{operation.name}.{richness}")
            output = {} if shape is None else values(random, protocol, richness).of(shape)
            check(operation, protocol, output if shape is None else bodiless(operation, protocol, output))


@pytest.mark.parametrize("service", ["dynamodb", "lambda", "ec2", "iam", "s3", "logs", "cloudwatch"])
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_output_survives_the_trip(service: str, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(operations(service)))
    protocol = MODELS.get(service).metadata["protocol"]
    random = data.draw(st.randoms(use_true_random=False))
    if operation.output_shape is not None:
        output = values(random, protocol, 0.5).of(operation.output_shape)
        check(operation, protocol, bodiless(operation, protocol, output))


def error_message_member(shape: Any) -> str | None:
    return next((name for name in ("message", "Message", "errorMessage") if name in shape.members), None)


def read_error(protocol: str, response: Any, shape: Shape | None) -> dict[str, Any]:
    return create_parser(protocol).parse(
        {
            "status_code": response.status,
            "headers": FoldedHeaders(response.headers),
            "body": response.body,
            "context": {},
        },
        shape,
    )


@pytest.mark.parametrize(("service", "protocol"), ALL)
def test_every_modelled_error_survives_the_trip(service: str, protocol: str) -> None:
    model = MODELS.get(service)
    for shape in model.error_shapes:
        random = Random(f"{service}.{shape.name}")
        fields = values(random, protocol, 1.0).of(shape)
        fields.pop(error_message_member(shape), None)
        if protocol in XML:
            fields = {name: value for name, value in fields.items() if name.lower() not in {"code", "type"}}
        error = AwsError(shape.name, "It is <not> there", fields=fields)
        response = serialize_error(model, None, protocol, error, "request-1")
        assert response.status == shape.metadata.get("error", {}).get("httpStatusCode", response.status)
        generic = read_error(protocol, response, None)
        assert generic["Error"]["Code"] == shape.error_code, shape.name
        assert generic["Error"]["Message"] == "It is <not> there", shape.name
        assert generic["ResponseMetadata"]["RequestId"] == "request-1"
        modelled = read_error(protocol, response, shape)
        found = {name: value for name, value in modelled.items() if name in fields}
        if protocol in XML:
            found, fields = pruned(found), pruned(fields)
        assert found == fields, shape.name
        message = error_message_member(shape)
        if message is not None and protocol not in XML:
            # XML has <Message>, whatever the model calls it: botocore takes the text above from there.
            assert modelled[message] == "It is <not> there"


def test_checksums_of_dynamodb_answers_are_those_botocore_verifies() -> None:
    operation = MODELS.get("dynamodb").operation_model("ListTables")
    parsed = ParsedRequest(operation=operation, params={}, protocol="json")
    response = serialize(parsed, {"TableNames": ["orders"]}, "request-1")
    checksum = Crc32Checksum()
    checksum.update(response.body)
    assert int(dict(response.headers)["x-amz-crc32"]) == int.from_bytes(checksum.digest(), "big")
