"""An AwsError -> the response that carries it, as each protocol has it.

Sources: Smithy, "AWS JSON 1.0/1.1", "AWS restJson1", "AWS restXml", "AWS query", "AWS EC2 query", "Smithy RPC v2 CBOR",
sections "Operation error serialization"; "awsQueryCompatible trait" for `x-amzn-query-error`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from casemate.model.errors import AwsError
from casemate.wire.cbor_output import encode_cbor
from casemate.wire.dialects import dialect_of
from casemate.wire.http import HttpResponse
from casemate.wire.json_output import encode_plain
from casemate.wire.output import (
    cbor_bodies,
    host_id,
    json_bodies,
    json_headers,
    rest_headers,
    rest_writer,
    xml_writers,
)
from casemate.wire.parser import RPC_V2
from casemate.wire.plan import members_of, unbound_members
from casemate.wire.xml_output import escape

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, StructureShape

_VALIDATION = "com.amazon.coral.validate#"
_SERVICE = "com.amazon.coral.service#"


def serialize_error(
    model: ServiceModel | None,
    operation: OperationModel | None,
    protocol: str,
    error: AwsError,
    request_id: str,
) -> HttpResponse:
    """The response that carries `error`. `model` None: the request named no service; `operation` None: none of its."""
    shape = None if model is None else _shape_of(model, error.code)
    status = _status(shape, error)
    if protocol == "json":
        return _json_error(model, shape, error, status, request_id)
    if protocol == RPC_V2:
        return _cbor_error(model, shape, error, status, request_id)
    if protocol == "rest-json":
        return _rest_json_error(model, shape, error, status, request_id)
    if protocol == "rest-xml":
        return _rest_xml_error(model, operation, shape, error, status, request_id)
    return _xml_rpc_error(model, protocol, shape, error, status, request_id)


def _shape_of(model: ServiceModel, code: str) -> StructureShape | None:
    """The modelled error of that code, or of that name."""
    return _error_shapes(model).get(code)


@functools.cache
def _error_shapes(model: ServiceModel) -> Mapping[str, StructureShape]:
    shapes: dict[str, StructureShape] = {}
    for shape in cast("list[StructureShape]", model.error_shapes):
        shapes.setdefault(shape.name, shape)
    for shape in list(shapes.values()):
        shapes.setdefault(str(shape.error_code), shape)
    return shapes


def _status(shape: StructureShape | None, error: AwsError) -> int:
    """The model's status where it has one; else the error's."""
    traits: dict[str, Any] = {} if shape is None else shape.metadata.get("error", {})
    if "httpStatusCode" in traits:
        return int(traits["httpStatusCode"])
    if error.http_status == 400 and error.fault == "server":
        return 500
    return error.http_status


def _fault(error: AwsError) -> str:
    return "Sender" if error.fault == "client" else "Receiver"


def _members(shape: StructureShape | None, error: AwsError) -> dict[str, Any]:
    """The members of the modelled error: its message, whatever the model calls that, and the error's own fields."""
    if shape is None:
        return dict(error.fields)
    known = members_of(shape)
    members = {name: value for name, value in error.fields.items() if name in known}
    for name in ("message", "Message", "errorMessage"):
        if name in known and known[name].type_name == "string":
            members.setdefault(name, error.message)
            break
    if (
        "Type" in known
        and known["Type"].type_name == "string"
        and "location" not in known["Type"].serialization
    ):
        members.setdefault("Type", "User" if error.fault == "client" else "Service")
    return members


def _query_compatibility(
    model: ServiceModel | None, shape: StructureShape | None, error: AwsError
) -> tuple[tuple[str, str], ...]:
    """The header that gives clients of a former query service the code they knew."""
    if model is None or not model.is_query_compatible:
        return ()
    code = error.code if shape is None else str(shape.error_code)
    return (("x-amzn-query-error", f"{code};{_fault(error)}"),)


def _document(error: AwsError, message_key: str = "message") -> dict[str, Any]:
    """An error without a shape, as a document."""
    document = {name: value for name, value in error.fields.items() if value is not None}
    if error.message:
        document[message_key] = error.message
    return document


def _type_of(model: ServiceModel | None, shape: StructureShape | None, error: AwsError) -> str:
    """`__type`: the error's name, for services that show it with the namespace it comes from."""
    name = error.code if shape is None else shape.name
    dialect = dialect_of(None if model is None else model.service_name)
    if not dialect.coral_namespaces:
        return name
    if name == "ValidationException":
        return _VALIDATION + name
    return (dialect.error_namespace if shape is not None else _SERVICE) + name


def _json_error(
    model: ServiceModel | None, shape: StructureShape | None, error: AwsError, status: int, request_id: str
) -> HttpResponse:
    type_ = _type_of(model, shape, error)
    if model is not None and shape is not None:
        body = json_bodies(model).encode(shape, _members(shape, error))
        head = encode_plain({"__type": type_})
        body = head if body == b"{}" else head[:-1] + b"," + body[1:]
        if b'"message":' not in body and b'"Message":' not in body and error.message:
            # A shape without a message member: services send the message all the same, and SDKs look for it.
            body = body[:-1] + b"," + encode_plain({"message": error.message})[1:]
    else:
        # DynamoDB's front end writes "Message" for these two and "message" for the others.
        capital = error.code in {"SerializationException", "AccessDeniedException"}
        key = "Message" if type_.startswith(_SERVICE) and capital else "message"
        body = encode_plain({"__type": type_, **_document(error, key)})
    if model is None:
        headers: tuple[tuple[str, str], ...] = (
            ("x-amzn-RequestId", request_id),
            ("Content-Type", "application/x-amz-json-1.1"),
        )
    else:
        headers = json_headers(model, body, request_id)
    return HttpResponse(
        status=status, headers=(*headers, *_query_compatibility(model, shape, error)), body=body
    )


