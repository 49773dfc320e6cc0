"""Condition and filter expressions: from tree to function. What is wrong in any item is refused before any is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any, TypeAlias, cast

from casemate.tables.errors import validation
from casemate.tables.expressions.binding import Binding, Bound
from casemate.tables.expressions.errors import Rank
from casemate.tables.expressions.nodes import (
    AndNode,
    ArithmeticNode,
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
from casemate.tables.expressions.paths import MISSING, Found, find, path_text
from casemate.tables.values import (
    TYPE_CODES,
    BinarySet,
    Item,
    NumberSet,
    StringSet,
    Value,
    describe,
    same,
    type_code,
)

Test: TypeAlias = Callable[[Item, Item], bool]
"""(item, expression values) -> whether the condition holds."""
Read: TypeAlias = Callable[[Item, Item], Found]
"""(item, expression values) -> an operand's value."""

_ORDER: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_ORDERED = ("S", "N", "B")
_SIZED = ("S", "B", "L", "M", "SS", "NS", "BS")
_PREDICATES = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
_UPDATE_FUNCTIONS = ("if_not_exists", "list_append")
# As DynamoDB prints them (observed).
_TYPE_LIST = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
MAX_IN_OPERANDS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionExpression(Bound):
    """A condition ready to be asked."""

    test: Test

    def holds(self, item: Item | None, values: Item) -> bool:
        """Whether it holds for `item`; None is an item that does not exist, which has no attributes."""
        return self.test(item or {}, values)


def condition_test(node: Condition, binding: Binding) -> Test:
    """The function a condition's tree stands for. Recursion is bounded: at most 300 operators where they nest."""
    match node:
        case AndNode():
            tests = [condition_test(part, binding) for part in node.parts]
            return lambda item, values: all(test(item, values) for test in tests)
        case OrNode():
            tests = [condition_test(part, binding) for part in node.parts]
            return lambda item, values: any(test(item, values) for test in tests)
        case NotNode():
            test = condition_test(node.part, binding)
            return lambda item, values: not test(item, values)
        case CompareNode():
            return _comparison(node, binding)
        case BetweenNode():
            return _between(node, binding)
        case InNode():
            return _membership(node, binding)
        case CallNode():
            return _predicate(node, binding)


def _comparison(node: CompareNode, binding: Binding) -> Test:
    left, right = operand(node.left, binding), operand(node.right, binding)
    _check_distinct(node.operator, node.left, (node.right,), binding)
    if node.operator == "=":
        return lambda item, values: equal(left(item, values), right(item, values))
    if node.operator == "<>":
        return lambda item, values: not equal(left(item, values), right(item, values))
    for side in (node.left, node.right):
        _check_type(side, node.operator, _ORDERED, binding)
    order = _ORDER[node.operator]
    return lambda item, values: ordered(order, left(item, values), right(item, values))


def _between(node: BetweenNode, binding: Binding) -> Test:
    value, low, high = (operand(part, binding) for part in (node.operand, node.low, node.high))
    _check_distinct("BETWEEN", node.operand, (node.low, node.high), binding)
    for side in (node.operand, node.low, node.high):
        _check_type(side, "BETWEEN", _ORDERED, binding)
    if isinstance(node.low, ValueNode) and isinstance(node.high, ValueNode):
        binding.check_values(_bounds_check(node.low.name, node.high.name, binding.label))

    def test(item: Item, values: Item) -> bool:
        found = value(item, values)
        return ordered(ge, found, low(item, values)) and ordered(le, found, high(item, values))

    return test


def _bounds_check(low: str, high: str, label: str) -> Callable[[Item], None]:
    def check(values: Item) -> None:
        least, most = values[low], values[high]
        shown = f"lower bound operand: {describe(least)}, upper bound operand: {describe(most)}"
        if type(least) is not type(most):
            raise validation(
                f"Invalid {label}: The BETWEEN operator requires same data type for lower and upper bounds; {shown}"
            )
        if ordered(gt, least, most):
            raise validation(
                f"Invalid {label}: The BETWEEN operator requires upper bound to be greater than or equal to lower "
                f"bound; {shown}"
            )

    return check


def _membership(node: InNode, binding: Binding) -> Test:
    value = operand(node.operand, binding)
    choices = [operand(choice, binding) for choice in node.choices]
    if len(choices) > MAX_IN_OPERANDS:
        binding.problems.add(
            Rank.OPERAND_COUNT,
            f"The IN operator is provided with too many operands; number of operands: {len(choices)}",
        )
    _check_distinct("IN", node.operand, node.choices, binding)

    def test(item: Item, values: Item) -> bool:
        found = value(item, values)
        return any(equal(found, choice(item, values)) for choice in choices)

    return test


def _predicate(node: CallNode, binding: Binding) -> Test:
    name = node.function
    reads = [operand(argument, binding) for argument in node.arguments]
    if name == "size":
        binding.misplaced(name)
    if name not in _PREDICATES:
        _unknown(name, binding)
        return _never
    if len(reads) != _PREDICATES[name]:
        binding.wrong_count(name, len(reads))
        return _never
    if name in ("attribute_exists", "attribute_not_exists"):
        return _existence(node, binding)
    first, second = reads
    if name == "attribute_type":
        return _type_test(node, binding, first)
    _check_distinct(name, node.arguments[0], node.arguments[1:], binding)
    if name == "begins_with":
        for argument in node.arguments:
            _check_type(argument, name, ("S", "B"), binding)
        return lambda item, values: begins_with(first(item, values), second(item, values))
    _check_type(node.arguments[0], name, ("S", "B", "L", "SS", "NS", "BS"), binding)
    return lambda item, values: contains(first(item, values), second(item, values))


