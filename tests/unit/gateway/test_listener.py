"""Connections that come together are served together."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

import uvloop

from casemate.gateway.admission import Unlimited
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.listener import Listener
from casemate.wire.http import HttpRequest, HttpResponse

CONNECTIONS = 64
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Client: %d\r\n\r\n"


def test_the_last_of_many_connections_does_not_wait_for_the_first_to_ask_again_and_again() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(most_answers_before_everybody_had_one()) <= 10


async def most_answers_before_everybody_had_one() -> int:
    served: Counter[str] = Counter()
    most_before_all_were_served = 0

    async def handler(request: HttpRequest, arrival: Arrival) -> HttpResponse:
        nonlocal most_before_all_were_served
        del arrival
        served[request.headers["x-client"]] += 1
        if len(served) < CONNECTIONS:
            most_before_all_were_served = max(served.values())
        return HttpResponse(status=200, headers=(), body=b"ok")

    def no_tls() -> object:
        raise AssertionError

    sock = socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS)
    listener = Listener(sock, handler=handler, tls=no_tls, side=Side.LAPTOP, admission=Unlimited())  # pyright: ignore[reportArgumentType] - never called

    async def client(number: int, made: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        reader, writer = made
        while len(served) < CONNECTIONS:
            writer.write(REQUEST % number)
            await reader.readuntil(b"ok")
        writer.close()
        await writer.wait_closed()

    made = [await asyncio.open_connection(*sock.getsockname()) for _ in range(CONNECTIONS)]
    listener.start()
    try:
        await asyncio.wait_for(asyncio.gather(*(client(*one) for one in enumerate(made))), 20)
    finally:
        await listener.close()
    return most_before_all_were_served
