"""Getting an environment its place in the network."""

from __future__ import annotations

import asyncio

from casemate.execution.failures import AttachError
from casemate.execution.ports import Attached, EnvironmentNetwork

_TRIES, _INTERVAL = 20, 0.05
"""One second: a change of the network is in the kernel within milliseconds."""


async def attach(network: EnvironmentNetwork, interface: str | None) -> Attached:
    """Attach; an interface that was made a moment ago may not be in the kernel yet. AttachError."""
    for _ in range(_TRIES if interface is not None else 0):
        try:
            return await network.attach_environment(interface)
        except (RuntimeError, OSError):
            await asyncio.sleep(_INTERVAL)
    try:
        return await network.attach_environment(interface)
    except (RuntimeError, OSError) as error:
        raise AttachError(str(error)) from error
