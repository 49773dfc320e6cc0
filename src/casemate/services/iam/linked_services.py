"""The services that have a service-linked role, as dated data: `data/service_linked_roles.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from casemate.services.iam.managed import AWS


class LinkedService(msgspec.Struct, frozen=True):
    """What a service's role is like."""

    role: str
    """`AWSServiceRoleForAutoScaling`."""
    policy: str
    """Name of the AWS managed policy that it holds."""
    suffix: bool
    """Whether an account may have several, with suffixes."""

    @property
    def policy_arn(self) -> str:
        return f"arn:aws:iam::{AWS}:policy/aws-service-role/{self.policy}"

    def role_name(self, suffix: str | None) -> str:
        """`AWSServiceRoleForAutoScaling`, `AWSServiceRoleForAutoScaling_debug`."""
        return f"{self.role}_{suffix}" if suffix else self.role


class _Data(msgspec.Struct):
    source: str
    retrieved: str
    roles: dict[str, LinkedService]


@cache
def linked_services() -> Mapping[str, LinkedService]:
    """By service principal: `autoscaling.amazonaws.com`."""
    text = (files("casemate.services.iam") / "data" / "service_linked_roles.json").read_bytes()
    return msgspec.json.decode(text, type=_Data).roles


def trust_of(service: str) -> str:
    """The trust policy of a service-linked role: its service and nobody else."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
