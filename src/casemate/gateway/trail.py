"""The CloudTrail form of a request. Source: CloudTrail User Guide, "CloudTrail record contents"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from casemate.gateway.exchange import Exchange
from casemate.model.arns import Arn
from casemate.model.origin import EndpointOrigin
from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.ports import ServiceCall
from casemate.servicekit.service import Params

_READ_PREFIXES = (
    "Get",
    "List",
    "Describe",
    "Lookup",
    "Query",
    "Scan",
    "BatchGet",
    "TransactGet",
    "Search",
    "Filter",
)
_DATA_OPERATIONS = {
    "dynamodb": frozenset(
        {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
         "TransactGetItems", "TransactWriteItems", "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}
    ),
    "lambda": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream", "InvokeFunctionUrl"}),
}  # fmt: skip
"""Data events; everything else is a management event. Source: "Logging data events"."""

_READ_OPERATIONS = {
    "kms": frozenset(
        {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GenerateRandom",
         "ReEncrypt", "VerifyMac"}
    ),
}  # fmt: skip
"""They change no key. Source: KMS Developer Guide, "Examples of AWS KMS log entries", `readOnly` of each."""

_LEFT_OUT = {"kms": frozenset({"CiphertextBlob", "Mac", "Message", "Plaintext"})}
"""What goes in and comes out of keys: not on record at all, in the same examples."""

_RESOURCE_TYPES = {("kms", "key"): "AWS::KMS::Key"}
"""The same examples: of keys, not of aliases."""

_NAMED_BY_USERS = frozenset(
    {"EncryptionContext", "EncryptionContextEquals", "EncryptionContextSubset", "SourceEncryptionContext",
     "DestinationEncryptionContext"}
)  # fmt: skip
"""Parameters whose members have names that users gave them, and keep them as they are: the same examples."""

_DATA_PARAMETERS = frozenset({"TableName", "IndexName", "Key", "FunctionName", "Qualifier", "InvocationType"})
"""Of data events only these are recorded: never items, never payloads."""

_SECRET_WORDS = ("password", "secret", "token", "zipfile", "plaintext", "privatekey", "variables")
_MAX_TEXT = 1024
"""Source: CloudTrail User Guide, "CloudTrail record contents", userAgent and errorMessage: a maximum size of 1 KB, content
exceeding that limit is truncated. Parameters are cut like them one by one."""
_KEY_ARNS = "arn:aws:kms:"
_MAX_DEPTH = 80
"""Of parameters. Deeper than any that is accepted: a Key has two levels for each of an attribute value's 32."""


def event_of(exchange: Exchange) -> dict[str, Any]:
    """The event record of a finished exchange."""
    name = exchange.operation_name
    data = name in _DATA_OPERATIONS.get(exchange.service_name, ())
    event: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": _kept_identity(exchange.principal),
        "eventTime": _second(exchange.now.replace(microsecond=0)),
        "eventSource": f"{_event_source(exchange)}.amazonaws.com",
        "eventName": name,
        "awsRegion": exchange.region,
        "sourceIPAddress": str(exchange.arrival.peer),
        "userAgent": (exchange.request.headers.get("user-agent") or "")[:_MAX_TEXT],
        "requestParameters": _readable(_recorded(exchange, data=data)) or None,
        "responseElements": None,
        "requestID": exchange.request_id,
        "eventID": exchange.request_id,
        "readOnly": _is_read_only(exchange.service_name, name),
        "eventType": "AwsApiCall",
        "managementEvent": not data,
        "recipientAccountId": exchange.principal.account if exchange.principal else None,
        "eventCategory": "Data" if data else "Management",
    }
    if exchange.error is not None:
        event["errorCode"] = exchange.error.code
        event["errorMessage"] = exchange.error.message[:_MAX_TEXT]
    if isinstance(exchange.origin, EndpointOrigin):
        event["vpcEndpointId"] = exchange.origin.endpoint_id
        event["vpcEndpointAccountId"] = exchange.origin.endpoint_account
    resources = {decision.resource for decision in exchange.decisions} - {"*"}
    if exchange.service_name != "kms":
        # What was asked of a key for this request is on record as a call of its own.
        resources = {arn for arn in resources if not arn.startswith(_KEY_ARNS)}
    if resources:
        event["resources"] = [_resource(arn) for arn in sorted(resources)]
    return event


def event_of_call(call: ServiceCall) -> dict[str, Any]:
    """The event record of a call that one service made of another.

    Source: CloudTrail User Guide, "CloudTrail userIdentity element" (`invokedBy`); the whole of it in DynamoDB Developer
    Guide, "Monitoring DynamoDB interaction with AWS KMS".
    """
    identity = {"type": "AWSService"} if call.principal is None else _kept_identity(call.principal)
    event: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {**identity, "invokedBy": call.by},
        "eventTime": _second(call.now.replace(microsecond=0)),
        "eventSource": f"{call.service}.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": call.region,
        "sourceIPAddress": call.by,
        "userAgent": call.by,
        "requestParameters": call.parameters,
        "responseElements": call.response,
        "requestID": call.request_id,
        "eventID": call.request_id,
        "readOnly": call.read_only,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call.account,
        "eventCategory": "Management",
    }
    if call.additional is not None:
        event["additionalEventData"] = call.additional
    if call.error is not None:
        event["errorCode"] = call.error.code
        event["errorMessage"] = call.error.message[:_MAX_TEXT]
    if call.resources:
        event["resources"] = [
            {"accountId": Arn.parse(arn).account, "type": kind, "ARN": arn}
            for arn, kind in sorted(call.resources.items())
        ]
    return event


