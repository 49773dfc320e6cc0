"""What parsing gives: frozen statements in which `?` parameters are still open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]
Returning = Literal["ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]


@dataclass(frozen=True, slots=True)
class Path:
    """Attribute names and list positions; the first is a name."""

    elements: tuple[str | int, ...]

    @property
    def name(self) -> str | None:
        """The attribute, when the path is nothing but one."""
        return str(self.elements[0]) if len(self.elements) == 1 else None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A literal: one entry of the API's form of an attribute value."""

    code: Literal["S", "N", "BOOL", "NULL"]
    value: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """`?`: the position counts from 0."""

    position: int


@dataclass(frozen=True, slots=True)
class ListOf:
    members: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SetOf:
    """`<< >>`."""

    members: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    members: tuple[tuple[str, Value], ...]


Value: TypeAlias = "Scalar | Parameter | ListOf | SetOf | MapOf"


@dataclass(frozen=True, slots=True)
class Call:
    """A function; its name in lower case."""

    function: str
    arguments: tuple[Operand, ...]
    place: str = field(default="", compare=False)
    """Where its name stands, and its first argument: messages say it."""
    first: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: Literal["+", "-"]
    left: Operand
    right: Operand


Operand: TypeAlias = "Path | Value | Call | Arithmetic"


@dataclass(frozen=True, slots=True)
class Compare:
    operator: Comparator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class Within:
    """IN."""

    operand: Operand
    choices: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """IS MISSING."""

    operand: Path


@dataclass(frozen=True, slots=True)
class IsType:
    """IS NULL, IS STRING, ...: the codes of the attribute types that are meant."""

    operand: Path
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition: TypeAlias = "Compare | Between | Within | Missing | IsType | And | Or | Not | Call"


@dataclass(frozen=True, kw_only=True, slots=True)
class Select:
    table: str
    index: str | None
    paths: tuple[Path, ...] | None
    """None: `*`."""
    where: Condition | None
    order: tuple[tuple[str, bool], ...]
    """Attributes, and whether each descends."""
    function: str | None = None
    """Where a function stands among the paths, which is refused once the table is found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Insert:
    table: str
    value: Value


@dataclass(frozen=True, slots=True)
class SetAction:
    path: Path
    value: Operand


@dataclass(frozen=True, slots=True)
class RemoveAction:
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    table: str
    actions: tuple[SetAction | RemoveAction, ...]
    where: Condition | None
    returning: Returning | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delete:
    table: str
    where: Condition | None
    returning: Returning | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exists:
    """A condition on an item; transactions only."""

    select: Select


Statement: TypeAlias = Select | Insert | Update | Delete | Exists


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A statement and how many parameters it takes."""

    statement: Statement
    parameters: int
