"""The six operations, as signed requests made before anything is measured: the client costs the server no time.

No two requests that follow each other on one item are alike, however often all are sent again: a write that changes
nothing can be had for nothing. Writes therefore go to `_WRITTEN` items, and to each of them in an even number of turns.
"""

from __future__ import annotations

import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from bench.peers import Peer
from casemate.wire.sigv4 import signing_key

TABLE = "bench"
REGION = "us-east-2"
ITEMS = 10_000
SORTS = 10
"""Items of one partition: what a Query reads."""
_WRITTEN = ITEMS // 2
"""Items that are written over. The others are only read."""
_FILLING = {f"field{number}": {"S": "x" * 90} for number in range(10)}
"""One kilobyte, in ten attributes."""
Params = dict[str, Any]


def key(number: int) -> dict[str, dict[str, str]]:
    number %= ITEMS
    return {"p": {"S": f"p{number // SORTS}"}, "s": {"N": str(number % SORTS)}}


def item(number: int, turn: int) -> Params:
    return {**key(number), **_FILLING, "turn": {"N": str(turn)}}


def _rewritten(number: int, turn: int) -> Params:
    """The `number`th of items that are written over and over."""
    return item(number % _WRITTEN, turn * 1_000 + number // _WRITTEN)


def _put(number: int, turn: int) -> Params:
    return {"TableName": TABLE, "Item": _rewritten(number, turn)}


def _get(number: int, _: int) -> Params:
    return {"TableName": TABLE, "Key": key(number * 7919)}


def _query(number: int, _: int) -> Params:
    values = {":p": {"S": f"p{number * 7919 % (ITEMS // SORTS)}"}}
    return {
        "TableName": TABLE,
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": values,
    }


def _batch_write(number: int, turn: int) -> Params:
    return _puts(_rewritten(number * 25 + place, turn) for place in range(25))


def _puts(items: Iterable[Params]) -> Params:
    return {"RequestItems": {TABLE: [{"PutRequest": {"Item": one}} for one in items]}}


def _transact(number: int, turn: int) -> Params:
    puts = [{"Put": {"TableName": TABLE, "Item": _rewritten(number * 4 + place, turn)}} for place in range(4)]
    return {"TransactItems": puts}


def _update(number: int, _: int) -> Params:
    return {
        "TableName": TABLE,
        "Key": key(number),
        "UpdateExpression": "ADD visits :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }


OPERATIONS: dict[str, tuple[str, Callable[[int, int], Params], int]] = {
    "PutItem": ("PutItem", _put, 2 * _WRITTEN),
    "GetItem": ("GetItem", _get, 10_000),
    "Query 10": ("Query", _query, 1_000),
    "BatchWrite 25": ("BatchWriteItem", _batch_write, 4 * _WRITTEN // 25),
    "Transact 4": ("TransactWriteItems", _transact, 2 * _WRITTEN // 4),
    "Update ADD": ("UpdateItem", _update, 10_000),
}
"""By the name that is printed: the API's name, the parameters of a number, and how many different requests are made."""

_turns = itertools.count()


def filling(peer: Peer) -> list[bytes]:
    """Requests that make all items of the table."""
    sign = signer(peer)
    return [
        sign("BatchWriteItem", _puts(item(number, -1) for number in range(start, start + 25)))
        for start in range(0, ITEMS, 25)
    ]


def signed(peer: Peer, operation: str) -> list[bytes]:
    """The requests of one of OPERATIONS. Good for five minutes, as AWS's signatures are."""
    name, params, count = OPERATIONS[operation]
    sign = signer(peer)
    turn = next(_turns)
    return [sign(name, params(number, turn)) for number in range(count)]


def signer(peer: Peer) -> Callable[[str, Params], bytes]:
    """A function from an operation and its parameters to the bytes of a request of now."""
    host = peer.endpoint.removeprefix("http://")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{stamp[:8]}/{REGION}/dynamodb/aws4_request"
    secret = signing_key(peer.secret, stamp[:8], REGION, "dynamodb")
    names = "content-type;host;x-amz-date;x-amz-target"

    def sign(operation: str, params: Params) -> bytes:
        body = json.dumps(params, separators=(",", ":")).encode()
        target = f"DynamoDB_20120810.{operation}"
        lines = f"content-type:application/x-amz-json-1.0\nhost:{host}\nx-amz-date:{stamp}\nx-amz-target:{target}\n"
        canonical = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(secret, text.encode(), "sha256").hex()
        head = (
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: {target}\r\n"
            f"X-Amz-Date: {stamp}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={peer.key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return sign
