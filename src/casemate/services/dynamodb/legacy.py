"""The parameters from before expressions, rewritten as expressions.

Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, AttributesToGet and ConditionalOperator are still
sent by older clients. Source: DynamoDB Developer Guide, "Legacy conditional parameters" (each with the expression to
use instead); refusals as observed (dynalite's recorded answers, test/deleteItem.js and test/query.js).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casemate.services.dynamodb.errors import validation
from casemate.tables.errors import INVALID
from casemate.tables.expressions.conditions import ordered
from casemate.tables.values import from_wire, same, type_code

LEGACY = (
    "AttributesToGet",
    "AttributeUpdates",
    "Expected",
    "QueryFilter",
    "ScanFilter",
    "ConditionalOperator",
    "KeyConditions",
)
EXPRESSIONS = (
    "ProjectionExpression",
    "UpdateExpression",
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
)
"""Both in the order in which AWS names them."""
_LEGACY = frozenset(LEGACY)
_JOINED = ("Expected", "QueryFilter", "ScanFilter")
_WRITES = ("Key", "Item")
"""Members by which a request is known as one for a single item, which may have a ConditionalOperator beside expressions."""
_UNINDEXABLE = "Attempted conditional constraint is not an indexable operation"
_KEY_OPERATORS = ("EQ", "LE", "LT", "GE", "GT", "BETWEEN", "BEGINS_WITH")
_COMPARISONS = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
_ORDERED = ("S", "N", "B")
_ALLOWED = {
    **dict.fromkeys(("LE", "LT", "GE", "GT", "BETWEEN"), _ORDERED),
    "BEGINS_WITH": ("S", "B"),
    "IN": _ORDERED,
    "CONTAINS": _ORDERED,
    "NOT_CONTAINS": _ORDERED,
}


class Modernized(dict[str, Any]):
    """A request whose expressions were written here: the bounds of expressions are not theirs."""


def modernized(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """`params` with expressions in the place of legacy parameters; the same object when there are none."""
    if _LEGACY.isdisjoint(params):
        return params
    legacy = [member for member in LEGACY if params.get(member) is not None]
    modern = [member for member in EXPRESSIONS if params.get(member) is not None]
    clashing = [member for member in legacy if _clashes(member, params)]
    if clashing and modern:
        raise validation(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(clashing)}}} Expression parameters: {{{', '.join(modern)}}}"
        )
    check_placeholders(params)
    _check_operator_needed(params)
    rewritten = _Rewriting(params).result()
    # Whoever writes an expression beside KeyConditions is held to the bounds of expressions.
    return rewritten if modern else Modernized(rewritten)


def _check_operator_needed(params: Mapping[str, Any]) -> None:
    """An operator between conditions stands between two at least (paritysuite/dynamodb-conformance, deepRequests)."""
    if params.get("ConditionalOperator") is None:
        return
    conditions: Mapping[str, Any] = {}
    for name in _JOINED:
        conditions = conditions or params.get(name) or {}
    if len(conditions) == 1:
        raise validation(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )


def _clashes(member: str, params: Mapping[str, Any]) -> bool:
    """Whether a legacy parameter may not stand beside expressions.

    KeyConditions may beside all but their own: filters and projections were there before KeyConditionExpression was,
    and AWS's SDK for Java still sends them together (QuerySpec.withHashKey().withFilterExpression(); dynalite as well).
    """
    if member == "KeyConditions":
        return params.get("KeyConditionExpression") is not None
    return member != "ConditionalOperator" or not any(name in params for name in _WRITES)


def check_placeholders(params: Mapping[str, Any]) -> None:
    """Names and values stand beside an expression, values beside one that takes any. Legacy parameters are none.

    Observed: paritysuite/dynamodb-conformance, error-messages/deleteItem; of Scan dynalite's recorded answers.
    """
    for parameter, expressions in (
        ("ExpressionAttributeNames", EXPRESSIONS),
        ("ExpressionAttributeValues", EXPRESSIONS[1:]),
    ):
        if params.get(parameter) is None or any(params.get(member) is not None for member in expressions):
            continue
        # Only scans still say what is missing.
        scanned = parameter == "ExpressionAttributeValues" and "ScanFilter" in params
        raise validation(
            f"{parameter} can only be specified when using expressions"
            + (": FilterExpression is null" if scanned else "")
        )


class _Rewriting:
    """One request on its way to expressions."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._names: dict[str, str] = dict(params.get("ExpressionAttributeNames") or {})
        self._values: dict[str, Any] = dict(params.get("ExpressionAttributeValues") or {})

    def result(self) -> dict[str, Any]:
        params = self._params
        new = {member: value for member, value in params.items() if member not in _LEGACY}
        joined = f" {params.get('ConditionalOperator') or 'AND'} "
        if params.get("AttributesToGet"):
            new["ProjectionExpression"] = ", ".join(self._wanted(params["AttributesToGet"]))
        if params.get("AttributeUpdates"):
            new["UpdateExpression"] = self._updates(params["AttributeUpdates"])
        if params.get("Expected"):
            terms = [self._expected(name, given) for name, given in params["Expected"].items()]
            new["ConditionExpression"] = joined.join(terms)
        for member, expression, glue in (
            ("KeyConditions", "KeyConditionExpression", " AND "),
            ("QueryFilter", "FilterExpression", joined),
            ("ScanFilter", "FilterExpression", joined),
        ):
            if params.get(member):
                terms = [self._condition(name, given) for name, given in params[member].items()]
                new[expression] = glue.join(terms)
        if params.get("KeyConditions") is not None:
            _check_key_operators(params["KeyConditions"])
        # An empty map of the request's own stays, to be refused.
        if self._names:
            new["ExpressionAttributeNames"] = self._names
        if self._values:
            new["ExpressionAttributeValues"] = self._values
        return new

    def _name(self, name: str) -> str:
        if not name:
            raise validation("Empty attribute name")
        alias = _free("#legacy", self._names)
        self._names[alias] = name
        return alias

    def _wanted(self, names: Sequence[str]) -> list[str]:
        for place, name in enumerate(names):
            if name in names[:place]:
                raise validation(f"{INVALID}Duplicate value in attribute name: {name}")
        return [self._name(name) for name in names]

    def _value(self, wire: Any) -> str:
        from_wire(wire)
        key = _free(":legacy", self._values)
        self._values[key] = wire
        return key

    def _updates(self, updates: Mapping[str, Mapping[str, Any]]) -> str:
        sections: dict[str, list[str]] = {}
        for name, given in updates.items():
            action, value = given.get("Action") or "PUT", given.get("Value")
            if value is None:
                if action != "DELETE":
                    raise validation(
                        INVALID + "Only DELETE action is allowed when no attribute value is specified"
                    )
                sections.setdefault("REMOVE", []).append(self._name(name))
                continue
            code = type_code(from_wire(value))
            _check_update(action, code)
            if (action, code) == ("ADD", "L"):
                # Lists grow, though the API reference knows of numbers and sets alone: what AWS refuses to ADD, as
                # dynalite's authors recorded it, is any type but these and lists.
                alias = self._name(name)
                grown = f"{alias} = list_append(if_not_exists({alias}, {self._value({'L': []})}), {self._value(value)})"
                sections.setdefault("SET", []).append(grown)
                continue
            text = f"{self._name(name)}{' = ' if action == 'PUT' else ' '}{self._value(value)}"
            sections.setdefault("SET" if action == "PUT" else action, []).append(text)
        return " ".join(f"{section} {', '.join(parts)}" for section, parts in sections.items())

    def _expected(self, name: str, given: Mapping[str, Any]) -> str:
        exists, value = given.get("Exists"), given.get("Value")
        operator, values = given.get("ComparisonOperator"), given.get("AttributeValueList")
        if value is not None and values is not None:
            raise validation(
                f"{INVALID}Value and AttributeValueList cannot be used together for Attribute: {name}"
            )
        if values is not None and operator is None:
            raise validation(
                f"{INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
            )
        if operator is not None:
            if exists is not None:
                raise validation(
                    f"{INVALID}Exists and ComparisonOperator cannot be used together for Attribute: {name}"
                )
            if value is None and values is None and _COUNTS.get(operator) != 0:
                raise validation(
                    f"{INVALID}Value or AttributeValueList must be used with ComparisonOperator: {operator} for "
                    f"Attribute: {name}"
                )
            listed = values if values is not None else [] if value is None else [value]
            return self._term(name, operator, listed)
        if exists is False:
            if value is not None:
                raise validation(f"{INVALID}Value cannot be used when Exists is false for Attribute: {name}")
            return f"attribute_not_exists({self._name(name)})"
        if value is None:
            shown = "null" if exists is None else "true"
            raise validation(f"{INVALID}Value must be provided when Exists is {shown} for Attribute: {name}")
        return self._term(name, "EQ", [value])

    def _condition(self, name: str, given: Mapping[str, Any]) -> str:
        return self._term(name, given["ComparisonOperator"], given.get("AttributeValueList") or [])

    def _term(self, name: str, operator: str, values: Sequence[Any]) -> str:
        _check_values(operator, values)
        alias = self._name(name)
        keys = [self._value(value) for value in values]
        if operator in _COMPARISONS:
            return f"{alias} {_COMPARISONS[operator]} {keys[0]}"
        match operator:
            case "NULL":
                return f"attribute_not_exists({alias})"
            case "NOT_NULL":
                return f"attribute_exists({alias})"
            case "BETWEEN":
                return f"{alias} BETWEEN {keys[0]} AND {keys[1]}"
            case "IN":
                return f"{alias} IN ({', '.join(keys)})"
            case "NOT_CONTAINS":
                return f"NOT contains({alias}, {keys[0]})"
            case _:
                return f"{operator.lower()}({alias}, {keys[0]})"


