"""A client without manners: signed requests with hostile bodies, and what is hardly HTTP at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.fuzz.mutations import Input, mutated
from tests.support.fuzz.seeds import KEY, RICH, TABLES
from tests.support.fuzz.service import SLOW, Finding
from tests.support.instance import REGION, Instance

_TARGETS = {"dynamodb": "DynamoDB_20120810", "dynamodbstreams": "DynamoDBStreams_20120810"}
_LIFE = 500
"""Requests that one set of tables sees."""
_CONNECTIONS = 2


@dataclass(kw_only=True, slots=True)
class Answer:
    """What came back; status 0: the connection was closed without one."""

    status: int
    body: bytes = b""


class RudeClient:
    """One connection at a time, opened again when it was closed."""

    def __init__(self, instance: Instance) -> None:
        where = urlsplit(instance.endpoint)
        self._address = (where.hostname, where.port)
        self._url = instance.endpoint
        keys = instance.keys()
        self._signer = SigV4Auth(
            Credentials(keys["access_key_id"], keys["secret_access_key"]), "dynamodb", REGION
        )
        self._socket: socket.socket | None = None

    def signed(self, given: Input) -> dict[str, str]:
        headers = {
            "X-Amz-Target": f"{_TARGETS[given.service]}.{given.operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Host": f"{self._address[0]}:{self._address[1]}",
        }
        request = AWSRequest(method="POST", url=self._url, data=given.body, headers=headers)
        self._signer.add_auth(request)
        return {
            **{name: str(value) for name, value in request.headers.items()},
            "Content-Length": str(len(given.body)),
        }

    def send(self, raw: bytes, *, pieces: int = 1, hang_up: bool = False) -> Answer:
        """The first answer to these bytes."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            size = -(-len(raw) // pieces) or 1
            for place in range(0, len(raw), size):
                self._socket.sendall(raw[place : place + size])
            if hang_up:
                self._socket.shutdown(socket.SHUT_WR)
            return self._answer()
        except OSError:
            return Answer(status=0)
        finally:
            if hang_up:
                self.close()

    def _answer(self) -> Answer:
        assert self._socket is not None
        received = b""
        while True:
            head, found, rest = received.partition(b"\r\n\r\n")
            if found and not head.startswith(b"HTTP/1.1 100 "):
                break
            if found:
                received = rest
                continue
            more = self._socket.recv(65536)
            if not more:
                self.close()
                return Answer(status=0)
            received += more
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        wanted = int(headers.get("content-length", "0"))
        while len(rest) < wanted:
            more = self._socket.recv(65536)
            if not more:
                break
            rest += more
        if headers.get("connection") == "close" or len(rest) != wanted:
            # More than the answer: the rest of what was sent made requests of its own.
            self.close()
        return Answer(status=int(lines[0].split(" ")[1]), body=rest[:wanted])

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


_HEADERS = ("Authorization", "X-Amz-Date", "X-Amz-Target", "X-Amz-Content-Sha256", "X-Amz-Security-Token", "Content-Type", "Host", "Expect",
            "Transfer-Encoding", "Content-Length", "Connection", "Upgrade", "X" * 300, "", "A:B", "é", "Cookie")  # fmt: skip
_VALUES = ("", "\x00", "chunked", "gzip, chunked", "100-continue", "close", "websocket", "-1", "99999999999999999999", "1e3", "0", "5",
           "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=x", "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;;, Signature=",
           "AWS4-HMAC-SHA256 Credential=a/20261121/us-east-2/dynamodb/aws4_request, SignedHeaders=host, Signature=00", "Basic eA==",
           "20261121T090000Z", "20269999T999999Z", "DynamoDB_20120810.", ".GetItem", "DynamoDB_20120810.Nothing", "a" * 70_000, "é" * 50,
           "application/cbor", "text/plain; charset=utf-16", "x\r\n y", "\t", "Credential=" * 5000, "a.us-east-1." * 5000, "," * 60_000, "a=" * 30_000)  # fmt: skip