def brief_parameters(exchange: Exchange) -> dict[str, Any] | None:
    """Of a data event that differs in nothing else from one before: its parameters, to be made readable by who reads it.

    None: the event has to be made now, because the request failed, or something in it must not be kept.
    """
    parsed = exchange.parsed
    if exchange.error is not None or parsed is None:
        return None
    if parsed.operation.name not in _DATA_OPERATIONS.get(exchange.service_name, ()):
        return None
    kept = {name: value for name, value in parsed.params.items() if name in _DATA_PARAMETERS}
    key: Mapping[str, Any] | None = kept.get("Key")
    if key is not None and any(map(_is_secret, key)):
        return None
    return kept


def event_like(event: dict[str, Any], *, now: datetime, request_id: str, params: Params) -> dict[str, Any]:
    """The event of a request that differs from another one's in these."""
    new = {"eventTime": _second(now), "requestID": request_id, "eventID": request_id}
    return {**event, **new, "requestParameters": _readable(params) or None}


def _recorded(exchange: Exchange, *, data: bool) -> Params:
    params = exchange.params
    if data:
        return {name: value for name, value in params.items() if name in _DATA_PARAMETERS}
    left_out = _LEFT_OUT.get(exchange.service_name)
    if left_out is not None:
        return {name: value for name, value in params.items() if name not in left_out}
    return params


def _is_read_only(service: str, operation: str) -> bool:
    return operation.startswith(_READ_PREFIXES) or operation in _READ_OPERATIONS.get(service, ())


def _resource(arn: str) -> dict[str, str]:
    """An element of `resources`; with its owner and type where the type is known here."""
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        return {"ARN": arn}
    kind = _RESOURCE_TYPES.get((parsed.service, parsed.resource.partition("/")[0]))
    if kind is None:
        return {"ARN": arn}
    return {"accountId": parsed.account, "type": kind, "ARN": arn}


def _event_source(exchange: Exchange) -> str:
    return exchange.service.operations.iam_prefix if exchange.service else exchange.service_name


@lru_cache(maxsize=4)
def _second(moment: datetime) -> str:
    return f"{moment.isoformat()[:19]}Z"


_identities: dict[int, tuple[Principal, dict[str, Any]]] = {}
"""By the identity of a principal, which the value keeps alive."""
_MOST_IDENTITIES = 512


def _kept_identity(principal: Principal | None) -> dict[str, Any]:
    """As `_identity`, made once while the same principal goes on calling."""
    if principal is None:
        return _identity(None)
    kept = _identities.get(id(principal))
    if kept is None:
        if len(_identities) >= _MOST_IDENTITIES:
            _identities.clear()
        kept = _identities[id(principal)] = (principal, _identity(principal))
    return kept[1]


def _identity(principal: Principal | None) -> dict[str, Any]:
    if principal is None:
        return {"type": "Unknown"}
    kinds = {PrincipalKind.USER: "IAMUser", PrincipalKind.ROOT: "Root"}
    identity: dict[str, Any] = {
        "type": kinds.get(principal.kind, principal.kind.value),
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": principal.access_key_id,
    }
    if principal.user_name is not None:
        identity["userName"] = principal.user_name
    if principal.role_arn is not None:
        issuer = {
            "type": "Role",
            "principalId": principal.user_id.partition(":")[0],
            "arn": principal.role_arn,
            "accountId": principal.account,
            "userName": principal.role_arn.rpartition("/")[2],
        }
        mfa = "false" if principal.mfa_age_seconds is None else "true"
        attributes = {"mfaAuthenticated": mfa}
        if principal.token_issued is not None:
            attributes["creationDate"] = principal.token_issued.strftime("%Y-%m-%dT%H:%M:%SZ")
        session: dict[str, Any] = {"sessionIssuer": issuer, "attributes": attributes}
        if principal.source_identity is not None:
            session["sourceIdentity"] = principal.source_identity
        identity["sessionContext"] = session
    return identity


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    """Whether a member of that name holds what nobody should read in a log."""
    return any(word in name.lower() for word in _SECRET_WORDS)


def _readable(value: Any, name: str = "", depth: int = 0) -> Any:
    """A JSON form of request parameters, camel-cased, without secrets and without bulk."""
    if _is_secret(name):
        return "HIDDEN_DUE_TO_SECURITY_REASONS"
    if depth > _MAX_DEPTH:
        return "..."
    if type(value) is str and len(value) <= _MAX_TEXT:
        return value
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        below = depth + 1
        if name in _NAMED_BY_USERS:
            return {key: _readable(member, key, below) for key, member in members.items()}
        return {key[:1].lower() + key[1:]: _readable(member, key, below) for key, member in members.items()}
    if isinstance(value, list | tuple):
        return [_readable(member, name, depth + 1) for member in cast("Sequence[Any]", value)[:100]]
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return value[:_MAX_TEXT] + "..."
    return value
