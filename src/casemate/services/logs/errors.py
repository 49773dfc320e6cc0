"""The errors of CloudWatch Logs: codes from botocore's model.

Messages are worded from general knowledge where no page is cited: not checked against recorded answers.
"""

from __future__ import annotations

from casemate.model.errors import AwsError


def group_not_found() -> AwsError:
    """No such group."""
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def stream_not_found() -> AwsError:
    """No such stream."""
    return AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def group_exists() -> AwsError:
    """The name is taken."""
    return AwsError("ResourceAlreadyExistsException", "The specified log group already exists")


def stream_exists() -> AwsError:
    """The name is taken."""
    return AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")


def invalid(message: str) -> AwsError:
    """A parameter that is not acceptable."""
    return AwsError("InvalidParameterException", message)
