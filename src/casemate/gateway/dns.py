"""The Amazon resolver of a VPC, and the public one: wire form of `casemate.reachability.names`.

A VPC's resolver answers at base+2 and 169.254.169.253; with enableDnsSupport off it is silent, as AWS's is.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address
from typing import Any, cast

from msgspec.structs import replace

from casemate.model.network import NetworkSnapshot
from casemate.reachability.names import NameStatus, resolve

_TTL = 5
"""Seconds. Short, so that a change of private DNS is seen at once; AWS's service names have 5 to 60."""
_MAX_UDP = 512

Snapshot = Callable[[], NetworkSnapshot]
HostNames = Callable[[str], Awaitable[tuple[IPv4Address, ...]]]
"""The IPv4 addresses of a name; none when it has none."""


class Resolver:
    """Answers queries of one VPC (`vpc_id`), or of the public internet (None)."""

    def __init__(self, snapshot: Snapshot, vpc_id: str | None, *, outside: HostNames | None = None) -> None:
        """`outside` resolves names that are none of AWS's; None: they get stand-ins."""
        self._snapshot = snapshot
        self._vpc_id = vpc_id
        self._outside = outside

    async def answer(self, query: bytes, *, udp: bool) -> bytes | None:
        """The response to one message; None: silence."""
        dnslib = _dnslib()
        try:
            record = dnslib.DNSRecord.parse(query)
        except _malformed():
            return None
        if record.header.qr or not record.questions:
            return None
        reply = record.reply(ra=1, aa=0)
        question = record.q
        name = str(question.qname).rstrip(".").lower()
        answer = resolve(self._snapshot(), self._vpc_id, name)
        if answer.stand_in and self._outside is not None:
            found = await self._outside(name)
            status = NameStatus.NOERROR if found else NameStatus.NXDOMAIN
            answer = replace(answer, status=status, addresses=found)
        if answer.status is NameStatus.NO_ANSWER:
            return None
        if answer.status is NameStatus.NXDOMAIN:
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        else:
            records = [(dnslib.QTYPE.A, dnslib.A, each) for each in answer.addresses]
            records += [(dnslib.QTYPE.AAAA, dnslib.AAAA, each) for each in answer.ipv6]
            for kind, data, address in records:
                if question.qtype in {kind, dnslib.QTYPE.ANY}:
                    reply.add_answer(dnslib.RR(question.qname, kind, ttl=_TTL, rdata=data(str(address))))
        try:
            packed = cast("bytes", reply.pack())
        except _malformed():
            return None  # a name of more than 253 characters can be read, but not written
        return cast("bytes", reply.truncate().pack()) if udp and len(packed) > _MAX_UDP else packed


def _dnslib() -> Any:
    """The library, which has no types; imported with the first query."""
    import dnslib

    return dnslib


def _malformed() -> tuple[type[Exception], ...]:
    """What the library raises for what is no message, or no name."""
    from dnslib import DNSError
    from dnslib.label import DNSLabelError

    return DNSError, DNSLabelError, ValueError, struct.error


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None
        self._answering: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, data: bytes, addr: tuple[Any, ...]) -> None:
        answer = await self._resolver.answer(data, udp=True)
        if answer is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)


class DnsListener:
    """The resolver on one socket, UDP or TCP. Owns the socket."""

    def __init__(self, sock: socket.socket, resolver: Resolver) -> None:
        self._sock = sock
        self._resolver = resolver
        self._transport: asyncio.BaseTransport | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Answer from now on."""
        self._sock.setblocking(False)
        loop = asyncio.get_running_loop()
        if self._sock.type == socket.SOCK_DGRAM:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._resolver), sock=self._sock
            )
        else:
            self._server = await asyncio.start_server(self._stream, sock=self._sock)

    async def close(self) -> None:
        """Stop answering."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        self._sock.close()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            while True:
                (size,) = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), 10))
                answer = await self._resolver.answer(
                    await asyncio.wait_for(reader.readexactly(size), 10), udp=False
                )
                if answer is not None:
                    writer.write(struct.pack("!H", len(answer)) + answer)
                    await writer.drain()
        writer.close()
