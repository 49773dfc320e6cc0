"""What a Casemate is started with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from casemate.tables.remote.options import RemoteTables

MANAGEMENT_ACCOUNT = "111111111111"
WORKLOAD_ACCOUNT = "000000000000"
ACCOUNTS = (MANAGEMENT_ACCOUNT, WORKLOAD_ACCOUNT)


class Options(Struct, frozen=True, kw_only=True):
    """What `casemate up` was asked."""

    port: int
    data: Path
    ephemeral: bool = False
    dataplane: Literal["auto", "kernel", "off"] = "auto"
    internet: Literal["emulated", "host"] = "emulated"
    """host: what is not AWS's is reached through the machine's own network."""
    accept_any_credentials: bool = False
    strict_runtimes: bool = False
    """Functions run on the version of their runtime or not at all."""
    tables: RemoteTables | None = None
    """Where items live; None: in the data directory."""
    throttle: bool = False
    """Tables give no more than their provisioned units and on-demand limits."""
    quotas: Mapping[str, int] = field(default_factory=dict[str, int])
    """Quotas of a VPC to raise or lower, by the names of `services.ec2.quotas`."""
