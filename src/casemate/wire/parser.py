"""A request -> the operation it names and its typed input."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from casemate.wire.cbor_input import CborReaders, decode_cbor
from casemate.wire.input_errors import (
    mismatched,
    missing_action,
    missing_members,
    unknown_operation,
    unknown_parameter,
)
from casemate.wire.json_input import JsonReaders, check_json, decode_json
from casemate.wire.json_types import JsonTypes
from casemate.wire.long_bodies import collector_paused
from casemate.wire.mismatch import Incomplete, Mismatch
from casemate.wire.plan import input_shape
from casemate.wire.query_input import LONGEST_FORM, MOST_FIELDS, Ec2Readers, QueryReaders, tree_of
from casemate.wire.rest_input import RestReader
from casemate.wire.rest_routes import routes_of
from casemate.wire.s3_addressing import path_style
from casemate.wire.xml_input import XmlReaders

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

    from casemate.wire.http import HttpRequest

RPC_V2 = "smithy-rpc-v2-cbor"
_REST = ("rest-json", "rest-xml")
_FORM_CONTROLS = frozenset({"Action", "Version", "AWSAccessKeyId", "Timestamp", "Expires"})
"""Fields of a query request that are not its input."""


@dataclass(kw_only=True, slots=True)
class ParsedRequest:
    """What a request asks."""

    operation: OperationModel
    params: dict[str, Any]
    protocol: str
    """The one the request was written in, which the response is written in too."""


@dataclass(kw_only=True, slots=True)
class NamedRequest:
    """What a request names, before its input is read: reading is work, which nobody is owed who is not known."""

    operation: OperationModel
    protocol: str
    read: Callable[[], dict[str, Any]]
    """The input; AwsError as `input_errors` has it."""


def protocol_of(request: HttpRequest, model: ServiceModel) -> str:
    """The protocol of a request, among those of its service.

    A service may have several (CloudWatch has three): the request shows which by its headers and its path.
    """
    protocols: tuple[str, ...] = tuple(model.metadata.get("protocols") or (model.metadata["protocol"],))  # pyright: ignore[reportArgumentType]
    if len(protocols) == 1:
        return protocols[0]
    headers = request.headers.lowered
    if RPC_V2 in protocols and (
        headers.get("smithy-protocol") == "rpc-v2-cbor" or request.path.startswith("/service/")
    ):
        return RPC_V2
    if "json" in protocols and "x-amz-target" in headers:
        return "json"
    for protocol in ("query", "ec2", *_REST):
        if protocol in protocols:
            return protocol
    return protocols[0]


def parse(request: HttpRequest, model: ServiceModel) -> ParsedRequest:
    """Parse a request to the service of `model`. AwsError as `input_errors` has it."""
    named = name_operation(request, model)
    return ParsedRequest(operation=named.operation, params=named.read(), protocol=named.protocol)


def name_operation(request: HttpRequest, model: ServiceModel) -> NamedRequest:
    """What a request to the service of `model` asks for, by as little of it as says so.

    Of JSON it is seen that it is some. DynamoDB has that order: what does not parse and what names no operation is
    refused ahead of signatures, and what has the wrong types behind them (dynalite's recordings, index.js).
    """
    protocol = protocol_of(request, model)
    if protocol == "json":
        return _name_json(request, model)
    if protocol in _REST:
        return _name_rest(request, model, protocol)
    if protocol == RPC_V2:
        return _name_rpc_v2(request, model)
    return _name_form(request, model, protocol)


def _named(operation: OperationModel, protocol: str, read: Callable[[], dict[str, Any]]) -> NamedRequest:
    def input_read() -> dict[str, Any]:
        try:
            return read()
        except Mismatch as mismatch:
            raise mismatched(protocol, mismatch) from mismatch

    return NamedRequest(operation=operation, protocol=protocol, read=input_read)


def _operation(model: ServiceModel, protocol: str, name: str) -> OperationModel:
    if name not in _operation_names(model):
        raise unknown_operation(model, protocol, name)
    return model.operation_model(name)


@functools.cache
def _operation_names(model: ServiceModel) -> frozenset[str]:
    return frozenset(model.operation_names)


_Readers = JsonReaders | CborReaders | QueryReaders | Ec2Readers | XmlReaders
_READERS: dict[str, type[_Readers]] = {
    "json": JsonReaders,
    "rest-json": JsonReaders,
    RPC_V2: CborReaders,
    "query": QueryReaders,
    "ec2": Ec2Readers,
    "rest-xml": XmlReaders,
}


@functools.cache
def _readers(model: ServiceModel, protocol: str, *, check_required: bool) -> Any:
    """The compiled readers of a model; they fill as operations are asked for."""
    del model  # part of the key: shape names are the model's own
    return _READERS[protocol](check_required=check_required)


def _read(operation: OperationModel, protocol: str, value: Any) -> dict[str, Any]:
    """The input in a decoded body."""
    shape = input_shape(operation)
    if shape is None:
        return {}
    model = operation.service_model
    try:
        return _readers(model, protocol, check_required=True).plan(shape)(value)
    except Incomplete:
        params = _readers(model, protocol, check_required=False).plan(shape)(value)
        raise missing_members(operation, protocol, params) from None


def _name_json(request: HttpRequest, model: ServiceModel) -> NamedRequest:
    try:
        check_json(request.body)
    except Mismatch as mismatch:
        raise mismatched("json", mismatch) from mismatch
    operation = _operation(model, "json", request.headers.lowered.get("x-amz-target", "").rpartition(".")[2])

    def read() -> dict[str, Any]:
        params = decoded(operation, request.body)
        return _read(operation, "json", decode_json(request.body)) if params is None else params

    return _named(operation, "json", read)


def decoded(operation: OperationModel, body: bytes) -> dict[str, Any] | None:
    """The input of a JSON body where the decoder alone reads it; None where the readers have to, or where it is wrong."""
    decoder = decoder_of(operation)
    if decoder is None:
        return None
    try:
        with collector_paused(body):
            return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


@functools.cache
def decoder_of(operation: OperationModel) -> msgspec.json.Decoder[dict[str, Any]] | None:
    """What reads a JSON body by itself."""
    shape = input_shape(operation)
    return None if shape is None else _json_types(operation.service_model).decoder_of(shape)


@functools.cache
def _json_types(model: ServiceModel) -> JsonTypes:
    del model
    return JsonTypes()


def _name_rpc_v2(request: HttpRequest, model: ServiceModel) -> NamedRequest:
    operation = _operation(model, RPC_V2, request.path.rpartition("/operation/")[2])
    return _named(operation, RPC_V2, lambda: _read(operation, RPC_V2, decode_cbor(request.body)))


def form_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a query request, from its URL and, for a form, its body.

    Mismatch when it is not UTF-8, or more than any operation takes.
    """
    if len(request.body) > LONGEST_FORM:
        raise Mismatch("The form is too long")
    try:
        fields = _fields_in(request.query) if request.query else []
        if request.body:
            fields += _fields_in(request.body.decode())
    except ValueError as error:
        raise Mismatch("The request is not a well-formed form") from error
    return fields


def _fields_in(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)


def _name_form(request: HttpRequest, model: ServiceModel, protocol: str) -> NamedRequest:
    try:
        fields = form_fields(request)
    except Mismatch as mismatch:
        raise mismatched(protocol, mismatch) from mismatch
    # The last of several fields of one name wins.
    action = next((value for name, value in reversed(fields) if name == "Action"), "")
    if not action:
        raise missing_action()
    operation = _operation(model, protocol, action)

    def read() -> dict[str, Any]:
        tree = tree_of(fields)
        if protocol == "ec2":
            _refuse_unknown(operation, tree)
        return _read(operation, protocol, tree)

    return _named(operation, protocol, read)


def _refuse_unknown(operation: OperationModel, names: Iterable[str]) -> None:
    for name in names:
        if name not in _ec2_parameters(operation) and name not in _FORM_CONTROLS:
            # Signature, SignatureMethod, ... and X-Amz-* authenticate; they are nobody's input.
            if name.startswith(("Signature", "X-Amz-", "SecurityToken")):
                continue
            raise unknown_parameter(name)


@functools.cache
def _ec2_parameters(operation: OperationModel) -> frozenset[str]:
    shape = input_shape(operation)
    readers: Ec2Readers = _readers(operation.service_model, "ec2", check_required=True)
    members = {} if shape is None else shape.members
    return frozenset(readers.key_of(member, name) for name, member in members.items())


def _name_rest(request: HttpRequest, model: ServiceModel, protocol: str) -> NamedRequest:
    headers = request.headers.lowered
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True) if request.query else ():
        query.setdefault(name, []).append(value)
    path = path_style(request, model.service_name)
    found = routes_of(model).match(request.method, path, query, headers)
    if found is None:
        raise unknown_operation(model, protocol, f"{request.method} {request.path}")
    name, labels = found
    operation = model.operation_model(name)
    parts = (labels, _without_signature(query), headers, request.body)

    def read() -> dict[str, Any]:
        try:
            return _rest_reader(operation, protocol, check_required=True).read(*parts)
        except Incomplete:
            params = _rest_reader(operation, protocol, check_required=False).read(*parts)
            raise missing_members(operation, protocol, params) from None

    return _named(operation, protocol, read)


def path_labels(request: HttpRequest, model: ServiceModel) -> dict[str, str]:
    """The labels in the path of a request, without a query, that `parse` understood."""
    found = routes_of(model).match(request.method, request.path, {}, request.headers.lowered)
    return {} if found is None else found[1]


def read_again(
    operation: OperationModel, labels: dict[str, str], request: HttpRequest
) -> dict[str, Any] | None:
    """The input of a rest-json request whose path was read before; None where it is wrong."""
    try:
        reader = _rest_reader(operation, "rest-json", check_required=True)
        return reader.read(labels, {}, request.headers.lowered, request.body)
    except (Incomplete, Mismatch):
        return None


def _without_signature(query: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
    """The query without the parameters of a presigned URL, which are no input."""
    if "X-Amz-Signature" not in query:
        return query
    return {name: texts for name, texts in query.items() if name not in _PRESIGNED}


_PRESIGNED = frozenset(
    f"X-Amz-{part}"
    for part in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token")
)


@functools.cache
def _rest_reader(operation: OperationModel, protocol: str, *, check_required: bool) -> RestReader:
    readers = _readers(operation.service_model, protocol, check_required=check_required)
    return RestReader(operation, readers, check_required=check_required)
