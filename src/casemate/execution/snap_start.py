"""SnapStart's part in an environment: what it is for, the limits of its phases, and how a restore fails. Pure."""

from __future__ import annotations

from enum import Enum

from casemate.execution.failures import InitFailure
from casemate.execution.function import Failure, FunctionVersion
from casemate.model.errors import AwsError

RESTORE_SECONDS = 10.0
"""For a restore, hooks included: Lambda Developer Guide, "Lambda SnapStart runtime hooks for Python"."""
_LEAST_SNAPSHOT_SECONDS, _MOST_SNAPSHOT_SECONDS = 130.0, 900.0
TYPE = "snap-start"
"""AWS_LAMBDA_INITIALIZATION_TYPE."""


class Part(Enum):
    """What an environment is for."""

    ORDINARY = "ordinary"
    """It initializes, and is invoked."""
    TEMPLATE = "template"
    """It initializes, and is never invoked: its snapshot is."""
    RESTORED = "restored"
    """It begins from a snapshot, or anew where there is none, and is invoked."""


def snapshot_seconds(function: FunctionVersion) -> float:
    """How long initialization may take when it is for a snapshot: 130 seconds or the function's time-out, as above."""
    return min(max(_LEAST_SNAPSHOT_SECONDS, function.timeout_seconds), _MOST_SNAPSHOT_SECONDS)


class UnrestorableError(Exception):
    """This machine could not restore a snapshot, whatever the function does."""


def restore_error(failure: InitFailure) -> AwsError:
    """What the caller hears when the function's part of a restore fails. Texts: botocore's documentation of the errors."""
    if failure.failure is Failure.TIMEOUT:
        return AwsError(
            "SnapStartTimeoutException",
            "Lambda couldn't restore the snapshot within the timeout limit.",
            http_status=408,
            fields={"Type": "User"},
        )
    return AwsError(
        "SnapStartException",
        "The afterRestore() runtime hook encountered an error. For more information, check the Amazon CloudWatch logs.",
        fields={"Type": "User"},
    )


def regeneration_error() -> AwsError:
    """A snapshot that was there once cannot be made again. Text: as above."""
    return AwsError(
        "SnapStartRegenerationFailureException",
        "Lambda couldn't regenerate the SnapStart snapshot for the function.",
        http_status=409,
        fields={"Type": "User"},
    )
