"""Packets that the helper holds itself, over sockets that stand in for devices."""

from __future__ import annotations

import socket

import pytest

from casemate.dataplane.kernel import delay_line
from casemate.dataplane.kernel.delay_line import DelayLine
from casemate.dataplane.plan.objects import Delay


def frame(number: int, size: int = 1000) -> bytes:
    return bytes(10) + bytes(6) + bytes.fromhex("0a0000000001") + number.to_bytes(4, "big") + bytes(size)


def test_what_waits_is_put_back_in_order_and_no_more_is_held_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delay_line, "_MOST_BYTES", 5 * len(frame(0)))
    sender, taken = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    put_back, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    taken.setblocking(False)
    receiver.settimeout(5)
    for number in range(20):
        sender.send(frame(number))
    line = DelayLine()
    delay = Delay(namespace="router", device="a", milliseconds=50, inside="inside", end="b")
    line.add(delay, taken, put_back)
    assert [int.from_bytes(receiver.recv(4096)[22:26], "big") for _ in range(5)] == [0, 1, 2, 3, 4]
    # What was put back makes room again.
    sender.send(frame(21))
    assert int.from_bytes(receiver.recv(4096)[22:26], "big") == 21
    line.remove(("router", "a"))
    sender.close()
    receiver.close()
