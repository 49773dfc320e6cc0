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
    Path,
    RemoveAction,
    Select,
    SetAction,
    Update,
)

Kind = Literal["Put", "Update", "Delete", "ConditionCheck"]
Write = Insert | Update | Delete | Exists
_SET_FUNCTIONS = frozenset(("list_append", "set_add", "set_delete", "if_not_exists"))
_SECTIONS = {"set_add": "ADD", "set_delete": "DELETE"}
NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


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
    condition = [writing.conditions(rest)] if rest else []
    if kind == "Update" or (kind == "ConditionCheck" and not rest):
        # An UPDATE changes what is there; it makes no item.
        condition.insert(0, f"attribute_exists({writing.path(Path((key_names[0],)))})")
    if condition:
        members["ConditionExpression"] = " AND ".join(condition)
        if failure_values is not None:
            members["ReturnValuesOnConditionCheckFailure"] = failure_values
    if not isinstance(statement, Exists) and statement.returning is not None:
        members["ReturnValues"] = statement.returning
    members |= writing.request_members()
    return WriteRequest(kind=kind, members=members, target=key, attributes=writing.attributes)


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
    wire = parameters.resolve(statement.value)
    if "M" not in wire:
        raise malformed("INSERT takes a tuple: {'name': value, ...}")
    item: dict[str, Any] = wire["M"]
    condition = f"attribute_not_exists({writing.path(Path((key_names[0],)))})"
    members = {"TableName": statement.table, "Item": item, "ConditionExpression": condition}
    members |= writing.request_members()
    return WriteRequest(kind="Put", members=members, target=item, attributes=tuple(item))


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
    """The set that set_add and set_delete take; they work on the attribute they are assigned to."""
    if len(call.arguments) != 2 or call.arguments[0] != action.path:
        raise malformed(f"{call.function} takes the attribute it is assigned to, and a set")
    return writing.operand(call.arguments[1])
