"""Amazon Resource Names. Source: IAM User Guide, "Identify AWS resources with Amazon Resource Names (ARNs)"."""

from __future__ import annotations

from msgspec import Struct


class Arn(Struct, frozen=True, kw_only=True):
    """`arn:partition:service:region:account:resource`; region and account may be empty."""

    partition: str = "aws"
    service: str
    region: str = ""
    account: str = ""
    resource: str
    """Everything after the fifth colon, as written (`table/orders`, `function:orders`)."""

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Parse `text`; ValueError when it does not have six parts and the prefix `arn`."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[5]:
            raise ValueError(f"not an ARN: {text!r}")
        return cls(partition=parts[1], service=parts[2], region=parts[3], account=parts[4], resource=parts[5])

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"
