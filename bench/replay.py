"""Throughput of one signed request, replayed on many connections: the server's cost without the client's."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.peers import Peer


def throughput(
    peer: Peer, operation: str, params: dict[str, Any], *, connections: int = 16, seconds: float = 3
) -> float:
    """Requests per second."""
    raw = _signed(peer, operation, params)
    host, port = peer.endpoint.removeprefix("http://").split(":")
    return asyncio.run(_drive(host, int(port), raw, connections, seconds))


def _signed(peer: Peer, operation: str, params: dict[str, Any]) -> bytes:
    body = json.dumps(params).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    request = AWSRequest(method="POST", url=peer.endpoint + "/", data=body, headers=headers)
    SigV4Auth(Credentials(peer.key, peer.secret), "dynamodb", "us-east-2").add_auth(request)
    lines = ["POST / HTTP/1.1", f"Host: {peer.endpoint.removeprefix('http://')}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() != "host"]
    return ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode() + body


async def _drive(host: str, port: int, raw: bytes, connections: int, seconds: float) -> float:
    started = time.perf_counter()
    workers = [_one(host, port, raw, started + seconds) for _ in range(connections)]
    counts = await asyncio.wait_for(asyncio.gather(*workers), seconds + 10)
    return sum(counts) / (time.perf_counter() - started)


async def _one(host: str, port: int, raw: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    done = 0
    while time.perf_counter() < until:
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        closes = b"connection: close" in head.lower() or head.startswith(b"HTTP/1.0")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        done += 1
        if closes:
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
    writer.close()
    return done
