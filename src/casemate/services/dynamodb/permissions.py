"""What each operation is authorized on.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon DynamoDB"; Developer Guide,
"Using IAM policy conditions for fine-grained access control".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from casemate.servicekit.service import Check, Context, Params
from casemate.services.dynamodb.names import TableRef, resource_ref, table_ref
from casemate.services.dynamodb.state import DynamoState

TableChecks = Callable[[Context[DynamoState], Params], Iterable[Check]]
_RETURNS = (
    ("ReturnValues", "dynamodb:ReturnValues"),
    ("ReturnConsumedCapacity", "dynamodb:ReturnConsumedCapacity"),
)
_RETURNING = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
"""Their "ReturnValues parameter always has a value (NONE unless otherwise specified)"."""
_PARTITION_KEYS = tuple(
    f"dynamodb:{place}PartitionKeyValues" for place in ("First", "Second", "Third", "Fourth")
)


def on_table(action: str) -> TableChecks:
    """One check on the table that TableName names."""

    def checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
        return (Check(action=f"dynamodb:{action}", resource=table_ref(ctx, params["TableName"]).arn),)

    return checks


def on_resource(action: str) -> TableChecks:
    """One check on the table that ResourceArn names."""

    def checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
        return (Check(action=f"dynamodb:{action}", resource=resource_ref(ctx, params["ResourceArn"]).arn),)

    return checks


def on_one_table(params: Params) -> Hashable:
    """What the one check of a request follows from: a table, or an index of one."""
    index = params.get("IndexName")
    return params["TableName"] if index is None else (params["TableName"], index)


def on_each_table(params: Params) -> Hashable:
    """As `on_one_table`, of a batch."""
    return tuple(params["RequestItems"])


def item_check(
    ctx: Context[DynamoState],
    action: str,
    ref: TableRef,
    params: Mapping[str, Any],
    *,
    keys: Iterable[Mapping[str, Any]] = (),
    leading: Sequence[Sequence[Mapping[str, Any]]] | None = None,
    attributes: Iterable[str] = (),
    select: str | None = None,
    index: str | None = None,
    enclosing: str | None = None,
) -> Check:
    """A check of an item operation with DynamoDB's own condition keys.

    `keys`: items or keys the request names, from which the partition keys are taken; `leading`, instead: partition keys,
    each the values of its attributes.
    """
    context = _table_keys(ctx, ref, keys) if leading is None else _leading_keys(leading)
    names = tuple(dict.fromkeys(attributes))
    if names:
        context["dynamodb:Attributes"] = names
    if select is not None:
        context["dynamodb:Select"] = select
    if enclosing is not None:
        context["dynamodb:EnclosingOperation"] = enclosing
    if enclosing is None and action in _RETURNING:
        context["dynamodb:ReturnValues"] = "NONE"
    for member, key in _RETURNS:
        if params.get(member):
            context[key] = params[member]
    resource = ref.arn if index is None else ref.index_arn(index)
    return Check(action=f"dynamodb:{action}", resource=resource, context=context)


def _leading_keys(partitions: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, str | tuple[str, ...]]:
    """A condition key for each attribute of the partition keys; the first of them has two names.

    Source: Developer Guide, "Using IAM policy conditions for fine-grained access control".
    """
    made: dict[str, str | tuple[str, ...]] = {}
    # As many as there are, mostly one: this is asked for each item request.
    for place, name in enumerate(_PARTITION_KEYS[: max(map(len, partitions), default=0)]):
        made[name] = tuple([_key_text(values[place]) for values in partitions if place < len(values)])
    if _PARTITION_KEYS[0] in made:
        made["dynamodb:LeadingKeys"] = made[_PARTITION_KEYS[0]]
    return made


def _table_keys(
    ctx: Context[DynamoState], ref: TableRef, keys: Iterable[Mapping[str, Any]]
) -> dict[str, str | tuple[str, ...]]:
    """The same of items and keys of a table, whose partition key is one attribute."""
    record = ctx.state.tables.get(*ref.key)
    if record is None:
        return {}
    name = record.hash_key
    texts = tuple([_key_text(key[name]) for key in keys if name in key])
    return {_PARTITION_KEYS[0]: texts, "dynamodb:LeadingKeys": texts} if texts else {}


def _key_text(value: Mapping[str, Any]) -> str:
    text = value.get("S")
    if type(text) is str and len(value) == 1:
        return text
    raw = next(iter(value.values()), "")
    if isinstance(raw, dict | list):
        return ""  # of no type that a key has: the operation refuses it, however deep it is
    return b64encode(raw).decode() if isinstance(raw, bytes) else str(raw)
