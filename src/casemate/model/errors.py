"""The one error that reaches an AWS client: data, raised where the rule lives, serialized in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Fault = Literal["client", "server"]


class AwsError(Exception):
    """An error response of an AWS API.

    `code` is the code the SDK user sees (`InvalidVpcID.NotFound`, `ValidationException`), `http_status` the status
    it travels with, `fault` whose fault it is ("client" or "server"), and `fields` further members of the modelled
    error shape (a `Reason`, `CancellationReasons`, ...), keyed by their names in botocore's model.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        http_status: int = 400,
        fault: Fault = "client",
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.http_status = http_status
        self.fault: Fault = fault
        self.fields: Mapping[str, Any] = fields or {}

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