def _free(stem: str, taken: Mapping[str, Any]) -> str:
    """A placeholder that the request has not."""
    number = len(taken)
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def _check_key_operators(conditions: Mapping[str, Mapping[str, Any]]) -> None:
    """What KeyConditions may not be, in the words of dynalite's recorded answers."""
    if not conditions:
        raise validation("Conditions can be of length 1 or 2 only")
    if any(given["ComparisonOperator"] not in _KEY_OPERATORS for given in conditions.values()):
        raise validation(_UNINDEXABLE)


def _check_update(action: str, code: str) -> None:
    allowed = {"DELETE": ("SS", "NS", "BS"), "ADD": ("N", "SS", "NS", "BS", "L")}.get(action)
    if allowed is not None and code not in allowed:
        words = "DELETE action with value" if action == "DELETE" else "ADD action"
        raise validation(f"{INVALID}{words} is not supported for the type {code}")


def _check_values(operator: str, wires: Sequence[Any]) -> None:
    """The number and the types of the values."""
    wanted = _COUNTS.get(operator, 1)
    if not wires if operator == "IN" else len(wires) != wanted:
        raise validation(f"{INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")
    values = [from_wire(wire) for wire in wires]
    codes = [type_code(value) for value in values]
    if len(set(codes)) > 1:
        raise validation(INVALID + "AttributeValues inside AttributeValueList must be of same type")
    for code in codes[:1]:
        if operator in _ALLOWED and code not in _ALLOWED[operator]:
            raise validation(
                f"{INVALID}ComparisonOperator {operator} is not valid for {code} AttributeValue type"
            )
    if operator == "BETWEEN" and not same(values[0], values[1]) and not ordered(_below, values[0], values[1]):
        raise validation(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )


def _below(low: Any, high: Any) -> bool:
    return low < high
