"""Typed output, or an error -> the response, in the protocol the request was written in."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

from casemate.wire.cbor_output import CborBodies
from casemate.wire.dialects import dialect_of
from casemate.wire.eventstream import encode_coming_events, encode_events, encode_initial_response
from casemate.wire.http import HttpResponse
from casemate.wire.json_output import JsonBodies
from casemate.wire.parser import RPC_V2, ParsedRequest
from casemate.wire.plan import members_of, output_shape, unbound_members
from casemate.wire.rest_output import RestWriter
from casemate.wire.xml_output import MillisecondXmlWriters, XmlWriters
from casemate.wire.xml_output import Writer as XmlWriter

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, Shape

Output = Mapping[str, Any]
_EMPTY: Output = {}
_EVENT_STREAM = "application/vnd.amazon.eventstream"


def serialize(parsed: ParsedRequest, output: Output | None, request_id: str) -> HttpResponse:
    """The response to `parsed`. Members that are None are left out; UnknownMember for one the model does not have.

    An event stream member may be any iterable of events (`{"PayloadChunk": {"Payload": b"..."}}`), which is encoded
    whole, or, of a REST service, an asynchronous generator, which becomes the response's stream.
    """
    return serialize_output(parsed.operation, parsed.protocol, output, request_id)


def serialize_output(
    operation: OperationModel, protocol: str, output: Output | None, request_id: str
) -> HttpResponse:
    """As `serialize`, for an operation and a protocol."""
    value = output or _EMPTY
    if protocol == "json":
        return _json(operation, value, request_id)
    if protocol in {"query", "ec2"}:
        return _xml_rpc(operation, protocol, value, request_id)
    if protocol == RPC_V2:
        return _cbor(operation, value, request_id)
    return _rest(operation, protocol, value, request_id)


@functools.cache
def json_bodies(model: ServiceModel) -> JsonBodies:
    """The compiled JSON writers of a model."""
    del model
    return JsonBodies()


@functools.cache
def cbor_bodies(model: ServiceModel) -> CborBodies:
    """The compiled CBOR writers of a model."""
    del model
    return CborBodies()


@functools.cache
def xml_writers(model: ServiceModel) -> XmlWriters:
    """The compiled XML writers of a model."""
    protocols = model.metadata.get("protocol")
    return MillisecondXmlWriters() if protocols in {"ec2", "rest-xml"} else XmlWriters()


def json_content_type(model: ServiceModel) -> str:
    """`application/x-amz-json-1.0` or `-1.1`."""
    return f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"


def json_headers(model: ServiceModel, body: bytes, request_id: str) -> tuple[tuple[str, str], ...]:
    """The headers of every answer of the json protocol."""
    content_type, has_crc32 = _json_head(model)
    if has_crc32:
        return ("x-amzn-RequestId", request_id), content_type, ("x-amz-crc32", str(crc32(body)))
    return ("x-amzn-RequestId", request_id), content_type


@functools.cache
def _json_head(model: ServiceModel) -> tuple[tuple[str, str], bool]:
    """What those headers have in common."""
    return ("Content-Type", json_content_type(model)), dialect_of(model.service_name).crc32


@functools.cache
def _json_plan(operation: OperationModel) -> tuple[ServiceModel, bytes, Callable[[Any], bytes] | None]:
    """The model of an operation's service, its body without output, and the writer of its output.

    None: it has no output, or one that is a stream.
    """
    model, shape = operation.service_model, output_shape(operation)
    if shape is None:
        return model, b"{}" if dialect_of(model.service_name).crc32 else b"", None
    if shape.event_stream_name:
        return model, b"{}", None
    return model, b"{}", functools.partial(json_bodies(model).encode, shape)


def _json(operation: OperationModel, value: Output, request_id: str) -> HttpResponse:
    model, body, write = _json_plan(operation)
    if value and write is not None:
        body = write(value)
    elif value and output_shape(operation) is not None:
        return _rpc_stream(operation, value, request_id, json_bodies(model), "application/json")
    return HttpResponse(status=200, headers=json_headers(model, body, request_id), body=body)


def _cbor(operation: OperationModel, value: Output, request_id: str) -> HttpResponse:
    shape = output_shape(operation)
    bodies = cbor_bodies(operation.service_model)
    if shape is not None and shape.event_stream_name:
        return _rpc_stream(operation, value, request_id, bodies, "application/cbor")
    body = b"\xa0" if shape is None else bodies.encode(shape, value)
    headers = (
        ("x-amzn-RequestId", request_id),
        ("smithy-protocol", "rpc-v2-cbor"),
        ("Content-Type", "application/cbor"),
    )
    return HttpResponse(status=200, headers=headers, body=body)


def _rpc_stream(
    operation: OperationModel,
    value: Output,
    request_id: str,
    bodies: JsonBodies | CborBodies,
    content_type: str,
) -> HttpResponse:
    """A stream of an RPC protocol: the other members travel in an initial response."""
    shape = output_shape(operation)
    assert shape is not None
    assert shape.event_stream_name is not None
    name = shape.event_stream_name
    rest = {member: item for member, item in value.items() if member != name}
    messages = [encode_initial_response(bodies.encode(shape, rest), content_type)]
    messages += encode_events(members_of(shape)[name], value.get(name) or (), bodies.encode, content_type)
    headers = (("x-amzn-RequestId", request_id), ("Content-Type", _EVENT_STREAM))
    return HttpResponse(status=200, headers=headers, body=b"".join(messages))


def _xml_rpc(operation: OperationModel, protocol: str, value: Output, request_id: str) -> HttpResponse:
    model, shape = operation.service_model, output_shape(operation)
    name = operation.name
    parts: list[str] = []
    append = parts.append
    if protocol == "ec2":
        # EC2 API Reference, any sample response: the namespace ends in a slash, which the model's does not have.
        namespace = str(model.metadata.get("xmlNamespace", "")).rstrip("/") + "/"
        append(f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}Response xmlns="{namespace}">')
        append(f"<requestId>{request_id}</requestId>")
        if shape is None:
            append("<return>true</return>")
        else:
            xml_writers(model).plan(shape)(value, append)
        append(f"</{name}Response>")
        headers = (("x-amzn-RequestId", request_id), ("Content-Type", "text/xml;charset=UTF-8"))
    else:
        append(f'<{name}Response xmlns="{model.metadata.get("xmlNamespace", "")}">')
        if shape is not None:
            wrapper: str = shape.serialization.get("resultWrapper", f"{name}Result")
            append(f"<{wrapper}>")
            xml_writers(model).plan(shape)(value, append)
            append(f"</{wrapper}>")
        append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>")
        headers = (("x-amzn-RequestId", request_id), ("Content-Type", "text/xml"))
    return HttpResponse(status=200, headers=headers, body="".join(parts).encode())


@functools.cache
def rest_writer(model: ServiceModel, shape_name: str) -> RestWriter:
    """The writer of a structure of a REST service."""
    return RestWriter(model.shape_for(shape_name))


def rest_headers(model: ServiceModel, request_id: str) -> list[tuple[str, str]]:
    """The headers of every REST answer."""
    if dialect_of(model.service_name).bare_error_root:
        # Amazon S3 API Reference, "Common response headers".
        return [("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id))]
    return [("x-amzn-RequestId", request_id)]


def host_id(request_id: str) -> str:
    """S3's second id of a request, which tells AWS's staff the host: here, the first once more."""
    return f"{request_id}/casemate"


def _rest(operation: OperationModel, protocol: str, value: Output, request_id: str) -> HttpResponse:
    model, shape = operation.service_model, output_shape(operation)
    headers = rest_headers(model, request_id)
    status = int(operation.http.get("responseCode", 200))
    if shape is None:
        return HttpResponse(status=status, headers=tuple(headers), body=b"")
    writer = rest_writer(model, shape.name)
    status = writer.status(value, status)
    bound = writer.headers(value)
    content_type, body = _rest_body(operation, protocol, writer, value)
    stream = _rest_stream(operation, protocol, writer, value)
    if operation.http.get("method") == "HEAD" or status in {204, 304}:
        content_type, body = "", b""
    if content_type and not any(name.lower() == "content-type" for name, _ in bound):
        headers.append(("Content-Type", content_type))
    return HttpResponse(status=status, headers=(*headers, *bound), body=body, stream=stream)


def _rest_stream(
    operation: OperationModel, protocol: str, writer: RestWriter, value: Output
) -> AsyncGenerator[bytes, None] | None:
    """The events that are still to come, where the payload is a generator of such."""
    item = value.get(writer.payload) if writer.payload is not None else None
    if not isinstance(item, AsyncGenerator) or writer.payload_shape is None:
        return None
    encode = functools.partial(rest_body, operation.service_model, protocol)
    content_type = "application/json" if protocol == "rest-json" else "text/xml"
    events = cast("AsyncGenerator[Mapping[str, Any], None]", item)
    return encode_coming_events(writer.payload_shape, events, encode, content_type)


def _rest_body(
    operation: OperationModel, protocol: str, writer: RestWriter, value: Output
) -> tuple[str, bytes]:
    """Content type and body."""
    model = operation.service_model
    is_json = protocol == "rest-json"
    structured = "application/json" if is_json else "application/xml"
    if writer.payload is None or writer.payload_shape is None:
        if not writer.has_body:
            return "", b""
        return structured, rest_body(model, protocol, writer.shape, value, tag=_root_tag(operation))
    shape, item = writer.payload_shape, value.get(writer.payload)
    if shape.serialization.get("eventstream"):
        if isinstance(item, AsyncGenerator):
            return _EVENT_STREAM, b""
        encode = functools.partial(rest_body, model, protocol)
        return _EVENT_STREAM, b"".join(
            encode_events(shape, item or (), encode, structured if is_json else "text/xml")
        )
    if item is None:
        return "", b""
    if shape.type_name in {"blob", "string"}:
        body = item if isinstance(item, bytes) else str(item).encode()
        return ("application/octet-stream" if shape.type_name == "blob" else "text/plain"), body
    return structured, rest_body(
        model, protocol, shape, item, tag=shape.serialization.get("name", shape.name)
    )


def _root_tag(operation: OperationModel) -> str:
    """The root element of a rest-xml body: the shape's locationName, or the operation's result."""
    shape = output_shape(operation)
    assert shape is not None
    name = shape.serialization.get("name", shape.name)
    return name.removesuffix("Output") + "Result" if name.endswith("Output") else name


def rest_body(
    model: ServiceModel, protocol: str, shape: Shape, value: Any, *, tag: str | None = None
) -> bytes:
    """A structured body of a REST service, without the members that have another place."""
    if protocol == "rest-json":
        return json_bodies(model).encode(shape, value)
    writers = xml_writers(model)
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    tag = tag or shape.name
    if shape.type_name == "structure" and value is not None and unbound_members(shape):
        namespace = model.metadata.get("xmlNamespace") or _S3_NAMESPACE.get(model.service_name, "")
        parts.append(f'<{tag} xmlns="{namespace}">' if namespace else f"<{tag}>")
        _body_writer(model, shape.name)(value, parts.append)
        parts.append(f"</{tag}>")
    else:
        writers.element(shape, tag)(value, parts.append)
    return "".join(parts).encode()


# Amazon S3 API Reference: every XML answer has this namespace, which botocore's model of S3 does not carry.
_S3_NAMESPACE = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}


@functools.cache
def _body_writer(model: ServiceModel, shape_name: str) -> XmlWriter:
    shape = model.shape_for(shape_name)
    return xml_writers(model).structure(shape, unbound_members(shape))
