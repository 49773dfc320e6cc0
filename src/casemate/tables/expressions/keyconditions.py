"""Key condition expressions: at most one condition per key attribute, none but the simple ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from casemate.tables.errors import validation
from casemate.tables.expressions.binding import Binding, Bound
from casemate.tables.expressions.conditions import condition_test
from casemate.tables.expressions.nodes import (
    AndNode,
    BetweenNode,
    CallNode,
    CompareNode,
    Condition,
    InNode,
    NotNode,
    Operand,
    OrNode,
    PathNode,
    ValueNode,
)

KeyOperator = Literal["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]
_MIRRORED: dict[str, KeyOperator] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_PREFIX = "Invalid condition in KeyConditionExpression: "


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyTerm:
    """One condition on one attribute."""

    attribute: str
    operator: KeyOperator
    operands: tuple[str, ...]
    """Keys of the expression values: two for BETWEEN, one otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyConditionExpression(Bound):
    """The conditions, in the order written."""

    terms: tuple[KeyTerm, ...]


def key_terms(node: Condition, binding: Binding) -> tuple[KeyTerm, ...]:
    """The terms of a key condition; ValidationException when it is more than a key condition may be.

    First come the checks every condition has, term by term (observed: paritysuite/dynamodb-conformance,
    validation-ordering/queryKeyCondition), then, over all terms, these in turn: the operator, nested operations, the
    place of the key attribute, the number of attributes, nested attributes (observed: dynalite's recorded answers).
    """
    parts = _flat(node)
    for part in parts:
        condition_test(part, binding)
        binding.problems.check()
    for part in parts:
        _check_operator(part)
    for check in (_check_nested_operations, _check_first, _check_attributes, _check_nested_attributes):
        for part in parts:
            check(part)
    terms = [_term(part, binding) for part in parts]
    names = [term.attribute for term in terms]
    if len(set(names)) != len(names):
        raise validation(
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
        )
    return tuple(terms)


def _flat(node: Condition) -> list[Condition]:
    if isinstance(node, AndNode):
        return [leaf for part in node.parts for leaf in _flat(part)]
    return [node]


def _operands(node: Condition) -> tuple[Operand, ...]:
    match node:
        case CompareNode():
            return (node.left, node.right)
        case BetweenNode():
            return (node.operand, node.low, node.high)
        case CallNode():
            return node.arguments
        case _:
            return ()


def _operator(node: Condition) -> str:
    match node:
        case CompareNode():
            return node.operator
        case BetweenNode():
            return "BETWEEN"
        case CallNode():
            return node.function
        case OrNode():
            return "OR"
        case NotNode():
            return "NOT"
        case InNode():
            return "IN"
        case AndNode():
            return "AND"


def _check_operator(node: Condition) -> None:
    operator = _operator(node)
    if operator not in ("=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"):
        raise validation(f"Invalid operator used in KeyConditionExpression: {operator}")


def _check_nested_operations(node: Condition) -> None:
    # A key attribute that is compared with several attributes is the more particular complaint for these two.
    operands = _operands(node)
    paths = sum(isinstance(operand, PathNode) for operand in operands)
    has_call = any(isinstance(operand, CallNode) for operand in operands)
    if has_call and not (
        isinstance(node, BetweenNode) and (paths > 1 or not isinstance(node.operand, PathNode))
    ):
        raise validation("KeyConditionExpressions cannot contain nested operations")


def _check_first(node: Condition) -> None:
    if isinstance(node, (BetweenNode, CallNode)) and not isinstance(_operands(node)[0], PathNode):
        raise validation(
            f"{_PREFIX}{_operator(node)} operator must have the key attribute as its first operand"
        )


def _check_attributes(node: Condition) -> None:
    paths = sum(isinstance(operand, PathNode) for operand in _operands(node))
    if paths > 1:
        raise validation(_PREFIX + "Multiple attribute names used in one condition")
    if paths == 0:
        raise validation(_PREFIX + "No key attribute specified")


def _check_nested_attributes(node: Condition) -> None:
    for operand in _operands(node):
        if isinstance(operand, PathNode) and len(operand.elements) > 1:
            raise validation("KeyConditionExpressions cannot have conditions on nested attributes")


def _term(node: Condition, binding: Binding) -> KeyTerm:
    operands = _operands(node)
    operator: KeyOperator
    if isinstance(node, CompareNode):
        # `:v < key` says `key > :v`.
        operator = node.operator if isinstance(node.left, PathNode) else _MIRRORED[node.operator]  # pyright: ignore[reportAssignmentType]  # <> was refused above
    else:
        operator = "BETWEEN" if isinstance(node, BetweenNode) else "begins_with"
    path = next(operand for operand in operands if isinstance(operand, PathNode))
    values = tuple(operand.name for operand in operands if isinstance(operand, ValueNode))
    return KeyTerm(attribute=str(binding.path(path)[0]), operator=operator, operands=values)
