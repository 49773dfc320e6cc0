"""The only file that wires things together: from options to a serving Casemate, and back to nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

_log = logging.getLogger(__name__)

MANAGEMENT_ACCOUNT = "111111111111"
WORKLOAD_ACCOUNT = "000000000000"
LAPTOP = IPv4Address("127.0.0.1")


class StartError(Exception):
    """Casemate cannot start; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `casemate up` was asked."""

    port: int
    data: Path
    ephemeral: bool = False
    dataplane: Literal["auto", "kernel", "off"] = "auto"
    accept_any_credentials: bool = False


def registries() -> list[Any]:
    """Every slice's registry of operations: for the coverage table and the architecture tests."""
    from casemate.services import cloudtrail, dynamodb, ec2, iam, lambda_, logs, organizations, sts

    return [one.operations for one in (cloudtrail, dynamodb, ec2, iam, lambda_, logs, organizations, sts)]
