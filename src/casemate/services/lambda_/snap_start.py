"""SnapStart in the API: what it applies to, what it excludes, the states of versions. `snapshotting` makes it true.

Sources: Lambda Developer Guide, "Improving startup performance with Lambda SnapStart", "Activating and managing Lambda
SnapStart".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from casemate.execution.failures import InitFailure
from casemate.execution.function import Failure
from casemate.servicekit.service import Told
from casemate.services.lambda_ import errors
from casemate.services.lambda_.names import LATEST
from casemate.services.lambda_.records import Snapshot, SnapshotStatus

if TYPE_CHECKING:
    from casemate.services.lambda_.state import Function, LambdaState

_CHOICES = ("PublishedVersions", "None")
_LEAST_PYTHON = 12
_MOST_STORAGE = 512
_CREATING = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}
_CODES = {
    Failure.TIMEOUT: "FunctionError.InitTimeout",
    Failure.INVALID_ENTRYPOINT: "FunctionError.InvalidEntryPoint",
    Failure.OUT_OF_MEMORY: "FunctionError.InitResourceExhausted",
    Failure.EXTENSION_CRASH: "FunctionError.ExtensionInitError",
    Failure.EXTENSION_INIT_ERROR: "FunctionError.ExtensionInitError",
    Failure.EXTENSION_EXIT_ERROR: "FunctionError.ExtensionInitError",
    Failure.EXTENSION_LAUNCH_ERROR: "FunctionError.ExtensionInitError",
}
"""`StateReasonCode` in botocore's model; of anything else, `FunctionError.RuntimeInitError`."""


def applies(config: Mapping[str, str]) -> bool:
    """What an input's `SnapStart` says."""
    choice = config.get("ApplyOn", "None")
    if choice not in _CHOICES:
        raise errors.constraint(
            choice, "snapStart.applyOn", f"satisfy enum value set: [{', '.join(_CHOICES)}]"
        )
    return choice == "PublishedVersions"


def require_eligible(settings: Mapping[str, Any]) -> None:
    """AwsError when a function with these settings cannot have SnapStart and asks for it.

    Source: "Supported features and limitations": of what runs here, Python 3.12 and later; at most 512 MB of storage.
    """
    if not settings.get("snap_start"):
        return
    python = re.fullmatch(r"python3\.(\d+)", settings["runtime"])
    if python is None or int(python[1]) < _LEAST_PYTHON:
        # Observed: localstack/localstack#12458 on GitHub.
        raise errors.invalid(f"{settings['runtime']} is not supported for SnapStart enabled functions.")
    if settings.get("ephemeral", _MOST_STORAGE) > _MOST_STORAGE:
        # The limit is documented, the words are ours.
        raise errors.invalid(
            f"Ephemeral storage greater than {_MOST_STORAGE} MB is not supported for SnapStart enabled functions."
        )


def require_no_snapshot(version: Function) -> None:
    """For provisioned concurrency, which "can't be used on the same function version". The words are ours."""
    if version.snap_start:
        raise errors.invalid("Provisioned Concurrency is not supported for SnapStart enabled functions.")


def require_snapshot(version: Function) -> None:
    """AwsError when an invocation comes before the snapshot, or it failed."""
    if version.snapshot.status is SnapshotStatus.PENDING:
        raise errors.snapshot_pending()
    if version.snapshot.status is SnapshotStatus.FAILED:
        raise errors.not_invocable("Failed")


def wanted(latest: Function) -> Snapshot:
    """Of a version that is about to be published."""
    return Snapshot(status=SnapshotStatus.PENDING) if latest.snap_start else Snapshot()


def failed(failure: InitFailure) -> Snapshot:
    """The snapshot of a version whose initialization failed."""
    code = _CODES.get(failure.failure, "FunctionError.RuntimeInitError")
    message = failure.message or f"Runtime initialization failed with {failure.error_type}"
    return Snapshot(status=SnapshotStatus.FAILED, code=code, reason=message)


def state(function: Function) -> dict[str, str]:
    """`State` and its reasons."""
    snapshot = function.snapshot
    if snapshot.status is SnapshotStatus.PENDING:
        return _CREATING
    if snapshot.status is SnapshotStatus.FAILED:
        return {"State": "Failed", "StateReason": snapshot.reason, "StateReasonCode": snapshot.code}
    return {"State": "Active"}


def describe(function: Function) -> dict[str, str]:
    """`SnapStartResponse`: optimized are published versions ("To use SnapStart, you must invoke the published function
    version, not the unpublished version ($LATEST)").
    """
    on = function.snap_start and function.version != LATEST
    return {
        "ApplyOn": "PublishedVersions" if function.snap_start else "None",
        "OptimizationStatus": "On" if on else "Off",
    }


def until_settled(state: LambdaState, told: Told) -> None:
    """An operation that publishes answers when the version is initialized: docs/decisions/0008."""
    state.when_settled(told)
