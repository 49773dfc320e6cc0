"""Which local sockets of a process are the two ends of one pair, found out by sending a byte."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from collections.abc import Mapping


def partners(sockets: Mapping[int, socket.socket]) -> dict[int, int]:
    """Descriptor -> descriptor of the other end, both ways, of those whose other end is among `sockets`.

    They are copies of a stopped process's: nobody else reads. What waits to be read already stays, and such a pair is
    not told, because the byte could not be taken out again.
    """
    found: dict[int, int] = {}
    empty = {number: one for number, one in sockets.items() if _waiting(one) == 0}
    for number, one in empty.items():
        if number in found:
            continue
        try:
            one.send(b"\0", socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError:
            continue  # connected to nobody
        for other, end in empty.items():
            if other != number and _waiting(end) == 1:
                end.recv(1, socket.MSG_DONTWAIT)
                found |= {number: other, other: number}
    return found


def _waiting(one: socket.socket) -> int:
    """Bytes that can be read; -1 of a socket that has none, such as a listening one."""
    try:
        (count,) = struct.unpack("=i", fcntl.ioctl(one, termios.FIONREAD, bytes(4)))
    except OSError:
        return -1
    return count
