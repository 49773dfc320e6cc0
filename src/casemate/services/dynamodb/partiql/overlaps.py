"""Alternatives of a SELECT that would read the same items twice.

Observed: paritysuite/dynamodb-conformance, partiqlGrammar and partiql/whereOverlap, October 2026. An alternative that says
what the sort key is not, or what it is beside a negation, is never held to overlap another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from msgspec import Struct

from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.partiql.statements import VALUES, Parameters, conjuncts, equality
from casemate.tables.keys import after, escape, sort_component, successor
from casemate.tables.partiql.nodes import Between, Call, Compare, Condition, Not, Or, Path, Value, Within
from casemate.tables.schema import KeyAttribute, KeySchema
from casemate.tables.values import Value as AttributeValue
from casemate.tables.values import from_wire, type_code

_FIRST, _LAST = b"k", b"l"
"""Around all sort keys, each of which has `k` before it."""
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class _Alternative(Struct, frozen=True, kw_only=True):
    """What one branch of an OR reads: of one partition, the sort keys from `start` up to `end`."""

    partition: bytes
    start: bytes = _FIRST
    end: bytes = _LAST

    @property
    def is_whole(self) -> bool:
        return (self.start, self.end) == (_FIRST, _LAST)

    def overlaps(self, other: _Alternative) -> bool:
        """Two that leave the sort key open are the same partition, asked for twice: that is no overlap."""
        if self.partition != other.partition or (self.is_whole and other.is_whole):
            return False
        return self.start < other.end and other.start < self.end


def check_overlaps(where: Condition | None, parameters: Parameters, schema: KeySchema) -> None:
    """ValidationException when two alternatives of the same partition have sort keys in common."""
    if not isinstance(where, Or) or len(schema.partition) != 1 or not schema.sort:
        return
    found = [_alternative(conjuncts(part), parameters, schema) for part in where.parts]
    for one, other in combinations([alternative for alternative in found if alternative is not None], 2):
        if one.overlaps(other):
            raise validation("Overlapping conditions with range keys are not supported in where clause")


def _alternative(
    nodes: Sequence[Condition], parameters: Parameters, schema: KeySchema
) -> _Alternative | None:
    """None: it reads by no partition key that there can be, or says what the sort key is not."""
    partition = schema.partition[0].name
    values = [found[1] for node in nodes if (found := equality(node)) is not None and found[0] == partition]
    sort = schema.sort[0]
    if not values or any(_is_negated(node, sort.name) for node in nodes):
        return None
    value = from_wire(parameters.resolve(values[0]))
    if type_code(value) != schema.partition[0].type:
        return None
    key = sort_component(value)
    for node in nodes:
        for operator, operands in _conditions(node, sort.name):
            bounds = _bounds(sort, operator, [from_wire(parameters.resolve(one)) for one in operands])
            if bounds is not None:
                return _Alternative(partition=key, start=bounds[0], end=bounds[1])
    return _Alternative(partition=key)


def _is_negated(node: Condition, name: str) -> bool:
    if isinstance(node, Compare) and node.operator == "<>":
        return name in (_name(node.left), _name(node.right))
    return isinstance(node, Not) and any(_mentions(part, name) for part in conjuncts(node.part))


def _mentions(node: Condition, name: str) -> bool:
    match node:
        case Compare(_, left, right):
            return name in (_name(left), _name(right))
        case Between(operand) | Within(operand):
            return _name(operand) == name
        case Call(_, arguments):
            return name in map(_name, arguments)
        case _:
            return False


def _name(operand: object) -> str | None:
    return operand.name if isinstance(operand, Path) else None


def _conditions(node: Condition, name: str) -> Iterator[tuple[str, list[Value]]]:
    """What a condition asks of the sort key, as a Query could."""
    match node:
        case Compare(operator, left, right) if operator in _MIRRORED:
            if _name(left) == name and isinstance(right, VALUES):
                yield operator, [right]
            elif _name(right) == name and isinstance(left, VALUES):
                yield _MIRRORED[operator], [left]
        case Between(operand, low, high) if _name(operand) == name:
            if isinstance(low, VALUES) and isinstance(high, VALUES):
                yield "BETWEEN", [low, high]
        case Call("begins_with", (Path() as path, prefix)) if path.name == name:
            if isinstance(prefix, VALUES):
                yield "begins_with", [prefix]
        case _:
            pass


def _bounds(
    sort: KeyAttribute, operator: str, operands: Sequence[AttributeValue]
) -> tuple[bytes, bytes] | None:
    values = [value for value in operands if type_code(value) == sort.type]
    if len(values) != len(operands):
        return None
    first = _FIRST + sort_component(values[0])
    match operator:
        case "=":
            return first, after(first)
        case "<":
            return _FIRST, first
        case "<=":
            return _FIRST, after(first)
        case ">":
            return after(first), _LAST
        case ">=":
            return first, _LAST
        case "BETWEEN":
            return first, after(_FIRST + sort_component(values[1]))
        case _:
            start = _FIRST + escape(values[0])
            return start, successor(start)
