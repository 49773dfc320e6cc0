"""The states of an instance, and which request moves it from which to which.

Source: EC2 User Guide, "Amazon EC2 instance state changes"; the codes: API Reference, InstanceState.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, int] = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}

REQUESTS: Mapping[str, Mapping[str, str]] = {
    # request: state -> the state it leads to; a state that is not listed refuses the request
    "start": {"stopped": "pending", "pending": "pending", "running": "running"},
    "stop": {"running": "stopping", "stopping": "stopping", "stopped": "stopped"},
    "reboot": {"running": "running", "pending": "pending"},
    "terminate": {
        "pending": "shutting-down",
        "running": "shutting-down",
        "stopping": "shutting-down",
        "stopped": "shutting-down",
        "shutting-down": "shutting-down",
        "terminated": "terminated",
    },
}

ARRIVES: Mapping[str, str] = {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}
"""Where a state of passage ends once the machine has followed."""

REASONS: Mapping[str, tuple[str, str]] = {
    "stopping": ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"),
    "shutting-down": (
        "Client.UserInitiatedShutdown",
        "Client.UserInitiatedShutdown: User initiated shutdown",
    ),
    "pending": ("pending", "pending"),
}


def state_output(state: str) -> dict[str, int | str]:
    """The InstanceState member."""
    return {"Code": CODES[state], "Name": state}
