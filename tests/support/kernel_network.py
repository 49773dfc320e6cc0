"""A running data plane with a front door that tells everybody who they are, and probes inside its namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from casemate.dataplane.kernel.client import KernelDataplane, NamespaceListener
from casemate.model.network import NetworkSnapshot

PROBE = Path(__file__).with_name("namespace_probe.py")


class KernelNetwork:
    """The data plane under test."""

    def __init__(self) -> None:
        self.listeners: dict[str, NamespaceListener] = {}
        self.gone: list[str] = []
        self.lost: list[str] = []
        self.logged: list[str] = []
        self.accepted: list[socket.socket] = []
        self._servers: dict[str, asyncio.Task[None]] = {}
        self._probe: socket.socket | None = None
        self.dataplane: KernelDataplane

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, snapshot: NetworkSnapshot | None = None) -> AsyncIterator[KernelNetwork]:
        self = cls()
        self.dataplane = await KernelDataplane.start(
            on_listener=self._opened,
            on_listener_gone=self._closed,
            on_environments_lost=self.lost.extend,
            log=self.logged.append,
        )
        try:
            if snapshot is not None:
                await self.dataplane.apply(snapshot)
            yield self
        finally:
            await self.dataplane.close()
            for task in self._servers.values():
                task.cancel()
            await asyncio.gather(*self._servers.values(), return_exceptions=True)
            for accepted in self.accepted:
                accepted.close()
            if self._probe is not None:
                self._probe.close()

    def _opened(self, listener: NamespaceListener) -> None:
        self.listeners[listener.key] = listener
        serve = self._serve_tcp if listener.protocol == "tcp" else self._serve_udp
        self._servers[listener.key] = asyncio.get_running_loop().create_task(serve(listener.sock))

    def _closed(self, key: str) -> None:
        self.gone.append(key)
        self._servers.pop(key).cancel()
        self.listeners.pop(key).sock.close()

    async def _serve_tcp(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, peer = await loop.sock_accept(sock)
            self.accepted.append(accepted)
            accepted.setblocking(False)
            await loop.sock_sendall(
                accepted, json.dumps([peer[0], accepted.getsockname()[0]]).encode() + b"\n"
            )
            loop.add_reader(accepted.fileno(), self._echo, accepted)

    def _echo(self, accepted: socket.socket) -> None:
        try:
            data = accepted.recv(4096)
        except OSError:
            data = b""
        if data:
            accepted.send(data)
        else:
            asyncio.get_running_loop().remove_reader(accepted.fileno())

    async def _serve_udp(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            _, peer = await loop.sock_recvfrom(sock, 2048)
            await loop.sock_sendto(sock, json.dumps([peer[0], sock.getsockname()[0]]).encode(), peer)

    async def ask(self, namespace: int | list[int] | None, request: dict[str, Any]) -> dict[str, Any]:
        """One request to the probe program, which runs with the helper's rights."""
        fds = namespace if isinstance(namespace, list) else [namespace] if namespace is not None else []
        loop = asyncio.get_running_loop()
        if self._probe is None:
            self._probe, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._probe.setblocking(False)
            with theirs:
                await self.dataplane.spawn(
                    [sys.executable, str(PROBE)], env=dict(os.environ), fds=[theirs.fileno()]
                )
        socket.send_fds(self._probe, [json.dumps(request).encode()], fds)
        return json.loads(await loop.sock_recv(self._probe, 1 << 17))

    def forget_probe(self) -> None:
        """After the helper ended: the probe ended with it."""
        if self._probe is not None:
            self._probe.close()
            self._probe = None

    async def of(self, interface_id: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request inside the namespace of an interface."""
        namespace = await self.dataplane.interface_namespace(interface_id)
        try:
            return await self.ask(namespace, request)
        finally:
            os.close(namespace)

    async def connect(
        self, interface_id: str, address: object, port: int = 443, **more: Any
    ) -> str | list[str]:
        """`timeout`, an error's name, or [who the far end says is calling, whom it says was called]."""
        answer = await self.of(interface_id, {"do": "connect", "address": str(address), "port": port, **more})
        return json.loads(answer["said"]) if answer["outcome"] == "connected" else answer["outcome"]

    async def listen(self, interface_id: str, port: int) -> None:
        assert await self.of(interface_id, {"do": "listen", "port": port}) == {"outcome": "listening"}

    async def ping(self, interface_id: str, address: object) -> str:
        return (await self.of(interface_id, {"do": "ping", "address": str(address)}))["outcome"]
