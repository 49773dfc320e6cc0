"""Nodes to expressions: names and values become placeholders, so nothing of a statement is quoted twice."""

from __future__ import annotations

from typing import Any, Final

from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.partiql.statements import VALUES, Parameters
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.lexer import EXPRESSIONS, Limits
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.partiql.conditions import PREDICATES
from casemate.tables.partiql.errors import malformed
from casemate.tables.partiql.nodes import (
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    IsType,
    Missing,
    Not,
    Operand,
    Or,
    Path,
    Scalar,
    Value,
    Within,
)

_FUNCTIONS: Final = PREDICATES | {"size"}
"""Source: Developer Guide, "Use PartiQL functions with DynamoDB", and what `PREDICATES` says."""
MAX_CHOICES: Final = 100
"""Of IN, for attributes that are no hash key ("PartiQL arithmetic, comparison, and logical operators")."""


class Writing:
    """The expressions of one statement; collects their names and values."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    @property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute name written so far, nested ones included."""
        return tuple(self._names)

    def compiler(self, limits: Limits = EXPRESSIONS) -> Compiler:
        members = self.request_members()
        names, values = members.get("ExpressionAttributeNames"), members.get("ExpressionAttributeValues")
        return Compiler(read_placeholders(names, values), limits=limits)

    def request_members(self) -> dict[str, Any]:
        """ExpressionAttributeNames and ExpressionAttributeValues."""
        aliases = {alias: name for name, alias in self._names.items()}
        given = {"ExpressionAttributeNames": aliases, "ExpressionAttributeValues": self._values}
        return {member: value for member, value in given.items() if value}

    def path(self, path: Path) -> str:
        text = ""
        for element in path.elements:
            if isinstance(element, int):
                text += f"[{element}]"
            else:
                alias = self._names.setdefault(element, f"#{len(self._names)}")
                text += f".{alias}" if text else alias
        return text

    def value(self, value: Value) -> str:
        key = f":{len(self._values)}"
        self._values[key] = self._parameters.resolve(value)
        return key

    def operand(self, node: Operand) -> str:
        """What stands in a comparison, or at the right of SET."""
        if isinstance(node, Path):
            return self.path(node)
        if isinstance(node, Arithmetic):
            return f"{self.operand(node.left)} {node.operator} {self.operand(node.right)}"
        if isinstance(node, Call):
            return self.call(node)
        assert isinstance(node, VALUES)
        return self.value(node)

    def call(self, node: Call, allowed: frozenset[str] = _FUNCTIONS) -> str:
        if node.function not in allowed:
            raise validation(f"Unrecognized function: {node.function} at {node.place}")
        if not node.arguments:
            raise validation(
                "Incorrect number of operands for operator or function; operator or function: "
                f"{node.function}, number of operands: 0"
            )
        return f"{node.function}({', '.join(self.operand(argument) for argument in node.arguments)})"

    def conditions(self, nodes: list[Condition]) -> str:
        """All of them."""
        return " AND ".join(self.condition(node) for node in nodes)

    def all_of(self, nodes: list[Condition]) -> str:
        """The same as one operand: parentheses around parentheses are refused."""
        return self._grouped(nodes[0]) if len(nodes) == 1 else f"({self.conditions(nodes)})"

    def _grouped(self, node: Condition) -> str:
        text = self.condition(node)
        return text if isinstance(node, (And, Or)) or _is_group(node) else f"({text})"

    def condition(self, node: Condition) -> str:
        match node:
            case Compare(operator, Call(function) as call, Scalar("BOOL", wanted)) if function in PREDICATES:
                holds = wanted is (operator == "=")
                return self.call(call) if holds else f"NOT {self.call(call)}"
            case Compare():
                return f"{self.operand(node.left)} {node.operator} {self.operand(node.right)}"
            case Between():
                low, high = self.operand(node.low), self.operand(node.high)
                return f"{self.operand(node.operand)} BETWEEN {low} AND {high}"
            case Within():
                if not 1 <= len(node.choices) <= MAX_CHOICES:
                    raise malformed(f"IN takes between 1 and {MAX_CHOICES} values")
                choices = ", ".join(self.operand(choice) for choice in node.choices)
                return f"{self.operand(node.operand)} IN ({choices})"
            case Missing(operand):
                return f"attribute_not_exists({self.path(operand)})"
            case IsType(operand, codes):
                path = self.path(operand)
                tests = [f"attribute_type({path}, {self.value(Scalar('S', code))})" for code in codes]
                return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"
            case Not():
                return f"NOT {self._grouped(node.part)}"
            case And() | Or():
                glue = " AND " if isinstance(node, And) else " OR "
                return f"({glue.join(self.condition(part) for part in node.parts)})"
            case Call():
                return self.call(node)


def _is_group(node: Condition) -> bool:
    return isinstance(node, IsType) and len(node.codes) > 1
