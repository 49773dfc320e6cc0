"""The runtime's side: waiting where a snapshot is taken, or where another one's state arrives. Runs without privileges."""

from __future__ import annotations

import os
import socket
import sys

PARKED = b"\0"
"""What process 1 is told."""


class ParkingPlace:
    """One end of a pair of sockets; process 1 has the other."""

    def __init__(self, end: socket.socket) -> None:
        self.number = end.fileno()
        """Its descriptor: in no snapshot."""
        self._end = end

    def wait(self) -> None:
        """Returns in a restored process: in the one that was taken, never.

        Where it returns, the socket is gone, and that is what it hears: the end of the file.
        """
        self._end.send(PARKED)
        self._end.recv(1)
        self._end.detach()
        _stir_randomness()


def _stir_randomness() -> None:
    """What OpenSSL draws from now on is this environment's own.

    Lambda Developer Guide, "Handling uniqueness with Lambda SnapStart": /dev/urandom, /dev/random and OpenSSL "maintain
    randomness", while what a function's code has seeded before is the same in all environments.
    """
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(48), 48.0)
