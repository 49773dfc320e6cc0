"""Errors about prefix lists."""

from __future__ import annotations

from casemate.model.errors import AwsError


def prefix_list_version(list_id: str, version: int) -> AwsError:
    return AwsError(
        "InvalidPrefixListVersion.NotFound", f"The version {version} of prefix list {list_id} does not exist."
    )


def prefix_list_version_mismatch(list_id: str, version: int) -> AwsError:
    return AwsError(
        "PrefixListVersionMismatch",
        f"The prefix list {list_id} has a different version number than the provided version ({version}).",
    )


def prefix_list_size(entries: int, size: int) -> AwsError:
    return AwsError(
        "PrefixListMaxEntriesExceeded",
        f"The number of entries ({entries}) does not fit the maximum number of entries ({size}).",
    )


def prefix_list_in_use(list_id: str) -> AwsError:
    return AwsError(
        "DependencyViolation", f"The prefix list '{list_id}' has dependencies and cannot be deleted."
    )


def aws_prefix_list(list_id: str) -> AwsError:
    return AwsError("OperationNotPermitted", f"The prefix list {list_id} is managed by AWS.")
