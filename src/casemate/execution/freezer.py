"""Stops an environment's processes while it has no work, as Lambda does ("Lambda execution environment lifecycle")."""

from __future__ import annotations

import asyncio

from casemate.execution.sandbox import plan
from casemate.execution.sandbox.client import Sandbox

_AFTER = 0.02
"""Seconds of idleness before the processes are stopped: who is called again at once is not stopped in between."""


class Freezer:
    """Of one environment."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._frozen = False

    def idle(self, sandbox: Sandbox | None) -> None:
        """There is no work any more."""
        if sandbox is not None:
            self._timer = asyncio.get_running_loop().call_later(_AFTER, self._freeze, sandbox)

    def busy(self) -> None:
        """It is not idle any more; whether it is frozen is another question."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def thaw(self, sandbox: Sandbox | None) -> None:
        """Let the processes go on."""
        self.busy()
        if self._frozen and sandbox is not None:
            self._frozen = False
            sandbox.tell(plan.THAW)

    def _freeze(self, sandbox: Sandbox) -> None:
        self._timer = None
        self._frozen = True
        sandbox.tell(plan.FREEZE)
