"""Packets that wait, where the kernel has no scheduler for it (netem): they are taken out, held, and put back.

What comes to an interface's device is copied to a packet socket, which sees it before the device's ingress hook, and
dropped there; when its time has come it is sent again from the router's end of the link, with a source address of the
link layer by which the hook lets it pass. The filters of the router, its routes and its connection tracking have seen
it by then and do not see it again. Checksums and segments that the kernel left for later travel in the virtio header.

Layout: linux/if_packet.h, linux/virtio_net.h. One thread holds every packet of every slow interface.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import selectors
import socket
import threading
import time
from itertools import count

from msgspec import Struct

from casemate.dataplane.kernel.nftables import Nftables
from casemate.dataplane.plan.objects import Delay

DELAYED_MAC = "0a:00:00:00:00:04"
"""Of the router's ends of links, on frames that have waited."""
_DELAYED = bytes.fromhex(DELAYED_MAC.replace(":", ""))
_ETH_P_ALL = 3
_SOL_PACKET, _PACKET_VNET_HDR, _PACKET_IGNORE_OUTGOING = 263, 15, 23
_HEADER = 10
_SOURCE = slice(_HEADER + 6, _HEADER + 12)
_LARGEST = _HEADER + 14 + 65536 * 3
_MOST_PACKETS = 100_000
_MOST_BYTES = 256 * 1024 * 1024
"""Of what waits, whoever sends: a packet may be a segment of 64 KB that the kernel has not cut yet."""
_AT_ONCE = 256
"""Packets taken from one interface before the others have their turn."""
_BUFFER = 8 * 1024 * 1024

Key = tuple[str, str]


class _Held(Struct, frozen=True):
    delay: Delay
    taken: socket.socket
    put_back: socket.socket


def hook(device: str) -> str:
    """The rules by which a device takes only what has waited."""
    return (
        f"add table netdev delay_{device}\n"
        f'add chain netdev delay_{device} ingress {{ type filter hook ingress device "{device}" priority 0; }}\n'
        f"add rule netdev delay_{device} ingress ether saddr != {DELAYED_MAC} drop\n"
    )


def packet_socket(device: str) -> socket.socket:
    """Every frame that comes to `device`, in the namespace of the calling thread."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    try:
        made.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        made.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        with contextlib.suppress(OSError):  # as far as the machine lets an unprivileged user
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        made.bind((device, _ETH_P_ALL))
    except OSError:
        made.close()
        raise
    return made


def sending_socket(device: str) -> socket.socket:
    """To send frames from `device`; it receives none."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    try:
        made.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        made.bind((device, 0))
    except OSError:
        made.close()
        raise
    return made


class DelayLine:
    """Slow interfaces by (router, device). Its thread begins with the first of them."""

    def __init__(self) -> None:
        self._held: dict[Key, _Held] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._waiting: list[tuple[float, int, socket.socket, bytearray]] = []
        self._bytes = 0
        """Of the packets that wait."""
        self._numbers = count()
        self._wakeup: int | None = None

    def add(self, delay: Delay, taken: socket.socket, put_back: socket.socket) -> None:
        """From now on what comes by `taken` leaves by `put_back`, later."""
        self.remove((delay.namespace, delay.device))
        with self._lock:
            held = _Held(delay, taken, put_back)
            self._held[delay.namespace, delay.device] = held
            self._selector.register(taken, selectors.EVENT_READ, held)
        if self._wakeup is None:
            reading, self._wakeup = os.pipe()
            os.set_blocking(reading, False)
            self._selector.register(reading, selectors.EVENT_READ, None)
            threading.Thread(target=self._run, args=(reading,), daemon=True, name="delay-line").start()
        os.write(self._wakeup, b".")

    def remove(self, key: Key) -> bool:
        """What is held for it is lost. Whether there was such an interface."""
        with self._lock:
            held = self._held.pop(key, None)
            if held is not None:
                self._selector.unregister(held.taken)
                held.taken.close()
                held.put_back.close()
        return held is not None

    def forget(self, namespaces: frozenset[str]) -> None:
        """Namespaces go: a socket would keep them."""
        gone = [key for key, held in self._held.items() if {key[0], held.delay.inside} & namespaces]
        for key in gone:
            self.remove(key)

    def _run(self, reading: int) -> None:
        while True:
            due = self._waiting[0][0] - time.monotonic() if self._waiting else None
            ready = self._selector.select(None if due is None else max(due, 0))
            with self._lock:
                for key, _ in ready:
                    if key.data is None:
                        with contextlib.suppress(BlockingIOError):
                            os.read(reading, 4096)
                    elif key.data in self._held.values():
                        self._take(key.data)
                self._put_back()

    def _take(self, held: _Held) -> None:
        """What has come. When the device is gone, so is this interface."""
        due = time.monotonic() + held.delay.milliseconds / 1000
        for _ in range(_AT_ONCE):
            try:
                frame = bytearray(held.taken.recv(_LARGEST))
            except BlockingIOError:
                return
            except OSError:
                self._held.pop((held.delay.namespace, held.delay.device), None)
                self._selector.unregister(held.taken)
                held.taken.close()
                held.put_back.close()
                return
            if bytes(frame[_SOURCE]) != _DELAYED and self._has_room(frame):
                self._bytes += len(frame)
                frame[_SOURCE] = _DELAYED
                heapq.heappush(self._waiting, (due, next(self._numbers), held.put_back, frame))

    def _has_room(self, frame: bytearray) -> bool:
        return len(self._waiting) < _MOST_PACKETS and self._bytes + len(frame) <= _MOST_BYTES

    def _put_back(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, there, frame = heapq.heappop(self._waiting)
            self._bytes -= len(frame)
            if there.fileno() >= 0:
                with contextlib.suppress(OSError):  # a full queue, or a device that has just gone: lost
                    there.send(frame)


def unhook(rules: Nftables, device: str) -> None:
    """The device takes everything again."""
    rules.run(f"delete table netdev delay_{device}\n")
