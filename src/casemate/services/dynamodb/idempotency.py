"""ClientRequestToken: a transaction that comes again within ten minutes is answered again, and not done again.

Source: API reference, TransactWriteItems and ExecuteTransaction, ClientRequestToken.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Output, Params
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.capacity import read_units
from casemate.tables.records import record_size
from casemate.tables.storage import Change
from casemate.tables.token_log import Done, token_name
from casemate.tables.writes import Written

_NOT_ASKED = ("ClientRequestToken", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics")
"""Members that may differ from one time to the next: they say what is reported, not what is done."""


class Token(Struct, frozen=True, kw_only=True):
    """The ClientRequestToken of a request, and what the request asks."""

    name: bytes
    digest: bytes


def token_of(ctx: Context[DynamoState], params: Params) -> Token | None:
    """The request's token; None: it has none, and is done each time it comes."""
    given = params.get("ClientRequestToken")
    if given is None:
        return None
    asked = {name: value for name, value in params.items() if name not in _NOT_ASKED}
    return Token(
        name=token_name(ctx.account, ctx.region, given),
        digest=sha256(msgspec.msgpack.encode(asked, order="sorted")).digest(),
    )


def done_before(ctx: Context[DynamoState], token: Token | None) -> Done | None:
    """What was done under this token; IdempotentParameterMismatchException when it was something else."""
    done = None if token is None else ctx.state.engine.tokens.find(token.name)
    if token is None or done is None:
        return None
    if done.digest != token.digest:
        raise AwsError(
            "IdempotentParameterMismatchException",
            "IdempotentParameterMismatchException: The request uses the same client token as a previous, but "
            "non-identical request. Do not reuse a client token with different requests, unless the requests are "
            "identical",
        )
    return done


def remembered(
    ctx: Context[DynamoState], token: Token | None, names: Sequence[str], writes: Sequence[Written]
) -> Sequence[Change]:
    """What is to be written together with a transaction, so that it is known when it comes again."""
    if token is None:
        return ()
    reads: dict[bytes, tuple[str, float]] = {}
    for name, write in zip(names, writes, strict=True):
        size = 0 if write.new is None else record_size(write.new)
        # Doubled: a transaction prepares and commits each item.
        units = 2 * read_units(size, consistent=True)
        called, before = reads.get(write.table.table_id, (name, 0.0))
        reads[write.table.table_id] = (called, before + units)
    done = Done(digest=token.digest, reads=tuple(reads.values()))
    return (ctx.state.engine.tokens.entry(token.name, done),)


def answer_again(done: Done, params: Params) -> Output:
    """What came again has read what it wrote the first time: that is what it consumes."""
    wanted = params.get("ReturnConsumedCapacity")
    if wanted not in ("TOTAL", "INDEXES"):
        return {}
    consumed: list[dict[str, Any]] = []
    for table, units in done.reads:
        amount = {"CapacityUnits": units, "ReadCapacityUnits": units}
        consumed.append({"TableName": table, **amount, **({"Table": amount} if wanted == "INDEXES" else {})})
    return {"ConsumedCapacity": consumed}