def _raw(head: str, headers: dict[str, str] | list[tuple[str, str]], body: bytes) -> bytes:
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines = [head, *(f"{name}: {value}" for name, value in pairs)]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def _chunked(dice: Random, body: bytes) -> bytes:
    pieces = [body[place : place + 20] for place in range(0, len(body), 20)][:200]
    sizes = [
        dice.choice(
            (f"{len(piece):x}",) * 40 + ("", "-1", "zz", "ffffffffffffffffff", "0", "1;x=y", "7fffffff")
        )
        for piece in pieces
    ]
    framed = b"".join(
        size.encode() + b"\r\n" + piece + b"\r\n" for size, piece in zip(sizes, pieces, strict=True)
    )
    return framed + dice.choice((b"0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"", b"0", b"\r\n"))


def impolite(dice: Random, client: RudeClient, given: Input) -> Answer:
    """The request, in a way that no SDK would send it."""
    headers = client.signed(given)
    match dice.randrange(10):
        case 0:
            headers[dice.choice(_HEADERS)] = dice.choice(_VALUES)
            raw = _raw("POST / HTTP/1.1", headers, given.body)
        case 1:
            headers.pop(dice.choice(list(headers)))
            raw = _raw("POST / HTTP/1.1", headers, given.body)
        case 2:
            pairs = [
                *headers.items(),
                (dice.choice(_HEADERS), dice.choice(_VALUES)),
                dice.choice(list(headers.items())),
            ]
            raw = _raw("POST / HTTP/1.1", pairs, given.body)
        case 3:
            del headers["Content-Length"]
            raw = _raw(
                "POST / HTTP/1.1", {**headers, "Transfer-Encoding": "chunked"}, _chunked(dice, given.body)
            )
        case 4:
            headers["Content-Length"] = str(
                max(0, len(given.body) + dice.choice((-5, 5, 1000, 2**26, 2**31, 2**63)))
            )
            raw = _raw("POST / HTTP/1.1", headers, given.body)
        case 5:
            raw = _raw("POST / HTTP/1.1", headers, given.body)
            raw = raw[: dice.randrange(len(raw))]
        case 6:
            whole = _raw("POST / HTTP/1.1", headers, given.body)
            raw = bytearray(whole)
            for _ in range(dice.choice((1, 3, 20))):
                raw[dice.randrange(len(raw))] = dice.randrange(256)
            raw = bytes(raw)
        case 7:
            line = f"{dice.choice(('GET', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'TRACE', 'CONNECT', 'x', 'POST' * 50))} {dice.choice(('/', '/%', '/%zz%00', '//', '/..%2f', '*', 'http://x/', '/?a=%ff&a&=&', '/' + 'a' * 5000, '/2015-03-31/functions/x', '/?Action=RunInstances'))} HTTP/{dice.choice(('1.1', '1.0', '0.9', '2.0', '9'))}"
            raw = _raw(line, headers, given.body)
        case 8:
            raw = dice.randbytes(dice.choice((1, 50, 3000)))
        case _:
            raw = _raw("POST / HTTP/1.1", headers, given.body) * dice.choice((2, 20))
    # Half a request is answered once no more can come: what is unfinished is given up together with its connection.
    return client.send(raw, pieces=dice.choice((1, 1, 2, 7)), hang_up=True)


def fuzz_sockets(instance: Instance, seed: str, count: int) -> tuple[list[Finding], dict[str, int], float]:
    """As `service.fuzz`, but through everything."""
    runs = [_Run(instance, f"{seed}-{number}", count // _CONNECTIONS) for number in range(_CONNECTIONS)]
    threads = [threading.Thread(target=run.go) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    findings = [finding for run in runs for finding in run.findings]
    log = instance.log.read_text()
    if "Traceback" in log:
        given = Input(service="dynamodb", operation="any", body=b"")
        findings.append(
            Finding(
                what="a traceback in the log", given=given, trace=log[log.index("Traceback") - 200 :][:3000]
            )
        )
    codes: dict[str, int] = {}
    for run in runs:
        for code, number in run.codes.items():
            codes[code] = codes.get(code, 0) + number
    return findings, codes, max(run.slowest for run in runs)


class _Run:
    """One rude client's life. Each has tables of its own Region's name space: they are made anew now and then."""

    def __init__(self, instance: Instance, seed: str, count: int) -> None:
        self._instance, self._dice, self._count = instance, Random(seed), count
        self.findings: list[Finding] = []
        self.codes: dict[str, int] = {}
        self.slowest = 0.0

    def go(self) -> None:
        client = RudeClient(self._instance)
        for number in range(self._count):
            if number % _LIFE == 0:
                filled = _fresh(self._instance)
            given = mutated(self._dice, filled)
            started = time.perf_counter()
            rude = self._dice.random() < 0.3
            if rude:
                answer = impolite(self._dice, client, given)
            else:
                answer = client.send(_raw("POST / HTTP/1.1", client.signed(given), given.body))
            self._judge(given, answer, time.perf_counter() - started, rude=rude)
        client.close()

    def _judge(self, given: Input, answer: Answer, seconds: float, *, rude: bool) -> None:
        self.slowest = max(self.slowest, seconds)
        code = f"status {answer.status}" if answer.status in (0, 200) or rude else _code(answer)
        code = "success" if code == "status 200" else code
        self.codes[code] = self.codes.get(code, 0) + 1
        if seconds > SLOW:
            self.findings.append(Finding(what=f"{given.operation} took {seconds:.1f} s", given=given))
        wrong = answer.status >= 500 and answer.status != 503
        if wrong or code == "no code" or (answer.status == 0 and not rude):
            self.findings.append(
                Finding(
                    what=f"answered {answer.status} {code}",
                    given=given,
                    trace=answer.body[:500].decode("latin-1"),
                )
            )


def _code(answer: Answer) -> str:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return f"status {answer.status}" if answer.status == 413 else "no code"
    return str(body.get("__type", "no code")).rpartition("#")[2]


def _fresh(instance: Instance) -> dict[str, str]:
    """The tables as they should be; what the other client made of them is undone."""
    client: Any = instance.client("dynamodb")
    for name in client.list_tables()["TableNames"]:
        try:
            client.update_table(TableName=name, DeletionProtectionEnabled=False)
            client.delete_table(TableName=name)
        except client.exceptions.ClientError:
            continue
    for table in TABLES:
        try:
            client.create_table(**table)
        except client.exceptions.ClientError:
            continue
    filled = dict.fromkeys(("@backup", "@stream", "@shard", "@iterator", "@sequence"), "arn:none")
    try:
        client.put_item(TableName="things", Item={**KEY, "text": RICH["text"]})
        filled["@stream"] = client.describe_table(TableName="things")["Table"]["LatestStreamArn"]
        filled["@backup"] = client.create_backup(TableName="things", BackupName="first")["BackupDetails"][
            "BackupArn"
        ]
        streams = instance.client("dynamodbstreams")
        filled["@shard"] = streams.describe_stream(StreamArn=filled["@stream"])["StreamDescription"][
            "Shards"
        ][0]["ShardId"]
        filled["@iterator"] = streams.get_shard_iterator(
            StreamArn=filled["@stream"], ShardId=filled["@shard"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
    except client.exceptions.ClientError:
        return filled  # the other client was quicker
    return filled
