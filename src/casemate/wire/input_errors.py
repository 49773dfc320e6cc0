"""What AWS answers to input that does not fit the model: one table by protocol family, with its sources.

| family | unknown operation | not parseable, wrong type | required member missing |
|---|---|---|---|
| json, cbor | UnknownOperationException 400 | SerializationException 400 | ValidationException 400 |
| rest-json | UnknownOperationException 404 | SerializationException 400 | ValidationException 400 |
| query | InvalidAction 400 | MalformedInput 400 | ValidationError 400 |
| ec2 | InvalidAction 400 | InvalidParameterValue 400 | MissingParameter 400 |
| rest-xml | MethodNotAllowed 405 | MalformedXML, InvalidArgument 400 | InvalidRequest 400 |

Sources. query: IAM API Reference, "Common Errors" (InvalidAction, ValidationError, MissingAction); MalformedInput is what
IAM and STS answer to a number that is none (aws-azure-login/aws-azure-login#30). ec2: EC2 API Reference, "Error codes for the Amazon EC2 API": InvalidAction
"The action or operation requested is not valid", InvalidParameterValue, MissingParameter "The request must contain the
parameter X", UnknownParameter, in the words of aws/aws-cli#16. json: Smithy, "AWS JSON 1.0 protocol"
(SerializationException, UnknownOperationException); DynamoDB Developer Guide, "Error handling"; the wording "1 validation
error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null" is shared by the
services of that front end, IAM and Lambda included. rest-xml: Amazon S3 API Reference, "List of error codes". Services
that differ are in `dialects`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from casemate.model.errors import AwsError
from casemate.wire.dialects import dialect_of
from casemate.wire.mismatch import Mismatch
from casemate.wire.plan import element_of, entry_of, is_document, members_of, required_of, wire_name

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, Shape

_MOST_MEMBERS = 10
"""The front end reports at most ten violations."""


def unknown_operation(model: ServiceModel, protocol: str, name: str) -> AwsError:
    """No such operation."""
    if protocol == "ec2":
        return AwsError("InvalidAction", f"The action {name} is not valid for this web service.")
    if protocol == "query":
        return AwsError("InvalidAction", f"Could not find operation {name} for version {model.api_version}")
    if protocol == "rest-xml":
        message = "The specified method is not allowed against this resource."
        return AwsError("MethodNotAllowed", message, http_status=405)
    status = 404 if protocol == "rest-json" else 400
    return AwsError("UnknownOperationException", "", http_status=status)


def missing_action() -> AwsError:
    """A query request without Action."""
    return AwsError("MissingAction", "The request must contain the parameter Action")


def unknown_parameter(name: str) -> AwsError:
    """EC2 refuses parameters it does not know."""
    return AwsError("UnknownParameter", f"The parameter {name} is not recognized")


def mismatched(protocol: str, mismatch: Mismatch) -> AwsError:
    """Input that cannot be read."""
    if protocol in {"ec2", "query"} and not mismatch.expected:
        # Nothing of the form could be read. IAM API Reference, "Common Errors": MalformedQueryString 404; EC2's own
        # list has InvalidQueryParameter in its place.
        code, status = ("InvalidQueryParameter", 400) if protocol == "ec2" else ("MalformedQueryString", 404)
        return AwsError(code, "The query string contains a syntax error.", http_status=status)
    if protocol == "ec2":
        name = ".".join(mismatch.path)
        name = name[:1].lower() + name[1:]
        message = f"Value ({mismatch.value}) for parameter {name} is invalid. {mismatch.message}."
        return AwsError("InvalidParameterValue", message)
    if protocol == "query":
        return AwsError("MalformedInput", mismatch.message)
    if protocol == "rest-xml":
        if mismatch.expected and mismatch.path:
            return AwsError("InvalidArgument", f"Provided {mismatch.path[-1]}: {mismatch.message}")
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        return AwsError("MalformedXML", message)
    return AwsError("SerializationException", mismatch.message)


def missing_members(operation: OperationModel, protocol: str, params: Mapping[str, Any]) -> AwsError:
    """Required members are missing from `params`, which was read without asking for them."""
    shape = operation.input_shape
    assert shape is not None, "an operation without input cannot lack members"
    service = operation.service_model.service_name
    dialect = dialect_of(service)
    if protocol == "ec2":
        name = next(_missing(shape, params, "ec2"))
        return AwsError("MissingParameter", f"The request must contain the parameter {name}")
    if protocol == "rest-xml":
        name = next(_missing(shape, params, "wire"))
        return AwsError("InvalidRequest", f"Missing required parameter: {name}")
    names = list(_missing(shape, params, "coral"))[:_MOST_MEMBERS]
    errors = "error" if len(names) == 1 else "errors"
    details = "; ".join(
        f"Value null at '{name}' failed to satisfy constraint: Member must not be null" for name in names
    )
    code = dialect.missing_member_code or (
        "ValidationError" if protocol == "query" else "ValidationException"
    )
    return AwsError(
        code,
        f"{len(names)} validation {errors} detected: {details}",
        fields=dict(dialect.missing_member_fields),
    )


def _missing(shape: Shape, value: Any, style: str) -> Iterator[str]:
    """Paths of the missing members: `keySchema.1.member.attributeName` in the words of the shared front end."""
    if value is None:
        return
    if shape.type_name == "structure" and not is_document(shape):
        members = members_of(shape)
        for name in required_of(shape):
            if name not in value:
                yield _named(members[name], name, style)
        for name, item in value.items():
            prefix = _named(members[name], name, style)
            yield from (f"{prefix}.{path}" for path in _missing(members[name], item, style))
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            prefix = f"{number}.member" if style == "coral" else str(number)
            yield from (f"{prefix}.{path}" for path in _missing(element_of(shape), item, style))
    elif shape.type_name == "map":
        for key, item in value.items():
            prefix = f"{key}.member" if style == "coral" else str(key)
            yield from (f"{prefix}.{path}" for path in _missing(entry_of(shape)[1], item, style))


def _named(shape: Shape, name: str, style: str) -> str:
    if style == "coral":
        return name[:1].lower() + name[1:]
    wire = shape.serialization.get("queryName") or wire_name(shape, name)
    return wire[:1].upper() + wire[1:] if style == "ec2" else wire
