"""What the parser raises. Services turn it into their own AWS error (MalformedPolicyDocument, ValidationException)."""

from __future__ import annotations


class MalformedPolicy(Exception):  # noqa: N818 - named as the AWS errors it becomes
    """A policy document that AWS would refuse."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        """AWS's text, where AWS's text is on record."""
        self.detail = detail or message
        """What exactly is wrong, where AWS's text does not say (Organizations has one text for every fault)."""


class PolicyTooLarge(Exception):  # noqa: N818 - as above
    """A policy document over its quota. Services word the error themselves: IAM, STS and EC2 differ."""

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(f"policy of {size} characters exceeds {limit}")
        self.size = size
        self.limit = limit
