"""What an environment runs, and what an invocation is: values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from msgspec import Struct, field


class RoleCredentials(Struct, frozen=True, kw_only=True):
    """A session of the execution role, as it is put into the environment's variables."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires: datetime | None = None
    """Environments are replaced before this."""


class FunctionVersion(Struct, frozen=True, kw_only=True):
    """One version of a function with the configuration it runs under."""

    arn: str
    """Unqualified."""
    name: str
    version: str
    """`$LATEST`, or a number."""
    account: str
    region: str
    revision: str
    """Changes whenever code or configuration change: environments of another revision are not reused."""
    runtime: str
    """`python3.12`, `nodejs22.x`, `provided.al2023`."""
    handler: str
    code: str
    """Name of the directory of unpacked code."""
    layers: tuple[str, ...] = ()
    """Names of the directories of unpacked layers, in the order of the function's configuration."""
    memory_mb: int = 128
    timeout_seconds: int = 3
    ephemeral_mb: int = 512
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    interfaces: tuple[str, ...] = ()
    """Hyperplane interfaces, one per subnet; empty: outside any VPC."""
    log_group: str = ""
    log_format: str = "Text"
    """Or `JSON`: `LoggingConfig.LogFormat`."""
    application_log_level: str = ""
    """`LoggingConfig.ApplicationLogLevel`; the runtime filters by it, in JSON format only."""
    system_log_level: str = "INFO"
    """`LoggingConfig.SystemLogLevel`: the platform's own lines, in JSON format only."""
    snap_start: bool = False
    """A published version whose environments begin from a snapshot."""
    notes: tuple[str, ...] = ()
    """What a new log stream says first: how this machine's execution differs from AWS's."""

    @property
    def structured(self) -> bool:
        """Whether its log is JSON."""
        return self.log_format == "JSON"

    @property
    def about(self) -> dict[str, str]:
        """What an extension that registers is told of it."""
        return {"functionName": self.name, "functionVersion": self.version, "handler": self.handler}


class Invocation(Struct, frozen=True, kw_only=True):
    """One event for a function."""

    request_id: str
    payload: bytes
    invoked_arn: str
    """As the caller named it, made a full ARN."""
    client_context: str | None = None
    """JSON."""
    cognito_identity: str | None = None
    """JSON: `cognitoIdentityId` and `cognitoIdentityPoolId`."""
    trace_id: str = ""
    wants_log: bool = True
    """The caller is given the log with the answer; else it is completed after the answer has left."""


class Failure(Enum):
    """Why an invocation ended without the runtime's answer. The value is Lambda's error type."""

    TIMEOUT = "Sandbox.Timedout"
    EXIT = "Runtime.ExitError"
    OUT_OF_MEMORY = "Runtime.OutOfMemory"
    RESPONSE_TOO_LARGE = "Function.ResponseSizeTooLarge"
    INVALID_ENTRYPOINT = "Runtime.InvalidEntrypoint"
    EXTENSION_CRASH = "Extension.Crash"
    """An external extension's process ended."""
    EXTENSION_INIT_ERROR = "Extension.InitError"
    EXTENSION_EXIT_ERROR = "Extension.ExitError"
    """An extension said that it fails."""
    EXTENSION_LAUNCH_ERROR = "Extension.LaunchError"
    INIT_ERROR = "Runtime.Unknown"
    """The runtime reported it; the runtime's own error type is shown."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What the caller of an invocation gets."""

    payload: bytes
    failed: bool = False
    """`X-Amz-Function-Error: Unhandled`."""
    log: str = ""
    """What the invocation logged, START to REPORT; of a long log the end."""
    version: str = "$LATEST"
