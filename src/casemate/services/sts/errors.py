"""The errors of STS. Codes and statuses: botocore's model and STS API Reference; messages as the API words them."""

from __future__ import annotations

from casemate.model.errors import AwsError


def validation_error(message: str) -> AwsError:
    """ValidationError, one of the errors common to every query service."""
    return AwsError("ValidationError", message)


def invalid_parameter(message: str) -> AwsError:
    """InvalidParameterValue, another common one."""
    return AwsError("InvalidParameterValue", message)


def access_denied(message: str) -> AwsError:
    """AccessDenied."""
    return AwsError("AccessDenied", message, http_status=403)


def malformed_policy(message: str) -> AwsError:
    """MalformedPolicyDocumentException."""
    return AwsError("MalformedPolicyDocument", message)


def packed_policy_too_large(percent: int) -> AwsError:
    """PackedPolicyTooLargeException."""
    return AwsError(
        "PackedPolicyTooLarge",
        f"Packed policy consumes {percent}% of allotted space, please use smaller policy.",
    )
