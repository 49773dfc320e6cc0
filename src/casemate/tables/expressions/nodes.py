"""What parsing gives: frozen trees in which names and values are still placeholders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class PathNode:
    """A document path as written: names, `#placeholders` and list positions."""

    elements: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ValueNode:
    """`:placeholder`."""

    name: str


@dataclass(frozen=True, slots=True)
class CallNode:
    """A function and its operands."""

    function: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class ArithmeticNode:
    """`left + right` or `left - right`; update expressions only."""

    operator: Literal["+", "-"]
    left: Operand
    right: Operand


Operand: TypeAlias = "PathNode | ValueNode | CallNode | ArithmeticNode"


@dataclass(frozen=True, slots=True)
class CompareNode:
    operator: Comparator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class BetweenNode:
    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class InNode:
    operand: Operand
    choices: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class AndNode:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class OrNode:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class NotNode:
    part: Condition


Condition: TypeAlias = "CompareNode | BetweenNode | InNode | AndNode | OrNode | NotNode | CallNode"


@dataclass(frozen=True, slots=True)
class SetAction:
    path: PathNode
    value: Operand


@dataclass(frozen=True, slots=True)
class RemoveAction:
    path: PathNode


@dataclass(frozen=True, slots=True)
class AddAction:
    path: PathNode
    value: ValueNode


@dataclass(frozen=True, slots=True)
class DeleteAction:
    path: PathNode
    value: ValueNode


Action: TypeAlias = SetAction | RemoveAction | AddAction | DeleteAction


@dataclass(frozen=True, slots=True)
class UpdateNode:
    """All actions in the order written, and the sections that were written twice."""

    actions: tuple[Action, ...]
    repeated: tuple[str, ...]
