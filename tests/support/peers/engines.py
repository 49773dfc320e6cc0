"""One engine as a black box: a signed request over HTTP, and what came back."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-2"
PATIENCE = 10
"""Seconds that an answer may take; an engine that hangs has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back. Status 0: nothing did."""

    status: int
    body: Any = None

    @property
    def code(self) -> str:
        """The error, with its prefix, as it is in the body; empty when all is well."""
        if self.status == 200:
            return ""
        return (
            str(self.body.get("__type", "none")) if isinstance(self.body, dict) else f"status {self.status}"
        )

    @property
    def message(self) -> str:
        """AWS writes `message` or `Message`, by who refuses."""
        if not isinstance(self.body, dict):
            return ""
        return str(self.body.get("message", self.body.get("Message", "")))


class Engine:
    """A connection to one engine, opened again when it was closed."""

    def __init__(self, name: str, endpoint: str, key: str, secret: str) -> None:
        self.name = name
        self._endpoint = endpoint
        self._signer = SigV4Auth(Credentials(key, secret), "dynamodb", REGION)
        self._connection: http.client.HTTPConnection | None = None

    def send(self, operation: str, body: bytes) -> Answer:
        """The answer to this body."""
        headers = {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        request = AWSRequest(method="POST", url=self._endpoint, data=body, headers=headers)
        self._signer.add_auth(request)
        for last in (False, True):
            try:
                return self._exchange(body, dict(request.headers))
            except (OSError, http.client.HTTPException):
                self.close()
                if last:
                    break
        return Answer(status=0)

    def call(self, operation: str, params: Any) -> Answer:
        """The answer to these parameters."""
        return self.send(operation, json.dumps(params).encode())

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, headers: dict[str, str]) -> Answer:
        if self._connection is None:
            where = urlsplit(self._endpoint)
            self._connection = http.client.HTTPConnection(where.netloc, timeout=PATIENCE)
        self._connection.request("POST", "/", body, headers)
        response = self._connection.getresponse()
        content = response.read()
        try:
            return Answer(status=response.status, body=json.loads(content))
        except ValueError:
            return Answer(status=response.status, body=content.decode("latin-1"))
