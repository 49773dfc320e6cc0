"""Stops an environment's processes while it has no work, as Lambda does ("Lambda execution environment lifecycle")."""

from __future__ import annotations

from casemate.execution.alarm import Alarm
from casemate.execution.sandbox import plan
from casemate.execution.sandbox.client import Sandbox

_AFTER = 0.02
"""Seconds of idleness before the processes are stopped: who is called again at once is not stopped in between."""


class Freezer:
    """Of one environment."""

    def __init__(self) -> None:
        self._sandbox: Sandbox | None = None
        self._alarm = Alarm(self._freeze)
        self._frozen = False

    def idle(self, sandbox: Sandbox | None) -> None:
        """There is no work any more."""
        self._sandbox = sandbox
        if sandbox is not None:
            self._alarm.set(_AFTER)

    def busy(self) -> None:
        """It is not idle any more; whether it is frozen is another question."""
        self._alarm.lift()

    def thaw(self, sandbox: Sandbox | None) -> None:
        """Let the processes go on."""
        self.busy()
        if self._frozen and sandbox is not None:
            self._frozen = False
            sandbox.tell(plan.THAW)

    def close(self) -> None:
        """There are no processes any more."""
        self._alarm.close()

    def _freeze(self) -> None:
        assert self._sandbox is not None
        self._frozen = True
        self._sandbox.tell(plan.FREEZE)
