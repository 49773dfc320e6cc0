"""How far this machine lets the data plane go."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

ModeName = Literal["kernel-root", "kernel-userns", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """The outcome of detection."""

    name: ModeName
    failed_step: str = ""
    """For `none`: the first step that the machine refused, with its error."""
    remedy: str = ""
    """For `none`: what to do about it."""
    no_ipv6: str = ""
    """Why VPCs have no IPv6 here; empty when they have."""
    no_latency: str = ""
    """Why packets cannot be delayed here; empty when they can."""

    @property
    def enforces(self) -> bool:
        return self.name != "none"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