def _cbor_error(
    model: ServiceModel | None, shape: StructureShape | None, error: AwsError, status: int, request_id: str
) -> HttpResponse:
    document: dict[str, Any] = {"__type": _type_of(model, shape, error)}
    if model is not None and shape is not None:
        document.update(cbor_bodies(model).document(shape, _members(shape, error)))
    else:
        document.update(_document(error))
    if not {"message", "Message"} & document.keys() and error.message:
        document["message"] = error.message
    headers = (
        ("x-amzn-RequestId", request_id),
        ("smithy-protocol", "rpc-v2-cbor"),
        ("Content-Type", "application/cbor"),
        *_query_compatibility(model, shape, error),
    )
    return HttpResponse(status=status, headers=headers, body=encode_cbor(document))


def _rest_json_error(
    model: ServiceModel | None, shape: StructureShape | None, error: AwsError, status: int, request_id: str
) -> HttpResponse:
    headers = [
        ("x-amzn-RequestId", request_id),
        ("x-amzn-ErrorType", error.code if shape is None else shape.name),
    ]
    if model is not None and shape is not None:
        members = _members(shape, error)
        headers += rest_writer(model, shape.name).headers(members)
        body = json_bodies(model).encode(shape, members)
        if not {"message", "Message", "errorMessage"} & members.keys() and error.message:
            tail = encode_plain({"message": error.message})
            body = tail if body == b"{}" else body[:-1] + b"," + tail[1:]
    else:
        dialect = dialect_of(None if model is None else model.service_name)
        document = _document(error, "Message" if dialect.error_type_member else "message")
        if dialect.error_type_member and error.code != "AccessDeniedException":
            document["Type"] = "User" if error.fault == "client" else "Service"
        body = encode_plain(document)
    headers.append(("Content-Type", "application/json"))
    return HttpResponse(status=status, headers=tuple(headers), body=body)


def _error_element(model: ServiceModel | None, shape: StructureShape | None, error: AwsError) -> str:
    """What stands in `<Error>` beside code and message."""
    if model is None or shape is None:
        return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.fields.items())
    members = {
        name: value
        for name, value in _members(shape, error).items()
        if name.lower() not in {"message", "code", "type"} and name in unbound_members(shape)
    }
    parts: list[str] = []
    xml_writers(model).plan(shape)(members, parts.append)
    return "".join(parts)


def _code(shape: StructureShape | None, error: AwsError) -> str:
    return escape(error.code if shape is None else str(shape.error_code))


def _rest_xml_error(
    model: ServiceModel | None,
    operation: OperationModel | None,
    shape: StructureShape | None,
    error: AwsError,
    status: int,
    request_id: str,
) -> HttpResponse:
    service = None if model is None else model.service_name
    headers = [("x-amzn-RequestId", request_id)] if model is None else rest_headers(model, request_id)
    if model is not None and shape is not None:
        headers += rest_writer(model, shape.name).headers(_members(shape, error))
    if status == 304 or (operation is not None and operation.http.get("method") == "HEAD"):
        return HttpResponse(status=status, headers=tuple(headers), body=b"")
    headers.append(("Content-Type", "application/xml"))
    code, message = _code(shape, error), escape(error.message)
    inner = _error_element(model, shape, error)
    if dialect_of(service).bare_error_root:
        text = (
            f"<Error><Code>{code}</Code><Message>{message}</Message>{inner}"
            f"<RequestId>{request_id}</RequestId><HostId>{host_id(request_id)}</HostId></Error>"
        )
    else:
        namespace = "" if model is None else str(model.metadata.get("xmlNamespace", ""))
        attribute = f' xmlns="{namespace}"' if namespace else ""
        text = (
            f"<ErrorResponse{attribute}><Error><Type>{_fault(error)}</Type><Code>{code}</Code>"
            f"<Message>{message}</Message>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    body = '<?xml version="1.0" encoding="UTF-8"?>\n' + text
    return HttpResponse(status=status, headers=tuple(headers), body=body.encode())


def _xml_rpc_error(
    model: ServiceModel | None,
    protocol: str,
    shape: StructureShape | None,
    error: AwsError,
    status: int,
    request_id: str,
) -> HttpResponse:
    code, message = _code(shape, error), escape(error.message)
    inner = _error_element(model, shape, error)
    headers = [("x-amzn-RequestId", request_id), ("Content-Type", "text/xml")]
    if protocol == "ec2":
        headers[1] = ("Content-Type", "text/xml;charset=UTF-8")
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message>{inner}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    else:
        namespace = "" if model is None else str(model.metadata.get("xmlNamespace", ""))
        text = (
            f'<ErrorResponse xmlns="{namespace}"><Error><Type>{_fault(error)}</Type><Code>{code}</Code>'
            f"<Message>{message}</Message>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return HttpResponse(status=status, headers=tuple(headers), body=text.encode())
