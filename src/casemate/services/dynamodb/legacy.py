"""The parameters from before expressions, rewritten as expressions.

Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, AttributesToGet and ConditionalOperator are still
sent by older clients. Source: DynamoDB Developer Guide, "Legacy conditional parameters" (each with the expression to
use instead); refusals as observed (dynalite's recorded answers, test/deleteItem.js and test/query.js; ExtendDB's
tests/test_conditional_operator.py and ScyllaDB's test/alternator, both run against AWS too).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casemate.model.errors import AwsError
from casemate.services.dynamodb.errors import validation
from casemate.tables.errors import INVALID
from casemate.tables.expressions.conditions import ordered
from casemate.tables.expressions.updates import WRONG_OPERAND
from casemate.tables.values import from_wire, same, type_code

# Both in the order in which AWS names them.
LEGACY = (
    "AttributesToGet",
    "AttributeUpdates",
    "Expected",
    "ScanFilter",
    "QueryFilter",
    "ConditionalOperator",
    "KeyConditions",
)
EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "ProjectionExpression",
    "FilterExpression",
    "KeyConditionExpression",
)
_LEGACY = frozenset(LEGACY)
_COMPARISONS = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
_ACTIONS = ("ADD", "PUT", "DELETE")
_OPERATORS = (
    "IN",
    "NULL",
    "BETWEEN",
    "LT",
    "NOT_CONTAINS",
    "EQ",
    "GT",
    "NOT_NULL",
    "NE",
    "LE",
    "BEGINS_WITH",
    "GE",
    "CONTAINS",
)
_INDEXABLE = frozenset({"EQ", "LE", "LT", "GE", "GT", "BEGINS_WITH", "BETWEEN"})
_JOINED = 2
"""Conditions that an operator may stand between."""
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
    check_unmixed(params)
    _check_operator(params)
    _check_attributes(params.get("AttributesToGet") or ())
    return _Rewriting(params).result()


def check_unmixed(params: Mapping[str, Any]) -> None:
    """ValidationException when there are expressions beside legacy parameters.

    KeyConditions alone may stand beside a filter or a projection.
    """
    legacy = [member for member in LEGACY if params.get(member) is not None]
    modern = [member for member in EXPRESSIONS if params.get(member) is not None]
    if legacy and modern and (legacy != ["KeyConditions"] or "KeyConditionExpression" in modern):
        raise validation(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(legacy)}}} Expression parameters: {{{', '.join(modern)}}}"
        )
    if legacy and not modern:
        for member in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if params.get(member) is not None:
                raise validation(f"{member} can only be specified when using expressions")


def _check_operator(params: Mapping[str, Any]) -> None:
    if params.get("ConditionalOperator") is None:
        return
    conditions = params.get("Expected") or params.get("ScanFilter") or params.get("QueryFilter")
    if not conditions:
        raise validation("ConditionalOperator cannot be used without Filter or Expected")
    if len(conditions) < _JOINED:
        raise validation(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )


def _check_attributes(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise validation(f"{INVALID}Duplicate value in attribute name: {name}")
        seen.add(name)


def in_legacy_words(params: Mapping[str, Any], error: AwsError) -> AwsError:
    """What is wrong with the item that an update meets has another name where AttributeUpdates asked for it."""
    if isinstance(params, Modernized) and error.message == WRONG_OPERAND:
        return validation("Type mismatch for attribute to update")
    return error


class _Rewriting:
    """One request on its way to expressions."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        # Those of expressions that stand beside KeyConditions stay.
        self._names: dict[str, str] = dict(params.get("ExpressionAttributeNames") or {})
        self._values: dict[str, Any] = dict(params.get("ExpressionAttributeValues") or {})

    def result(self) -> dict[str, Any]:
        params = self._params
        kept = {member: value for member, value in params.items() if member not in _LEGACY}
        # An expression of the request's own keeps its bounds.
        new: dict[str, Any] = kept if any(map(kept.get, EXPRESSIONS)) else Modernized(kept)
        joined = f" {params.get('ConditionalOperator') or 'AND'} "
        if params.get("AttributesToGet"):
            new["ProjectionExpression"] = ", ".join(self._name(name) for name in params["AttributesToGet"])
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
                terms = [self._condition(member, name, given) for name, given in params[member].items()]
                new[expression] = glue.join(terms)
        if self._names:
            new["ExpressionAttributeNames"] = self._names
        if self._values:
            new["ExpressionAttributeValues"] = self._values
        return new

    def _name(self, name: str) -> str:
        alias = _unused("#legacy", self._names)
        self._names[alias] = name
        return alias

    def _value(self, wire: Any) -> str:
        from_wire(wire)
        key = _unused(":legacy", self._values)
        self._values[key] = wire
        return key

    def _updates(self, updates: Mapping[str, Mapping[str, Any]]) -> str:
        sections: dict[str, list[str]] = {}
        for name, given in updates.items():
            action, value = given.get("Action") or "PUT", given.get("Value")
            _check_enum(f"attributeUpdates.{name}.member.action", action, _ACTIONS)
            if value is None:
                if action != "DELETE":
                    raise validation(
                        INVALID + "Only DELETE action is allowed when no attribute value is specified"
                    )
                sections.setdefault("REMOVE", []).append(self._name(name))
                continue
            _check_update(action, type_code(from_wire(value)))
            alias, key = self._name(name), self._value(value)
            if action == "PUT":
                sections.setdefault("SET", []).append(f"{alias} = {key}")
            elif "L" in value:
                # Lists grow, which no page says (ScyllaDB's test/alternator/test_item.py).
                grown = f"list_append(if_not_exists({alias}, {self._value({'L': []})}), {key})"
                sections.setdefault("SET", []).append(f"{alias} = {grown}")
            else:
                sections.setdefault(action, []).append(f"{alias} {key}")
        return " ".join(f"{section} {', '.join(parts)}" for section, parts in sections.items())

    def _expected(self, name: str, given: Mapping[str, Any]) -> str:
        exists, value = given.get("Exists"), given.get("Value")
        operator, values = given.get("ComparisonOperator"), given.get("AttributeValueList")
        if values is not None and (operator is None or value is not None):
            words = (
                "Value and AttributeValueList cannot be used together"
                if value is not None
                else "AttributeValueList can only be used with a ComparisonOperator"
            )
            raise validation(f"{INVALID}{words} for Attribute: {name}")
        if operator is not None:
            _check_enum(f"expected.{name}.member.comparisonOperator", operator, _OPERATORS)
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
            _check_values(operator, listed)
            return self._term(name, operator, listed)
        if exists is False:
            if value is not None:
                raise validation(f"{INVALID}Value cannot be used when Exists is false for Attribute: {name}")
            return f"attribute_not_exists({self._name(name)})"
        if value is None:
            shown = "null" if exists is None else "true"
            raise validation(f"{INVALID}Value must be provided when Exists is {shown} for Attribute: {name}")
        _check_values("EQ", [value])
        return self._term(name, "EQ", [value])

    def _condition(self, member: str, name: str, given: Mapping[str, Any]) -> str:
        operator: str = given["ComparisonOperator"]
        values: list[Any] = given.get("AttributeValueList") or []
        place = f"{member[:1].lower()}{member[1:]}.{name}.member.comparisonOperator"
        _check_enum(place, operator, _OPERATORS)
        _check_values(operator, values)
        if member == "KeyConditions" and operator not in _INDEXABLE:
            raise validation("Attempted conditional constraint is not an indexable operation")
        return self._term(name, operator, values)

    def _term(self, name: str, operator: str, values: Sequence[Any]) -> str:
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
                # Of what is not there neither this nor CONTAINS is true.
                return f"(attribute_exists({alias}) AND NOT contains({alias}, {keys[0]}))"
            case _:
                return f"{operator.lower()}({alias}, {keys[0]})"


def _check_enum(place: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise validation(
            f"1 validation error detected: Value '{value}' at '{place}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        )


def _unused(stem: str, taken: Mapping[str, Any]) -> str:
    number = len(taken)
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


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
