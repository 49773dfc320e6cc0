"""The services whose resources RCPs bind, as dated data.

Source: Organizations User Guide, "List of AWS services that support RCPs", as of September 2026: 62 services. Here are
those among them that Casemate models or that its perimeter examples name. Lambda and SNS are not on AWS's list.
"""

from __future__ import annotations

RCP_SERVICES_AS_OF = "2026-09"
RCP_SERVICES = frozenset({"dynamodb", "kms", "logs", "s3", "secretsmanager", "sqs", "sts"})
"""IAM prefixes."""


def rcps_bind(action: str) -> bool:
    """Whether RCPs are evaluated for `action` at all (`dynamodb:GetItem`: yes; `lambda:Invoke`: no)."""
    return action.partition(":")[0].lower() in RCP_SERVICES
