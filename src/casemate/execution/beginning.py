"""How an environment begins: by initializing, to be invoked or for a snapshot; or from a snapshot. How long that took, and
what it can be asked from then on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from casemate.execution import runtime_api
from casemate.execution.container_credentials import ContainerCredentials
from casemate.execution.metadata_endpoint import Metadata
from casemate.execution.runtime_api import Answer, Call, CallKind
from casemate.execution.sandbox.client import ForkServer
from casemate.execution.snap_start import Part


@dataclass(slots=True, kw_only=True)
class Beginning:
    """Of one environment."""

    part: Part = Part.ORDINARY
    server: ForkServer | None = None
    """Which it was forked from."""
    credentials: ContainerCredentials | None = None
    """For who asks on the runtime API; None when they are in the variables."""
    metadata: Metadata = field(default_factory=lambda: Metadata(token="", zone_id=""))
    """What its processes may ask of it; known when it is launched."""
    snapshot: tuple[int, ...] = ()
    """Descriptors of the snapshot that was taken of it (`sandbox.plan`): the caller's, who closes them."""
    unfit: str = ""
    """Why none could be taken."""
    took_ms: float | None = None
    """None before it is over, and once that has been reported."""
    _began: float = 0.0
    _resumed: float = 0.0
    _billed_restore_ms: float = 0.0

    def begin(self) -> None:
        """Now."""
        self._began = monotonic()

    def resume(self) -> None:
        """Its runtime goes on from a snapshot: only its own hooks are left."""
        self._resumed = monotonic()

    @property
    def resumed(self) -> bool:
        """Whether only its own hooks are left."""
        return self._resumed > 0

    @property
    def so_far_ms(self) -> float:
        """How long it has been going on."""
        return (monotonic() - self._began) * 1000

    def end(self) -> None:
        """It asks for work, or the snapshot is taken."""
        self.took_ms = self.so_far_ms
        if self._resumed:
            self._billed_restore_ms = (monotonic() - self._resumed) * 1000

    def heard(self, message: dict[str, Any]) -> bool:
        """Whether process 1 says that the runtime's state was taken, or why it could not be."""
        if "snapshot" in message:
            self.snapshot = tuple(message["descriptors"])
        elif "unfit" in message:
            self.unfit = message["unfit"]
        else:
            return False
        return True

    def discard(self) -> None:
        """Nobody wants the snapshot."""
        for one in self.snapshot:
            os.close(one)
        self.snapshot = ()

    def answer(self, call: Call, answer: Answer) -> None:
        """A question: for its metadata, or for credentials."""
        if call.kind is CallKind.METADATA:
            answer(self.metadata.answer(call))
        else:
            answer(runtime_api.NOT_FOUND if self.credentials is None else self.credentials.answer(call))

    def reported(self) -> dict[str, float | None]:
        """Members of `report.Usage`, for the first invocation only."""
        took, self.took_ms = self.took_ms, None
        if self.part is not Part.RESTORED:
            return {"init_ms": took}
        billed, self._billed_restore_ms = self._billed_restore_ms, 0.0
        return {"restore_ms": took, "billed_restore_ms": billed}