def _never(_item: Item, _values: Item) -> bool:
    """Stands for a predicate that was refused; the refusal is raised before it is asked."""
    return False


def _unknown(name: str, binding: Binding) -> None:
    if name in _UPDATE_FUNCTIONS:
        binding.problems.add(
            Rank.FUNCTION_NAME, f"The function is not allowed in a condition expression; function: {name}"
        )
    elif name != "size":
        binding.problems.add(Rank.FUNCTION_NAME, f"Invalid function name; function: {name}")


def _existence(node: CallNode, binding: Binding) -> Test:
    argument = node.arguments[0]
    if not isinstance(argument, PathNode):
        binding.needs_path(node.function)
        return _never
    path = binding.path(argument)
    if node.function == "attribute_exists":
        return lambda item, _values: find(item, path) is not MISSING
    return lambda item, _values: find(item, path) is MISSING


def _type_test(node: CallNode, binding: Binding, read: Read) -> Test:
    wanted = node.arguments[1]
    _check_type(wanted, "attribute_type", ("S",), binding)
    if not isinstance(wanted, ValueNode):
        binding.wrong_type("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
        return _never
    name = wanted.name
    binding.check_values(_type_name_check(name, binding.label))

    def test(item: Item, values: Item) -> bool:
        found = read(item, values)
        return found is not MISSING and type_code(found) == values[name]

    return test


def _type_name_check(name: str, label: str) -> Callable[[Item], None]:
    def check(values: Item) -> None:
        given = values[name]
        if given not in TYPE_CODES:
            raise validation(
                f"Invalid {label}: Invalid attribute type name found; type: {given}, valid types: {_TYPE_LIST}"
            )

    return check


def operand(node: Operand, binding: Binding) -> Read:
    """The function that reads an operand."""
    match node:
        case PathNode():
            path = binding.path(node)
            if len(path) == 1:
                name = cast("str", path[0])
                return lambda item, _values: item.get(name, MISSING)
            return lambda item, _values: find(item, path)
        case ValueNode():
            key = binding.value(node)
            return lambda _item, values: values[key]
        case CallNode():
            return _size(node, binding)
        case ArithmeticNode():  # the condition grammar has none
            raise AssertionError(node)


def _size(node: CallNode, binding: Binding) -> Read:
    reads = [operand(argument, binding) for argument in node.arguments]
    if node.function != "size":
        if node.function in _PREDICATES:
            binding.misplaced(node.function)
        else:
            _unknown(node.function, binding)
        return lambda _item, _values: MISSING
    if len(reads) != 1:
        binding.wrong_count("size", len(reads))
        return lambda _item, _values: MISSING
    _check_type(node.arguments[0], "size", _SIZED, binding)
    read = reads[0]
    return lambda item, values: size(read(item, values))


def _check_type(node: Operand, operator: str, allowed: tuple[str, ...], binding: Binding) -> None:
    """A value, or the result of size(), must be of a type the operator can take at all."""
    code = binding.static_type(node)
    if code is not None and code not in allowed:
        binding.wrong_type(operator, code)


def _check_distinct(operator: str, first: Operand, rest: tuple[Operand, ...], binding: Binding) -> None:
    if isinstance(first, PathNode) and any(
        isinstance(other, PathNode) and binding.path(other) == binding.path(first) for other in rest
    ):
        binding.problems.add(
            Rank.DISTINCT,
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {path_text(binding.path(first))}",
        )


def equal(left: Found, right: Found) -> bool:
    """`=`: both there, of one type, of one value."""
    return left is not MISSING and right is not MISSING and same(left, right)


def ordered(order: Callable[[Any, Any], bool], left: Found, right: Found) -> bool:
    """`<` and its kin: both strings, both numbers or both binaries. Strings compare by their UTF-8 bytes."""
    if isinstance(left, str) and isinstance(right, str):
        # Python compares by code point, which is the order of UTF-8 bytes.
        return order(left, right)
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return order(left, right)
    if isinstance(left, bytes) and isinstance(right, bytes):
        return order(left, right)
    return False


def begins_with(value: Found, prefix: Found) -> bool:
    """Strings and binaries only."""
    if isinstance(value, str) and isinstance(prefix, str):
        return value.startswith(prefix)
    return isinstance(value, bytes) and isinstance(prefix, bytes) and value.startswith(prefix)


def contains(container: Found, wanted: Found) -> bool:
    """A substring, a member of a set, an element of a list."""
    if isinstance(container, str):
        return isinstance(wanted, str) and wanted in container
    if isinstance(container, bytes):
        return isinstance(wanted, bytes) and wanted in container
    if isinstance(container, tuple):
        return wanted is not MISSING and any(same(member, wanted) for member in container)
    if isinstance(container, StringSet):
        return isinstance(wanted, str) and wanted in container
    if isinstance(container, NumberSet):
        return isinstance(wanted, Decimal) and wanted in container
    return isinstance(container, BinarySet) and isinstance(wanted, bytes) and wanted in container


def size(value: Found) -> Found:
    """`size()`: bytes of a string or binary, number of elements otherwise; nothing for other types."""
    if isinstance(value, str):
        return Decimal(len(value.encode()))
    if isinstance(value, (bytes, tuple, dict, StringSet, NumberSet, BinarySet)):
        return Decimal(len(cast("tuple[Value, ...]", value)))
    return MISSING
