"""Resolving an expression's placeholders, and gathering what is wrong with it on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from casemate.tables.expressions.errors import Problems, Rank
from casemate.tables.expressions.nodes import CallNode, Operand, PathNode, ValueNode
from casemate.tables.expressions.paths import Path
from casemate.tables.expressions.reserved import RESERVED_WORDS
from casemate.tables.values import Item

ValueCheck = Callable[[Item], None]
"""Looks at the values of a request; the types were looked at when the expression was compiled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """What every compiled expression has."""

    used_names: frozenset[str]
    used_values: frozenset[str]
    attributes: tuple[str, ...]
    """Top-level attributes it names, in order: `dynamodb:Attributes`."""
    value_checks: tuple[ValueCheck, ...] = ()


@dataclass(kw_only=True, slots=True)
class Binding:
    """One compilation."""

    label: str
    names: Mapping[str, str]
    types: Mapping[str, str]
    """Type codes of the values."""
    problems: Problems
    used_names: set[str] = field(default_factory=set[str])
    used_values: set[str] = field(default_factory=set[str])
    attributes: dict[str, None] = field(default_factory=dict[str, None])
    value_checks: list[ValueCheck] = field(default_factory=list[ValueCheck])

    def path(self, node: PathNode) -> Path:
        """The path with its names resolved."""
        resolved = tuple(
            element if isinstance(element, int) else self._name(element) for element in node.elements
        )
        self.attributes[str(resolved[0])] = None
        return resolved

    def _name(self, element: str) -> str:
        if element.startswith("#"):
            self.used_names.add(element)
            name = self.names.get(element)
            if name is None:
                self.problems.add(
                    Rank.UNDEFINED,
                    f"An expression attribute name used in the document path is not defined; attribute name: {element}",
                )
                return element
            return name
        if element.upper() in RESERVED_WORDS:
            self.problems.add(
                Rank.RESERVED, f"Attribute name is a reserved keyword; reserved keyword: {element}"
            )
        return element

    def value(self, node: ValueNode) -> str:
        """The key of the value, which is defined from here on."""
        self.used_values.add(node.name)
        if node.name not in self.types:
            self.problems.add(
                Rank.UNDEFINED,
                f"An expression attribute value used in expression is not defined; attribute value: {node.name}",
            )
        return node.name

    def static_type(self, node: Operand) -> str | None:
        """The type of an operand where it does not depend on the item."""
        if isinstance(node, ValueNode):
            return self.types.get(node.name)
        return "N" if isinstance(node, CallNode) and node.function == "size" else None

    def check_values(self, check: ValueCheck) -> None:
        self.value_checks.append(check)

    def wrong_type(self, operator: str, code: str) -> None:
        self.problems.add(
            Rank.OPERAND_TYPE,
            "Incorrect operand type for operator or function; "
            f"operator or function: {operator}, operand type: {code}",
        )

    def wrong_count(self, function: str, count: int) -> None:
        self.problems.add(
            Rank.OPERAND_COUNT,
            "Incorrect number of operands for operator or function; "
            f"operator or function: {function}, number of operands: {count}",
        )

    def misplaced(self, function: str) -> None:
        self.problems.add(
            Rank.PLACE,
            f"The function is not allowed to be used this way in an expression; function: {function}",
        )

    def needs_path(self, function: str) -> None:
        self.problems.add(
            Rank.DOCUMENT_PATH,
            f"Operator or function requires a document path; operator or function: {function}",
        )
