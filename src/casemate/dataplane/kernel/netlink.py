"""Netlink messages: attributes, headers, and a socket that sends a batch and reads its acknowledgements. RFC 3549."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Self

from msgspec import Struct

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
NFPROTO_IPV4, NFPROTO_IPV6 = 2, 10
REQUEST, ACK, ROOT, MATCH = 0x1, 0x4, 0x100, 0x200
REPLACE, EXCLUSIVE, CREATE = 0x100, 0x200, 0x400
DUMP = ROOT | MATCH
_ERROR, _DONE = 2, 3
_SOL_NETLINK, _NETLINK_CAP_ACK = 270, 10
_HEADER = struct.Struct("=IHHII")
_BATCH_MESSAGES = 32
"""Their answers must fit a socket's default buffer (208 kB, and a description of a link takes 4): else ENOBUFS."""


class Message(Struct, frozen=True, kw_only=True):
    """One request."""

    type: int
    flags: int
    payload: bytes
    tolerate: frozenset[int] = frozenset()
    """Error numbers that are as good as success (deleting what is gone)."""
    about: str = ""
    """What it is for, for the error's text."""


class NetlinkError(OSError):
    """The kernel refused a message."""


def attribute(kind: int, data: bytes) -> bytes:
    """One attribute, padded."""
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, value) pairs of a run of attributes; the nested and byte-order flags are taken off."""
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        if length < 4:
            return
        yield kind & 0x3FFF, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


class NetlinkSocket:
    """A netlink socket of the network namespace in which it was made."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._socket.bind((0, 0))
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, messages: Sequence[Message]) -> None:
        """Send every message; NetlinkError of the first that failed, after all were tried."""
        for start in range(0, len(messages), _BATCH_MESSAGES):
            self._run_batch(messages[start : start + _BATCH_MESSAGES])

    def _run_batch(self, messages: Sequence[Message]) -> None:
        pending: dict[int, Message] = {}
        parts: list[bytes] = []
        for message in messages:
            self._sequence += 1
            pending[self._sequence] = message
            parts.append(self._encode(message, self._sequence))
        self._socket.send(b"".join(parts))
        failure: NetlinkError | None = None
        while pending:
            for kind, sequence, payload in self._receive():
                if kind != _ERROR or sequence not in pending:
                    continue
                message = pending.pop(sequence)
                number = -struct.unpack_from("=i", payload)[0]
                if number and number not in message.tolerate and failure is None:
                    failure = NetlinkError(number, f"{message.about or message.type}: {os.strerror(number)}")
        if failure is not None:
            raise failure

    def dump(self, kind: int, payload: bytes) -> list[bytes]:
        """The payloads of the answer to a dump request."""
        self._sequence += 1
        request = Message(type=kind, flags=REQUEST | DUMP, payload=payload)
        self._socket.send(self._encode(request, self._sequence))
        found: list[bytes] = []
        while True:
            for answer, sequence, data in self._receive():
                if sequence != self._sequence:
                    continue
                if answer == _DONE:
                    return found
                if answer == _ERROR:
                    number = -struct.unpack_from("=i", data)[0]
                    if number:
                        raise NetlinkError(number, f"dump {kind:#x}: {os.strerror(number)}")
                    return found
                found.append(data)

    def _encode(self, message: Message, sequence: int) -> bytes:
        payload = message.payload + b"\0" * (-len(message.payload) % 4)
        return _HEADER.pack(16 + len(message.payload), message.type, message.flags, sequence, 0) + payload

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        data = self._socket.recv(1 << 18)
        offset = 0
        while offset + 16 <= len(data):
            length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
            yield kind, sequence, data[offset + 16 : offset + length]
            offset += (length + 3) & ~3
