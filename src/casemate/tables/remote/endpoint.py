"""One DynamoDB-compatible endpoint: signed calls, retries with backoff, and what it turned out to lack."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from casemate.model.errors import AwsError
from casemate.tables.remote.connections import Connections, NoAnswerError, NotSentError
from casemate.tables.remote.options import RemoteUnusableError

_MOST_UNDER_WAY = 64
_MOST_WAITING = 1024
_ATTEMPTS = 4
_FIRST_PAUSE = 0.05
ITEM_OPERATIONS = (
    "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
    "TransactGetItems", "TransactWriteItems",
)  # fmt: skip
TABLE_OPERATIONS = ("CreateTable", "DeleteTable", "UpdateTable", "DescribeTable")
PROBED = (*ITEM_OPERATIONS, *TABLE_OPERATIONS)
_log = logging.getLogger(__name__)
_READS = frozenset(
    {"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "DescribeTable", "ListTables"}
)
_THROTTLED = frozenset(
    {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}
)
"""Refused before anything was done: to be tried again whatever was asked (SDKs do the same)."""
_UNKNOWN = ("UnknownOperationException", "UnknownOperation", "NotImplemented")


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteCredentials:
    """Of the remote, never of Casemate's callers."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    region: str = "us-east-1"


class RemoteEndpoint:
    """Calls one endpoint. One event loop uses it."""

    def __init__(self, url: str, credentials: RemoteCredentials) -> None:
        self.url = url
        self._credentials = credentials
        self._connections = Connections(url, most=_MOST_UNDER_WAY)
        self._calls = 0
        self.lacking: frozenset[str] = frozenset()
        """Operations that `probe` found missing."""

    async def probe(self) -> None:
        """Learn which operations the remote lacks; RemoteUnusableError when it can't be used at all.

        An empty input is invalid for each of them but ListTables: what has the operation complains of the input.
        """
        try:
            await self.call("ListTables", {})
        except AwsError as error:
            raise RemoteUnusableError(
                f"the remote tables at {self.url} cannot be used: {error.message}"
            ) from error
        lacking: set[str] = set()
        for operation in PROBED:
            try:
                await self._once(operation, b"{}")
            except AwsError as error:
                if error.code in _UNKNOWN:
                    lacking.add(operation)
            except (NotSentError, NoAnswerError):
                # A server that hangs up on an empty input has the operation.
                continue
        self.lacking = frozenset(lacking)
        _log.info("tables: %s", self.summary())

    def summary(self) -> str:
        """Where the tables are, and what they can't do there."""
        lacking = ", ".join(sorted(self.lacking))
        return f"remote at {self.url}" + (f"; it lacks {lacking}" if lacking else "")

    async def call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The remote's answer; AwsError as the remote has it, or of ours when it does not answer."""
        if operation in self.lacking:
            raise AwsError("UnknownOperationException", f"The tables at {self.url} do not have {operation}")
        if self._calls >= _MOST_WAITING:
            raise AwsError(
                "ThrottlingException", f"{_MOST_WAITING} requests wait for the tables at {self.url}"
            )
        self._calls += 1
        try:
            return await self._persist(operation, msgspec.json.encode(params))
        finally:
            self._calls -= 1

    async def _persist(self, operation: str, body: bytes) -> dict[str, Any]:
        pause = _FIRST_PAUSE
        for attempt in range(_ATTEMPTS):
            try:
                return await self._once(operation, body)
            except AwsError as error:
                failed = error
                again = error.code in _THROTTLED or (error.http_status >= 500 and operation in _READS)
            except NotSentError as error:
                failed = _unavailable(self.url, error)
                again = True
            except NoAnswerError as error:
                # A write may have been carried out: to ask again is the caller's decision.
                failed = _unavailable(self.url, error)
                again = operation in _READS
            if not again or attempt == _ATTEMPTS - 1:
                raise failed
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads retries, hides nothing
            pause *= 2
        raise AssertionError

    async def _once(self, operation: str, body: bytes) -> dict[str, Any]:
        status, answer = await self._connections.post(self._headers(operation, body), body)
        try:
            document: Any = msgspec.json.decode(answer) if answer else {}
        except msgspec.DecodeError:
            document = None
        if not isinstance(document, dict):
            raise AwsError(
                "InternalServerError",
                f"The tables at {self.url} answered {status} and no JSON object",
                http_status=500,
                fault="server",
            )
        if status == 200:
            return cast("dict[str, Any]", document)
        raise _error(cast("dict[str, Any]", document), status)

    def _headers(self, operation: str, body: bytes) -> dict[str, str]:
        held = self._credentials
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Host": urlsplit(self.url).netloc,
        }
        request = AWSRequest("POST", self.url.rstrip("/") + "/", headers, body)
        keys = Credentials(held.access_key_id, held.secret_access_key, held.session_token)
        SigV4Auth(keys, "dynamodb", held.region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}

    def close(self) -> None:
        self._connections.close()


def _error(document: dict[str, Any], status: int) -> AwsError:
    code = str(document.pop("__type", "")).rpartition("#")[2] or "InternalServerError"
    message = str(document.pop("message", None) or document.pop("Message", None) or "")
    return AwsError(
        code, message, http_status=status, fault="server" if status >= 500 else "client", fields=document
    )


def _unavailable(url: str, error: Exception) -> AwsError:
    return AwsError(
        "ServiceUnavailable",
        f"The tables at {url} cannot be reached: {error}",
        http_status=503,
        fault="server",
    )
