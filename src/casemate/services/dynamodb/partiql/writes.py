"""INSERT, UPDATE, DELETE and EXISTS as requests of PutItem, UpdateItem, DeleteItem and ConditionCheck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.partiql.statements import Parameters, conjuncts, equality
from casemate.services.dynamodb.partiql.writing import Writing
from casemate.tables.partiql.errors import malformed
from casemate.tables.partiql.nodes import (
    Call,
    Condition,
    Delete,
    Exists,
    Insert,
    MapOf,
    Parameter,
    Path,
    RemoveAction,
    Select,
    SetAction,
    SetOf,
    Update,
)

Kind = Literal["Put", "Update", "Delete", "ConditionCheck"]
Write = Insert | Update | Delete | Exists
_SET_FUNCTIONS = frozenset(("list_append", "set_add", "set_delete", "if_not_exists"))
_SECTIONS = {"set_add": "ADD", "set_delete": "DELETE"}
NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"
NO_CONDITION = "EXISTS() must contain a single item read with additional condition"


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteRequest:
    """A write as the member of TransactItems that it is; alone, `members` is the request of the item operation."""

    kind: Kind
    members: dict[str, Any]
    target: dict[str, Any]
    """The item or the key."""
    attributes: tuple[str, ...] = field(default=())
    """Every attribute the statement names."""


def write_request(
    statement: Write, parameters: Parameters, key_names: Sequence[str], failure_values: str | None
) -> WriteRequest:
    """`key_names`: the table's primary key; `failure_values`: ReturnValuesOnConditionCheckFailure."""
    writing = Writing(parameters)
    if isinstance(statement, Insert):
        return _insert(statement, writing, parameters, key_names)
    table, where = _place(statement)
    key, rest = _key(where, parameters, key_names)
    members: dict[str, Any] = {"TableName": table, "Key": key}
    kind: Kind = "Delete"
    if isinstance(statement, Update):
        kind = "Update"
        members["UpdateExpression"] = _update(statement, writing)
    elif isinstance(statement, Exists):
        kind = "ConditionCheck"
    condition = _condition(kind, rest, writing, key_names[0])
    if condition is not None:
        members["ConditionExpression"] = condition
        if failure_values is not None:
            members["ReturnValuesOnConditionCheckFailure"] = failure_values
    if not isinstance(statement, Exists) and statement.returning is not None:
        members["ReturnValues"] = statement.returning
    members |= writing.request_members()
    return WriteRequest(kind=kind, members=members, target=key, attributes=writing.attributes)


def _condition(kind: Kind, rest: list[Condition], writing: Writing, key_name: str) -> str | None:
    """What the item must be like beside having the key.

    An UPDATE changes what is there; it makes no item. A DELETE of what is not there succeeds, whatever else it asks
    (Developer Guide, "PartiQL delete statements for DynamoDB", Return value).
    """
    key = Path((key_name,))
    if kind == "Update":
        given = [writing.conditions(rest)] if rest else []
        return " AND ".join((f"attribute_exists({writing.path(key)})", *given))
    if kind == "Delete":
        return f"attribute_not_exists({writing.path(key)}) OR {writing.all_of(rest)}" if rest else None
    if not rest:
        raise validation(NO_CONDITION)
    return writing.conditions(rest)


def _place(statement: Update | Delete | Exists) -> tuple[str, Condition | None]:
    if not isinstance(statement, Exists):
        return statement.table, statement.where
    select: Select = statement.select
    if select.index is not None or select.order or select.paths is not None:
        raise malformed("EXISTS takes SELECT * FROM a table WHERE a condition on one item holds")
    return select.table, select.where


def _insert(
    statement: Insert, writing: Writing, parameters: Parameters, key_names: Sequence[str]
) -> WriteRequest:
    item = _item(statement, parameters)
    condition = f"attribute_not_exists({writing.path(Path((key_names[0],)))})"
    members = {"TableName": statement.table, "Item": item, "ConditionExpression": condition}
    members |= writing.request_members()
    return WriteRequest(kind="Put", members=members, target=item, attributes=tuple(item))


def _item(statement: Insert, parameters: Parameters) -> dict[str, Any]:
    if isinstance(statement.value, MapOf):
        return {name: parameters.resolve(member) for name, member in statement.value.members}
    wire = parameters.resolve(statement.value)
    if "M" not in wire:
        raise malformed("INSERT takes a tuple: {'name': value, ...}")
    return wire["M"]


def _key(
    where: Condition | None, parameters: Parameters, key_names: Sequence[str]
) -> tuple[dict[str, Any], list[Condition]]:
    """The key that the condition names, and what else it asks."""
    key: dict[str, Any] = {}
    rest: list[Condition] = []
    for node in conjuncts(where):
        found = equality(node)
        if found is not None and found[0] in key_names and found[0] not in key:
            key[found[0]] = parameters.resolve(found[1])
        else:
            rest.append(node)
    if len(key) != len(key_names):
        raise validation(NO_KEY)
    return key, rest


def _update(statement: Update, writing: Writing) -> str:
    sections: dict[str, list[str]] = {}
    for action in statement.actions:
        path = writing.path(action.path)
        if isinstance(action, RemoveAction):
            sections.setdefault("REMOVE", []).append(path)
        elif isinstance(action.value, Call) and action.value.function in _SECTIONS:
            section = _SECTIONS[action.value.function]
            sections.setdefault(section, []).append(f"{path} {_members(action, action.value, writing)}")
        else:
            value = action.value
            text = writing.call(value, _SET_FUNCTIONS) if isinstance(value, Call) else writing.operand(value)
            sections.setdefault("SET", []).append(f"{path} = {text}")
    return " ".join(f"{section} {', '.join(parts)}" for section, parts in sections.items())


def _members(action: SetAction, call: Call, writing: Writing) -> str:
    """The set that set_add and set_delete take; they work on the attribute they are assigned to.

    The words are AWS's (observed: paritysuite/dynamodb-conformance, partiqlFunctions, October 2026).
    """
    name = call.function.upper()
    if len(call.arguments) != 2:
        raise validation(f"{name} must have exactly two arguments at {call.place}")
    target, members = call.arguments
    if target != action.path:
        raise validation(f"The first argument to {name} must equal the assignment value at {call.place}")
    if not isinstance(members, (SetOf, Parameter)):
        raise validation(f"The second argument to {name} must be a value with type SET at {call.first}")
    return writing.operand(members)
