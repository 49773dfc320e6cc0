"""The processes of one environment, seen from outside: what they write, how much memory they have, whether they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from casemate.execution.freezer import Freezer
from casemate.execution.log_pipe import LogPipe
from casemate.execution.memory_watch import MemoryWatch
from casemate.execution.sandbox.client import ForkServer, Sandbox, SandboxError


class Processes:
    """None until `start`; all of them are gone when `ended` returns."""

    def __init__(
        self,
        memory_mb: int,
        *,
        on_message: Callable[[dict[str, Any]], None],
        on_excess: Callable[[], object],
        restored: bool = False,
    ) -> None:
        """`on_message` hears what process 1 says, `on_excess` of too much memory. `restored`: from a snapshot."""
        self._on_message = on_message
        self._sandbox: Sandbox | None = None
        self._pipe: LogPipe | None = None
        self._freezer = Freezer()
        self._memory = MemoryWatch(memory_mb, on_excess, restored=restored)
        self._mounted = False

    @property
    def started(self) -> bool:
        """Whether there have ever been any."""
        return self._sandbox is not None

    @property
    def peak_mb(self) -> int:
        """The most memory that was seen."""
        return self._memory.peak_mb

    def start(
        self,
        server: ForkServer,
        network_fd: int,
        description: Mapping[str, Any],
        descriptors: Sequence[int] = (),
        *,
        on_line: Callable[[str], None],
    ) -> None:
        """Fork process 1 in that network namespace and tell it what to run; hear what it writes. SandboxError.

        `descriptors` are those of a snapshot that its runtime goes on from.
        """
        self._sandbox = server.launch(network_fd)
        self._sandbox.listen(self._hear)
        self._pipe = LogPipe(self._sandbox.log_fd, on_line)
        self._sandbox.describe(description, descriptors)

    def tell(self, order: bytes) -> None:
        """Give process 1 one of the orders of `plan`. Nothing when there is none."""
        if self._sandbox is not None:
            self._sandbox.tell(order)

    async def connection(self) -> Any:
        """A TCP socket of the environment's own network, not connected. SandboxError."""
        if self._sandbox is None:
            raise SandboxError("the environment has no processes")
        return await self._sandbox.connection()

    def idle(self) -> None:
        """There is no work: stop them in a moment."""
        self._freezer.idle(self._sandbox)

    def thaw(self) -> None:
        """Let them go on."""
        self._freezer.thaw(self._sandbox)

    def watch(self) -> None:
        """Look at their memory until `disregard`."""
        self._memory.start(lambda: self.init_pid)

    def disregard(self) -> None:
        """Neither their memory nor their idleness matters any more."""
        self._memory.stop()
        self._freezer.busy()

    def glance(self, seconds: float) -> None:
        """Look at their memory after work that took that long."""
        self._memory.glance(self.init_pid, seconds)

    def drain(self, *, end: bool = False) -> None:
        """Read what they have written; `end` of an invocation takes an unfinished line as a line."""
        if self._pipe is not None:
            self._pipe.drain()
            if end:
                self._pipe.flush()

    def kill(self) -> None:
        """End them all."""
        if self._sandbox is not None:
            self._sandbox.kill()

    async def ended(self) -> None:
        """Wait until every one is gone."""
        if self._sandbox is not None:
            await self._sandbox.gone

    def close(self) -> None:
        """Read the last that they wrote, and give the pipe back."""
        self._memory.close()
        self._freezer.close()
        if self._pipe is not None:
            self._pipe.drain()
            self._pipe.close()

    def _hear(self, message: dict[str, Any]) -> None:
        self._mounted |= "started" in message or "extensions" in message
        self._on_message(message)

    @property
    def init_pid(self) -> int:
        """Process 1; 0 until process 1 has a /proc of its own: what it sees before is the machine's."""
        return self._sandbox.pid if self._sandbox is not None and self._mounted else 0
