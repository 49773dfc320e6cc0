"""The errors of the engine, in AWS's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casemate.model.errors import AwsError

INVALID = "One or more parameter values were invalid: "
"""The prefix DynamoDB puts before most complaints about values."""


def validation(message: str) -> AwsError:
    """A ValidationException."""
    return AwsError("ValidationException", message)


def conditional_check_failed(item: Mapping[str, Any] | None) -> AwsError:
    """The condition was false; `item` is given when the request asked for it (ReturnValuesOnConditionCheckFailure)."""
    fields = {} if item is None else {"Item": item}
    return AwsError("ConditionalCheckFailedException", "The conditional request failed", fields=fields)


def trimmed() -> AwsError:
    """Records that a reader asks for are older than a stream keeps them."""
    return AwsError(
        "TrimmedDataAccessException",
        "The operation attempted to read past the oldest stream record in a shard.",
    )
