"""What an extension asks for when it subscribes to telemetry or to logs: parsed, or refused with every reason. Pure.

Sources: Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API", "Lambda
Telemetry API reference" and "Lambda Logs API", the latter superseded and "fully functional".
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any, cast
from urllib.parse import urlsplit

from msgspec import Struct

_TYPES = ("platform", "function", "extension")
_HOSTS = frozenset({"sandbox", "sandbox.localdomain"})
_RESERVED_PORT = 9001
_PORTS = range(1, 65_536)
_BUFFERING = {
    "maxItems": (1000, 10_000, 10_000),
    "maxBytes": (262_144, 1_048_576, 262_144),
    "timeoutMs": (25, 30_000, 1000),
}
"""Least, most, default."""


class Api(Enum):
    """Where to subscribe. The value is the version in the path."""

    TELEMETRY = "2022-07-01"
    LOGS = "2020-08-15"

    @property
    def schemas(self) -> tuple[str, ...]:
        """The versions of its events, oldest first."""
        if self is Api.LOGS:
            return ("2020-08-15", "2021-03-18")
        return ("2022-07-01", "2022-12-13", "2025-01-29")

    @property
    def error_type(self) -> str:
        """Of a refusal: the examples of both pages."""
        return "Logs.ValidationError" if self is Api.LOGS else "ValidationError"


class SubscriptionError(Exception):
    """It is not a subscription; the message says why."""


class Subscription(Struct, frozen=True, kw_only=True):
    """What an extension wants, and where."""

    name: str
    api: Api
    schema: str
    types: tuple[str, ...]
    method: str
    """`POST`, or `PUT` as the Logs API allows; empty: lines of JSON over TCP."""
    port: int
    path: str
    most_items: int
    most_bytes: int
    seconds: float

    @property
    def structured(self) -> bool:
        """Whether a line that is JSON is sent as such ("If the schema version [...] is older than 2022-12-13")."""
        return self.api is Api.TELEMETRY and self.schema >= "2022-12-13"


def subscription(name: str, body: bytes, api: Api = Api.TELEMETRY) -> Subscription:
    """Read the body of a subscription; SubscriptionError."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SubscriptionError(f"Invalid JSON: {error}") from error
    if not isinstance(given, dict):
        raise SubscriptionError("The body is not an object")
    asked = cast("dict[str, Any]", given)
    problems: list[str] = []
    schema = _schema(asked, api, problems)
    method, port, path = _destination(asked.get("destination"), api, problems)
    types = _types(asked.get("types"), problems)
    most_items, most_bytes, timeout = (
        _between(asked.get("buffering") or {}, member, *limits, problems=problems)
        for member, limits in _BUFFERING.items()
    )
    if problems:
        raise SubscriptionError("; ".join(dict.fromkeys(problems)))
    return Subscription(
        name=name,
        api=api,
        schema=schema,
        types=types,
        method=method,
        port=port,
        path=path,
        most_items=most_items,
        most_bytes=most_bytes,
        seconds=timeout / 1000,
    )


def _schema(asked: dict[str, Any], api: Api, problems: list[str]) -> str:
    if "schemaVersion" not in asked:
        if api is Api.LOGS:
            return api.schemas[0]
        problems.append("schemaVersion is not provided")
        return ""
    schema = asked["schemaVersion"]
    if schema not in api.schemas:
        problems.append(f"schemaVersion must be one of {', '.join(api.schemas)}")
    return str(schema)


def _types(given: object, problems: list[str]) -> tuple[str, ...]:
    asked = cast("list[Any]", given) if isinstance(given, list) else []
    if not asked:
        problems.append("types should not be empty")
    elif any(one not in _TYPES for one in asked):
        problems.append(f"types must be some of {', '.join(_TYPES)}")
    return tuple(one for one in _TYPES if one in asked)


def _destination(given: object, api: Api, problems: list[str]) -> tuple[str, int, str]:
    """The method, the port and the path."""
    destination = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    protocol = destination.get("protocol")
    if protocol == "TCP":
        return "", _tcp_port(destination, problems), ""
    if protocol != "HTTP":
        problems.append("destination.protocol must be HTTP or TCP")
    methods = ("POST", "PUT") if api is Api.LOGS else ("POST",)
    method = destination.get("method", "POST")
    if method not in methods:
        problems.append(f"destination.method must be {' or '.join(methods)}")
    port, path = _address(destination.get("URI"), {"http"}, problems)
    return str(method), port, path


def _tcp_port(destination: dict[str, Any], problems: list[str]) -> int:
    """Of `{"protocol": "TCP", "port": 8080}`, as the Logs API's specification has it, or of a URI."""
    if "port" not in destination:
        return _address(destination.get("URI"), {"tcp", "http"}, problems)[0]
    port = destination["port"]
    if not isinstance(port, int) or isinstance(port, bool) or port not in _PORTS or port == _RESERVED_PORT:
        problems.append(f"destination.port must be a port, any but {_RESERVED_PORT}")
        return 0
    return port


def _address(uri: object, schemes: set[str], problems: list[str]) -> tuple[int, str]:
    try:
        place = urlsplit(uri if isinstance(uri, str) else "")
        port = place.port
    except ValueError as error:
        problems.append(f"destination.URI: {error}")
        return 0, "/"
    if place.scheme not in schemes or place.hostname not in _HOSTS:
        problems.append("destination.URI must begin with http://sandbox.localdomain:PORT")
    if not port:
        problems.append("URI port is not provided")
    if port == _RESERVED_PORT:
        problems.append(f"port {_RESERVED_PORT} is reserved")
    path = (place.path or "/") + (f"?{place.query}" if place.query else "")
    if not re.fullmatch(r"[!-~]+", path):
        problems.append("destination.URI has characters that a path cannot have")
    return port or 0, path


def _between(
    given: object, member: str, least: int, most: int, otherwise: int, *, problems: list[str]
) -> int:
    if not isinstance(given, dict):
        problems.append("buffering must be an object")
        return otherwise
    value = cast("dict[str, Any]", given).get(member, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        problems.append(f"buffering.{member} must be between {least} and {most}")
        return otherwise
    return value
