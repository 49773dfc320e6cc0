"""The CloudTrail form of a request. Source: CloudTrail User Guide, "CloudTrail record contents"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from casemate.gateway.exchange import Exchange
from casemate.model.origin import EndpointOrigin
from casemate.model.principals import Principal, PrincipalKind
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

_DATA_PARAMETERS = frozenset({"TableName", "IndexName", "Key", "FunctionName", "Qualifier", "InvocationType"})
"""Of data events only these are recorded: never items, never payloads."""

_SECRET_WORDS = ("password", "secret", "token", "zipfile", "plaintext", "privatekey", "variables")
_MAX_TEXT = 1024
"""Source: CloudTrail User Guide, "CloudTrail record contents", userAgent and errorMessage: a maximum size of 1 KB, content
exceeding that limit is truncated. Parameters are cut like them one by one."""
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
        "requestParameters": _readable(_recorded(exchange.params, data=data)) or None,
        "responseElements": None,
        "requestID": exchange.request_id,
        "eventID": exchange.request_id,
        "readOnly": name.startswith(_READ_PREFIXES),
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
    if resources:
        event["resources"] = [{"ARN": arn} for arn in sorted(resources)]
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


def _recorded(params: Params, *, data: bool) -> Params:
    return {name: value for name, value in params.items() if name in _DATA_PARAMETERS} if data else params


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
        return {key[:1].lower() + key[1:]: _readable(member, key, below) for key, member in members.items()}
    if isinstance(value, list | tuple):
        return [_readable(member, name, depth + 1) for member in cast("Sequence[Any]", value)[:100]]
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return value[:_MAX_TEXT] + "..."
    return value
