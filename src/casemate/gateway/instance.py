"""A house behind its front door and its control socket."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from typing import Any, Protocol

from casemate.explain import to_json
from casemate.explain.events import render_event
from casemate.gateway.control import CommandError, ControlServer
from casemate.gateway.data_directory import DataDirectory
from casemate.gateway.explanation import Explainer, Question
from casemate.gateway.flow_collector import FlowCollector
from casemate.gateway.front import Front
from casemate.gateway.journal import Journal
from casemate.gateway.shell import Shell, converse


class StartError(Exception):
    """Casemate cannot start; the text says why and what to do."""


class House(Protocol):
    """Everything behind the door, wired by `casemate.app`."""

    @property
    def front(self) -> Front: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def explainer(self) -> Explainer: ...
    @property
    def flow_collector(self) -> FlowCollector: ...

    async def open(self) -> None:
        """Start everything that runs; StartError when something essential cannot."""
        ...

    def preload(self) -> None:
        """Begin what may come after the ready line."""
        ...

    async def close(self) -> None:
        """Take everything down."""
        ...

    def status(self) -> dict[str, Any]:
        """What is enforced."""
        ...

    async def costs(self) -> dict[str, Any]:
        """The bill: `text` and `json`."""
        ...

    async def counters(self, vpc_id: str) -> dict[str, Any]:
        """Packets counted by the data plane."""
        ...

    @property
    def shell(self) -> Shell:
        """Commands in instances."""
        ...


class Instance:
    """A house behind its front door and its control socket; `reset` builds the house anew on the same port."""

    def __init__(
        self,
        *,
        port: int,
        directory: DataDirectory,
        ephemeral: bool,
        make_house: Callable[[], House],
        version: str,
    ) -> None:
        self._port = port
        self._directory = directory
        self._ephemeral = ephemeral
        self._make_house = make_house
        self._version = version
        self._stop = asyncio.Event()
        self._house: House | None = None
        self._control = ControlServer(
            directory.path / "control.sock",
            {
                "status": self._status,
                "down": self._down,
                "reset": self._reset,
                "event": self._event,
                "explain": self._explain,
                "counters": self._counters,
                "costs": self._costs,
                "deliver-flow-logs": self._deliver_flow_logs,
            },
            {"exec": self._exec},
        )

    async def run(self, announce: Callable[[str], None]) -> None:
        """Serve until SIGTERM, SIGINT or `casemate down`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        try:
            await self.start()
            for line in self.greeting():
                announce(line)
            self.house.preload()
            await self._stop.wait()
        finally:
            await self.close()

    async def start(self) -> None:
        """Open the house, then the doors."""
        if self._ephemeral:
            self._directory.wipe()
        await self._open_house()
        await self._control.start()
        self._directory.publish(endpoint=self.endpoint, version=self._version)

    async def close(self) -> None:
        """Close the doors, then the house."""
        await self._control.close()
        if self._house is not None:
            await self._house.close()
            self._house = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def house(self) -> House:
        if self._house is None:
            raise CommandError("Casemate is being reset; try again")
        return self._house

    def greeting(self) -> list[str]:
        """What `casemate up` prints; a network that is not enforced is said before the ready line."""
        status = self.house.status()
        warning = [] if status["network_enforced"] else [f"network {status['network']}"]
        return [*warning, f"ready {self.endpoint}"]

    async def _open_house(self) -> None:
        house = self._make_house()
        try:
            await house.open()
            self._port = self._open_door(house)
        except BaseException:
            await house.close()
            raise
        self._house = house

    def _open_door(self, house: House) -> int:
        try:
            return house.front.open(self._port)
        except OSError as error:
            why = (
                "is taken" if error.errno == errno.EADDRINUSE else f"cannot be listened on: {error.strerror}"
            )
            raise StartError(f"127.0.0.1:{self._port} {why}; choose another port with --port") from error

    async def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        about = {"endpoint": self.endpoint, "version": self._version, "pid": os.getpid()}
        state = "in memory" if self._ephemeral else str(self._directory.path)
        return {**about, "state": state, **self.house.status()}

    async def _down(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        asyncio.get_running_loop().call_later(0.05, self._stop.set)
        return {"pid": os.getpid()}

    async def _reset(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        house, self._house = self.house, None
        await house.close()
        self._directory.wipe()
        await self._open_house()
        return {"reset": True}

    async def _event(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self.house.journal.find(str(request.get("request_id")))
        if found is None:
            raise CommandError(f"request {request.get('request_id')} is not on record")
        decisions = [to_json(decision) for decision in found.decisions]
        text = render_event(found.event, found.decisions)
        return {"json": {**found.event, "casemateDecisions": decisions}, "text": text}

    async def _explain(self, request: dict[str, Any]) -> dict[str, Any]:
        region = str(request["region"])
        question = Question(
            source=str(request["from"]),
            target=str(request["to"]),
            action=str(request["action"]),
            account=str(request["account"]),
            region=region,
            target_region=str(request.get("target_region") or region),
        )
        return self.house.explainer.explain(question)

    async def _costs(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        return await self.house.costs()

    async def _deliver_flow_logs(self, request: dict[str, Any]) -> dict[str, Any]:
        """Without waiting for the aggregation interval: for tests and for the impatient."""
        del request
        await self.house.flow_collector.collect(everything=True)
        return {"delivered": True}

    async def _exec(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await converse(self.house.shell, request, reader, writer)

    async def _counters(self, request: dict[str, Any]) -> dict[str, Any]:
        return dict(await self.house.counters(str(request["vpc_id"])))
