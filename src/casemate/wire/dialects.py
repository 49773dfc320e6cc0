"""Where AWS's services differ on the wire although they share a protocol: one table, each entry with its source.

This is data about protocols, keyed by botocore's service names; nothing here knows what a service does.
"""

from __future__ import annotations

from msgspec import Struct


class Dialect(Struct, frozen=True, kw_only=True):
    """What a service does otherwise than its protocol's other services."""

    error_namespace: str = ""
    """Prefix of `__type` for the errors of the service's own model."""
    coral_namespaces: bool = False
    """Whether errors of the shared front end carry their Java package in `__type`."""
    crc32: bool = False
    """Whether answers carry `x-amz-crc32`."""
    missing_member_code: str = ""
    """The code for a missing required member, where it is not the protocol's own."""
    missing_member_fields: tuple[tuple[str, str], ...] = ()
    bare_error_root: bool = False
    """rest-xml: `<Error>` is the root element (Smithy: `noErrorWrapping`)."""
    decodes_path_once: bool = False
    """SigV4: the path is signed as it was sent, neither normalized nor encoded a second time."""
    error_type_member: bool = False
    """rest-json: error bodies carry `Type`, "User" or "Service"."""


_PLAIN = Dialect()

_DIALECTS: dict[str, Dialect] = {
    # DynamoDB Developer Guide, "Error handling with DynamoDB", error components, shows
    # `"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"`; "DynamoDB low-level API" shows
    # `X-Amz-Crc32` in a sample response. botocore checks it (handlers/retryhandler `crc32`).
    "dynamodb": Dialect(
        error_namespace="com.amazonaws.dynamodb.v20120810#", coral_namespaces=True, crc32=True
    ),
    "dynamodbstreams": Dialect(
        error_namespace="com.amazonaws.dynamodb.v20120810#", coral_namespaces=True, crc32=True
    ),
    # CloudWatch Logs API Reference: "InvalidParameterException: A parameter is specified incorrectly."
    "logs": Dialect(missing_member_code="InvalidParameterException"),
    # Organizations API Reference, InvalidInputException: "INPUT_REQUIRED: You must include a value for all required
    # parameters."
    "organizations": Dialect(
        missing_member_code="InvalidInputException", missing_member_fields=(("Reason", "INPUT_REQUIRED"),)
    ),
    # Amazon S3 API Reference, "Error responses": `<Error><Code>...</Code>...<RequestId/></Error>`. IAM User Guide,
    # "Create a signed AWS API request": "do not normalize URI paths for requests to Amazon S3".
    "s3": Dialect(bare_error_root=True, decodes_path_once=True),
    "s3control": Dialect(decodes_path_once=True),
    # Lambda's model gives its errors a member `Type`; the API Reference: "Type: The exception type" ("User").
    "lambda": Dialect(error_type_member=True),
}


def dialect_of(service: str | None) -> Dialect:
    """How a service speaks its protocol."""
    return _DIALECTS.get(service or "", _PLAIN)
