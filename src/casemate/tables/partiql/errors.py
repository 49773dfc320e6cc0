"""The complaint about a statement that does not parse."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.tables.errors import validation


def malformed(reason: str) -> AwsError:
    """The prefix is AWS's, the reason is ours: AWS documents no list of them."""
    return validation(f"Statement wasn't well formed, can't be processed: {reason}")
