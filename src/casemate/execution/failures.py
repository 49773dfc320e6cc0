"""How an environment fails before a function sees its invocation."""

from __future__ import annotations

from msgspec import Struct

from casemate.execution.function import Failure


class InitFailure(Struct, frozen=True, kw_only=True):
    """How initialization failed."""

    failure: Failure
    error_type: str
    message: str
    payload: bytes = b""
    """What the runtime reported; empty when it reported nothing."""
    exit_status: int | None = None
    duration_ms: float = 0


class InitError(Exception):
    """The function's initialization failed."""

    def __init__(self, failure: InitFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class NotDeliveredError(Exception):
    """The environment ended before the runtime saw the invocation: it can be given to another environment."""


class AttachError(Exception):
    """The network has no place for the environment."""
