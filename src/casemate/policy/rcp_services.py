"""The services whose resources RCPs bind, as dated data: `data/rcp_services.json`.

Its source is the Organizations User Guide, "List of AWS services that support RCPs", by way of a package (docs/decisions/
0010-iam-metadata.md). Lambda and SNS are not on AWS's list.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def rcp_services() -> frozenset[str]:
    """Their IAM prefixes."""
    data = (files("casemate.policy") / "data" / "rcp_services.json").read_bytes()
    return frozenset(json.loads(data)["services"])


def rcps_bind(action: str) -> bool:
    """Whether RCPs are evaluated for `action` at all (`dynamodb:GetItem`: yes; `lambda:InvokeFunction`: no)."""
    return action.partition(":")[0].lower() in rcp_services()
