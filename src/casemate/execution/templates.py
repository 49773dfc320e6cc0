"""What versions with SnapStart begin from: made once, kept while they are used, made again when it is gone."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from msgspec.structs import replace

from casemate.execution.environment import Environment
from casemate.execution.function import FunctionVersion
from casemate.execution.launcher import Launch, Launcher
from casemate.execution.lifecycle import State
from casemate.execution.ports import FunctionHost
from casemate.execution.sandbox.client import ForkServer
from casemate.execution.snap_start import RESTORE_SECONDS, Part, snapshot_seconds

_Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Template:
    """What environments of a version begin from."""

    revision: str
    server: ForkServer | None
    """Whose children can be restored from it."""
    token: str
    """That of their container credentials: it is in the memory that they share."""
    descriptors: tuple[int, ...]
    """Of the snapshot; none when it is unfit."""
    unfit: str = ""
    """Why there is no snapshot; every environment initializes anew then."""
    used: float = field(default_factory=monotonic)

    @property
    def usable(self) -> bool:
        """Whether environments can begin from it, or anew."""
        return bool(self.unfit) or (self.server is not None and self.server.alive)

    def applied_to(self, launch: Launch) -> Launch:
        """That environment as one of this version's, with descriptors of its own: this one may be let go of meanwhile."""
        return replace(
            launch,
            part=Part.RESTORED,
            token=self.token,
            snapshot=tuple(os.dup(one) for one in self.descriptors),
            unfit=self.unfit,
            timeout_seconds=snapshot_seconds(launch.function) if self.unfit else RESTORE_SECONDS,
        )

    def give_up(self, why: str) -> None:
        """There is no snapshot."""
        self.unfit = why
        self.close()

    def close(self) -> None:
        """Let go of the snapshot. What has been restored from it keeps what it needs."""
        for one in self.descriptors:
            os.close(one)
        self.descriptors = ()


class Templates:
    """All of them, by function and version."""

    def __init__(
        self,
        launcher: Launcher,
        *,
        new_stream: Callable[[FunctionVersion], str],
        in_order: Callable[[tuple[str, ...]], tuple[str, ...]],
        random_bytes: Callable[[int], bytes],
        on_change: Callable[[Environment], None],
    ) -> None:
        self._launcher = launcher
        self._new_stream = new_stream
        self._in_order = in_order
        self._random_bytes = random_bytes
        self._on_change = on_change
        self._known: dict[_Key, Template] = {}
        self._locks: defaultdict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ready(self, function: FunctionVersion, host: FunctionHost) -> Template:
        """The version's template, made if need be. InitError; AwsError as `Launcher.launch`."""
        key = (function.arn, function.version)
        async with self._locks[key]:
            template = self._known.get(key)
            if template is None or not template.usable or template.revision != function.revision:
                if template is not None:
                    template.close()
                template = self._known[key] = await self._make(function, host)
            template.used = monotonic()
            return template

    def retire(self, function_arn: str, version: str | None = None) -> None:
        """Let those of a function (of one version) go."""
        for key in [key for key in self._known if key[0] == function_arn and version in (None, key[1])]:
            self._drop(key)

    def reap(self, idle_seconds: float, *, in_use: Callable[[_Key], bool]) -> None:
        """Let those go whose version has not been used for so long, or that are of no more use."""
        for key, template in list(self._known.items()):
            if in_use(key):
                template.used = monotonic()
            elif monotonic() - template.used >= idle_seconds or not template.usable:
                self._drop(key)

    def close(self) -> None:
        """Let go of all."""
        for key in list(self._known):
            self._drop(key)

    def _drop(self, key: _Key) -> None:
        self._known.pop(key).close()
        if not self._locks[key].locked():
            del self._locks[key]

    async def _make(self, function: FunctionVersion, host: FunctionHost) -> Template:
        interfaces = self._in_order(function.interfaces)
        launch = Launch(
            function=function,
            host=host,
            stream=self._new_stream(function),
            interface=interfaces[0] if interfaces else None,
            timeout_seconds=snapshot_seconds(function),
            part=Part.TEMPLATE,
            token=self._random_bytes(32).hex(),
        )
        environment = self._launcher.prepare(launch, self._on_change)
        try:
            await self._launcher.launch(environment, launch)
        except BaseException:
            environment.state = State.ENDED
            environment.beginning.discard()
            raise
        beginning = environment.beginning
        if beginning.unfit:
            environment.log.remark(
                f"casemate: no snapshot could be made because of {beginning.unfit}; "
                "every environment of this version initializes anew\n"
            )
        environment.log.flush()
        return Template(
            revision=function.revision,
            server=beginning.server,
            token=launch.token,
            descriptors=beginning.snapshot,
            unfit=beginning.unfit,
        )
