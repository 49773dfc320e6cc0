"""Update expressions: the new item from the old one.

All operands are read from the item as it was; then the targets are changed together, so that `REMOVE l[0], l[1]`
takes the first two elements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias, cast

from casemate.tables.errors import validation
from casemate.tables.expressions.binding import Binding, Bound
from casemate.tables.expressions.errors import Rank
from casemate.tables.expressions.nodes import (
    AddAction,
    ArithmeticNode,
    CallNode,
    DeleteAction,
    Operand,
    PathNode,
    RemoveAction,
    SetAction,
    UpdateNode,
    ValueNode,
)
from casemate.tables.expressions.paths import MISSING, Found, Missing, Path, check_distinct, find
from casemate.tables.numbers import add, subtract
from casemate.tables.values import BinarySet, Item, NumberSet, StringSet, Value, type_name

Compute: TypeAlias = Callable[[Item, Item], Value]
"""(old item, expression values) -> a new value."""
Change: TypeAlias = Callable[[Item, Item, Found], Found]
"""(old item, expression values, what stands at the path) -> what shall stand there; MISSING removes it."""

WRONG_OPERAND = "An operand in the update expression has an incorrect data type"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
INVALID_PATH = "The document path provided in the update expression is invalid for update"
_CONDITION_FUNCTIONS = (
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "size",
)
_SETS = {"SS": StringSet, "NS": NumberSet, "BS": BinarySet}


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateExpression(Bound):
    """An update ready to be applied."""

    changes: tuple[tuple[Path, Change], ...]
    reads: tuple[Path, ...]
    """Paths whose values it reads."""
    only_takes: bool
    """Nothing but REMOVE and DELETE actions: an item that is absent is not made, whatever the paths."""
    targets: tuple[Path, ...] = field(init=False)
    """The paths it changes."""
    attributes_changed: tuple[str, ...] = field(init=False)
    """The attributes these paths begin with, each once, in the order in which new ones are added."""
    is_flat: bool = field(init=False)
    """No path goes into an attribute."""

    def __post_init__(self) -> None:
        targets = tuple(path for path, _ in self.changes)
        object.__setattr__(self, "targets", targets)
        object.__setattr__(self, "is_flat", all(len(path) == 1 for path in targets))
        object.__setattr__(
            self, "attributes_changed", tuple(dict.fromkeys(cast("str", path[0]) for path in targets))
        )

    def apply(self, item: Item, values: Item) -> dict[str, Value]:
        """The new item."""
        if self.is_flat:
            return self._apply_flat(item, values)
        root: dict[str | int, _Step] = {}
        for path, change in self.changes:
            new = change(item, values, find(item, path))
            steps = root
            for element in path[:-1]:
                steps = steps.setdefault(element, _Step()).below
            steps[path[-1]] = _Step(value=new, is_target=True)
        return _change_map(item, root)

    def _apply_flat(self, item: Item, values: Item) -> dict[str, Value]:
        new = dict(item)
        for path, change in self.changes:
            name = cast("str", path[0])
            changed = change(item, values, item.get(name, MISSING))
            if changed is MISSING:
                new.pop(name, None)
            else:
                new[name] = changed
        return new


@dataclass(slots=True)
class _Step:
    """A node of the tree of targets."""

    below: dict[str | int, _Step] = field(default_factory=dict)
    value: Found = MISSING
    is_target: bool = False


def _change_map(old: Item, steps: dict[str | int, _Step]) -> dict[str, Value]:
    new = dict(old)
    for element, step in steps.items():
        name = cast("str", element)
        changed = _changed(new.get(name, MISSING), step)
        if changed is MISSING:
            new.pop(name, None)
        else:
            new[name] = changed
    return new


def _change_list(old: tuple[Value, ...], steps: dict[str | int, _Step]) -> tuple[Value, ...]:
    new: list[Found] = list(old)
    for position in sorted(cast("dict[int, _Step]", steps)):
        step = steps[position]
        if position < len(old):
            new[position] = _changed(old[position], step)
        elif step.is_target:
            # A position beyond the end appends, in the order of the positions; removing one does nothing.
            new.append(step.value)
        else:
            raise validation(INVALID_PATH)
    return tuple(value for value in new if not isinstance(value, Missing))


def _changed(old: Found, step: _Step) -> Found:
    if step.is_target:
        return step.value
    expected = tuple if isinstance(next(iter(step.below)), int) else dict
    if not isinstance(old, expected):
        raise validation(INVALID_PATH)
    if isinstance(old, tuple):
        return _change_list(old, step.below)
    return _change_map(cast("Item", old), step.below)


def update_changes(
    node: UpdateNode, binding: Binding
) -> tuple[tuple[tuple[Path, Change], ...], tuple[Path, ...]]:
    """The changes an update expression stands for, and the paths it reads."""
    for section in node.repeated:
        binding.problems.add(
            Rank.SECTION, f'The "{section}" section can only be used once in an update expression;'
        )
    reads: list[Path] = []
    changes: list[tuple[Path, Change]] = []
    for action in node.actions:
        path = binding.path(action.path)
        match action:
            case SetAction():
                compute = _operand(action.value, binding, reads)
                changes.append((path, _set(compute)))
            case RemoveAction():
                changes.append((path, _remove))
            case AddAction():
                changes.append(
                    (path, _add(_action_value("ADD", action.value, ("N", "SS", "NS", "BS"), binding)))
                )
            case DeleteAction():
                changes.append(
                    (path, _delete(_action_value("DELETE", action.value, ("SS", "NS", "BS"), binding)))
                )
    check_distinct((path for path, _ in changes), binding.problems)
    return tuple(changes), tuple(reads)


def _action_value(section: str, node: ValueNode, allowed: tuple[str, ...], binding: Binding) -> str:
    key = binding.value(node)
    code = binding.static_type(node)
    if code is not None and code not in allowed:
        binding.problems.add(
            Rank.ACTION_OPERAND,
            "Incorrect operand type for operator or function; "
            f"operator: {section}, operand type: {type_name(code)}",
        )
    return key


def _set(compute: Compute) -> Change:
    return lambda item, values, _old: compute(item, values)


def _remove(_item: Item, _values: Item, _old: Found) -> Found:
    return MISSING


def _add(key: str) -> Change:
    def change(_item: Item, values: Item, old: Found) -> Found:
        added = values[key]
        if old is MISSING:
            return added
        if isinstance(added, Decimal) and isinstance(old, Decimal):
            return add(old, added)
        if isinstance(added, StringSet) and isinstance(old, StringSet):
            return StringSet(old | added)
        if isinstance(added, NumberSet) and isinstance(old, NumberSet):
            return NumberSet(old | added)
        if isinstance(added, BinarySet) and isinstance(old, BinarySet):
            return BinarySet(old | added)
        raise validation(WRONG_OPERAND)

    return change


def _delete(key: str) -> Change:
    def change(_item: Item, values: Item, old: Found) -> Found:
        taken = values[key]
        if old is MISSING:
            return MISSING
        # An empty set cannot exist: the attribute goes with its last member.
        if isinstance(taken, StringSet) and isinstance(old, StringSet):
            return StringSet(old - taken) or MISSING
        if isinstance(taken, NumberSet) and isinstance(old, NumberSet):
            return NumberSet(old - taken) or MISSING
        if isinstance(taken, BinarySet) and isinstance(old, BinarySet):
            return BinarySet(old - taken) or MISSING
        raise validation(WRONG_OPERAND)

    return change


def _operand(node: Operand, binding: Binding, reads: list[Path]) -> Compute:
    match node:
        case PathNode():
            path = binding.path(node)
            reads.append(path)
            return lambda item, _values: _existing(find(item, path))
        case ValueNode():
            key = binding.value(node)
            return lambda _item, values: values[key]
        case ArithmeticNode():
            return _arithmetic(node, binding, reads)
        case CallNode():
            return _function(node, binding, reads)


def _existing(found: Found) -> Value:
    if found is MISSING:
        raise validation(NO_ATTRIBUTE)
    return found


def _arithmetic(node: ArithmeticNode, binding: Binding, reads: list[Path]) -> Compute:
    left, right = _operand(node.left, binding, reads), _operand(node.right, binding, reads)
    for side in (node.left, node.right):
        _check_type(side, node.operator, "N", binding)
    operation = add if node.operator == "+" else subtract

    def compute(item: Item, values: Item) -> Value:
        one, two = left(item, values), right(item, values)
        if not (isinstance(one, Decimal) and isinstance(two, Decimal)):
            raise validation(WRONG_OPERAND)
        return operation(one, two)

    return compute


def _check_type(node: Operand, operator: str, allowed: str, binding: Binding) -> None:
    code = _result_type(node, binding)
    if code is not None and code != allowed:
        binding.wrong_type(operator, code)


def _result_type(node: Operand, binding: Binding) -> str | None:
    if isinstance(node, ArithmeticNode):
        return "N"
    if isinstance(node, CallNode):
        return "L" if node.function == "list_append" else None
    return binding.static_type(node)


def _function(node: CallNode, binding: Binding, reads: list[Path]) -> Compute:
    arguments = [_operand(argument, binding, reads) for argument in node.arguments]
    name = node.function
    for argument in node.arguments:
        if isinstance(argument, CallNode) and argument.function == "list_append":
            # It stands alone: list_append(list_append(a, b), c) is refused (ScyllaDB's test_update_expression.py).
            binding.misplaced(argument.function)
    if name not in ("if_not_exists", "list_append"):
        words = (
            "The function is not allowed in an update expression"
            if name in _CONDITION_FUNCTIONS
            else "Invalid function name"
        )
        binding.problems.add(Rank.FUNCTION_NAME, f"{words}; function: {name}")
        return lambda _item, _values: None
    if len(arguments) != 2:
        binding.wrong_count(name, len(arguments))
        return lambda _item, _values: None
    first, second = arguments
    if name == "list_append":
        return _list_append(node, binding, first, second)
    target = node.arguments[0]
    if not isinstance(target, PathNode):
        binding.needs_path(name)
        return lambda _item, _values: None
    path = binding.path(target)

    def if_not_exists(item: Item, values: Item) -> Value:
        found = find(item, path)
        return second(item, values) if found is MISSING else found

    return if_not_exists


def _list_append(node: CallNode, binding: Binding, first: Compute, second: Compute) -> Compute:
    for argument in node.arguments:
        _check_type(argument, "list_append", "L", binding)

    def list_append(item: Item, values: Item) -> Value:
        one, two = first(item, values), second(item, values)
        if not (isinstance(one, tuple) and isinstance(two, tuple)):
            raise validation(WRONG_OPERAND)
        return one + two

    return list_append
