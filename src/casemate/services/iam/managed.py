"""AWS's own managed policies, as AWS publishes them: `data/aws_managed_policies.json`, dated, with its source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from casemate.services.iam.policies import ManagedPolicy, PolicyVersion

AWS = "aws"
"""What stands in the place of the account in the ARN of a policy of AWS's."""


class _Published(msgspec.Struct):
    name: str
    id: str
    description: str
    created: datetime
    edited: datetime
    version: str
    document: dict[str, Any]
    path: str = "/"


class _Data(msgspec.Struct):
    source: str
    retrieved: str
    policies: list[_Published]


@cache
def aws_managed_policies() -> Mapping[str, ManagedPolicy]:
    """By ARN. Only the default version of each is known."""
    text = (files("casemate.services.iam") / "data" / "aws_managed_policies.json").read_bytes()
    policies = [_managed(each) for each in msgspec.json.decode(text, type=_Data).policies]
    return {policy.arn: policy for policy in policies}


def _managed(published: _Published) -> ManagedPolicy:
    version = PolicyVersion(
        id=published.version, document=json.dumps(published.document, indent=2), created=published.edited
    )
    return ManagedPolicy(
        account=AWS,
        name=published.name,
        path=published.path,
        id=published.id,
        created=published.created,
        updated=published.edited,
        versions=(version,),
        default=published.version,
        description=published.description,
    )
