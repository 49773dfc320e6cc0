"""Every socket Casemate answers on: the loopback port, and those the data plane hands over from its namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import Literal, Protocol

from casemate.gateway.admission import Admission, Unlimited
from casemate.gateway.arrival import Side
from casemate.gateway.dns import DnsListener, Resolver
from casemate.gateway.http import Handler, ShortWays
from casemate.gateway.listener import Listener, TlsContext
from casemate.gateway.relay import RELAY, Relay, host_names
from casemate.model.network import NetworkSnapshot

_DNS_PORT = 53
_BACKLOG = 1024


class NamespaceSocket(Protocol):
    """A listening socket inside a namespace. Made by dataplane.kernel."""

    @property
    def key(self) -> str: ...
    @property
    def vpc_id(self) -> str | None:
        """None: the internet's namespace."""
        ...

    @property
    def protocol(self) -> Literal["tcp", "udp"]: ...
    @property
    def port(self) -> int: ...
    @property
    def sock(self) -> socket.socket: ...


class Front:
    """Opens, starts and closes listeners."""

    def __init__(
        self,
        *,
        handler: Handler,
        short: ShortWays,
        tls: TlsContext,
        snapshot: Callable[[], NetworkSnapshot],
        internet_host: bool = False,
    ) -> None:
        """`internet_host`: what is not AWS's is found, and reached, in the machine's own network."""
        self._outside = host_names if internet_host else None
        self._handler = handler
        self._short = short
        self._admission = Admission()
        self._tls = tls
        self._snapshot = snapshot
        self._listeners: dict[str, Listener | DnsListener | Relay] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, port: int) -> int:
        """Listen on 127.0.0.1; OSError when the port is taken. Gives the port."""
        sock = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        listener = Listener(
            sock,
            handler=self._handler,
            short=self._short,
            tls=self._tls,
            side=Side.LAPTOP,
            admission=Unlimited(),
        )
        listener.start()
        self._listeners["front"] = listener
        return int(sock.getsockname()[1])

    def adopt(self, made: NamespaceSocket) -> None:
        """Answer on a socket of the data plane; one with the same key is replaced."""
        self.drop(made.key)
        if made.port == _DNS_PORT:
            listener = DnsListener(made.sock, Resolver(self._snapshot, made.vpc_id, outside=self._outside))
            self._run(listener.start())
        elif made.key == RELAY:
            listener = Relay(made.sock)
            listener.start()
        else:
            side = Side.INTERNET if made.vpc_id is None else Side.VPC
            listener = Listener(
                made.sock,
                handler=self._handler,
                short=self._short,
                tls=self._tls,
                side=side,
                vpc_id=made.vpc_id,
                admission=self._admission,
            )
            listener.start()
        self._listeners[made.key] = listener

    def drop(self, key: str) -> None:
        """The namespace of that socket is gone."""
        listener = self._listeners.pop(key, None)
        if listener is not None:
            self._run(listener.close())

    async def close(self) -> None:
        """Stop answering everywhere."""
        listeners, self._listeners = list(self._listeners.values()), {}
        for listener in listeners:
            await listener.close()
        for task in list(self._tasks):
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await task

    def _run(self, coroutine: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
