"""How far this machine lets the data plane go."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, structs

ModeName = Literal["kernel-root", "kernel-userns", "none"]


class Mode(Struct, frozen=True, kw_only=True):
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
        return structs.asdict(self)
