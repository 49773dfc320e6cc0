"""The errors of IAM: codes and statuses of botocore's model, messages as AWS words them.

Sources: IAM API Reference "Common Errors" and each operation's "Errors"; the sentences are those that the API answers
with (seen in public issue trackers of the AWS CLI and the Terraform provider).
"""

from __future__ import annotations

from casemate.model.errors import AwsError


def no_such_entity(message: str) -> AwsError:
    """NoSuchEntityException."""
    return AwsError("NoSuchEntity", message, http_status=404)


def not_found(noun: str, name: str) -> AwsError:
    """`The role with name orders cannot be found.`"""
    return no_such_entity(f"The {noun.lower()} with name {name} cannot be found.")


def already_exists(message: str) -> AwsError:
    """EntityAlreadyExistsException."""
    return AwsError("EntityAlreadyExists", message, http_status=409)


def delete_conflict(message: str) -> AwsError:
    """DeleteConflictException."""
    return AwsError("DeleteConflict", message, http_status=409)


def limit_exceeded(message: str) -> AwsError:
    """LimitExceededException."""
    return AwsError("LimitExceeded", message, http_status=409)


def quota_exceeded(quota: str, limit: int) -> AwsError:
    """`Cannot exceed quota for PoliciesPerRole: 10`."""
    return limit_exceeded(f"Cannot exceed quota for {quota}: {limit}")


def malformed_policy(message: str) -> AwsError:
    """MalformedPolicyDocumentException."""
    return AwsError("MalformedPolicyDocument", message)


def policy_not_attachable(noun: str) -> AwsError:
    """PolicyNotAttachableException: `Cannot attach a Service Role Policy to a Customer Role.`"""
    return AwsError("PolicyNotAttachable", f"Cannot attach a Service Role Policy to a Customer {noun}.")


def invalid_input(message: str) -> AwsError:
    """InvalidInputException."""
    return AwsError("InvalidInput", message)


def validation_error(message: str) -> AwsError:
    """ValidationError, one of the errors common to every query service."""
    return AwsError("ValidationError", message)


def unmodifiable(message: str) -> AwsError:
    """UnmodifiableEntityException."""
    return AwsError("UnmodifiableEntity", message)


def access_denied(message: str) -> AwsError:
    """AccessDenied, for what no policy could allow."""
    return AwsError("AccessDenied", message, http_status=403)
