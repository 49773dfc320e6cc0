"""Messages and descriptors between the front door and the helper, over a SEQPACKET pair.

A message longer than a packet travels as a memory file. Both ends are one program started by one user: pickle is as
safe as the fork it replaces.
"""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

_INLINE = b"\0"
_IN_MEMORY_FILE = b"\1"
_PACKET_BYTES = 32768
_MAX_DESCRIPTORS = 250


class Packet(Struct, frozen=True):
    """One message, ready to be sent."""

    data: bytes
    fds: tuple[int, ...]
    owned: int | None = None
    """A descriptor made for this packet, to be closed when it was sent."""


def encode(message: Any, fds: Sequence[int] = ()) -> Packet:
    """The packet of a message."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    if len(body) <= _PACKET_BYTES:
        return Packet(_INLINE + body, tuple(fds))
    memory = os.memfd_create("casemate-message", os.MFD_CLOEXEC)
    view = memoryview(body)
    while view:
        view = view[os.write(memory, view) :]
    return Packet(_IN_MEMORY_FILE, (memory, *fds), memory)


def send(channel: socket.socket, packet: Packet, *, flags: int = 0) -> None:
    """BlockingIOError (the packet may be sent again) when `flags` has MSG_DONTWAIT and there is no room."""
    socket.send_fds(channel, [packet.data], packet.fds, flags | socket.MSG_NOSIGNAL)
    if packet.owned is not None:
        os.close(packet.owned)


def receive(channel: socket.socket, *, flags: int = 0) -> tuple[Any, list[int]] | None:
    """The next message with its descriptors; None when the other end is gone."""
    data, fds, _, _ = socket.recv_fds(
        channel, _PACKET_BYTES + 4096, _MAX_DESCRIPTORS + 3, flags | socket.MSG_CMSG_CLOEXEC
    )
    if not data:
        return None
    if data[:1] == _INLINE:
        return pickle.loads(data[1:]), fds  # noqa: S301 - see the module's docstring
    with os.fdopen(fds[0], "rb") as memory:
        memory.seek(0)
        return pickle.load(memory), fds[1:]  # noqa: S301
