"""A SELECT planned: which partitions it reads, in which order, what it leaves out.

"To ensure that a SELECT statement does not result in a full table scan, the WHERE clause condition must specify a
partition key. Use the equality or IN operator" (Developer Guide, "PartiQL select statements for DynamoDB"), where
alternatives of one key by OR count as IN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.partiql.overlaps import check_overlaps
from casemate.services.dynamodb.partiql.statements import VALUES, Parameters, conjuncts, equality
from casemate.services.dynamodb.partiql.writing import Writing
from casemate.tables.expressions.keyconditions import KeyOperator, KeyTerm
from casemate.tables.keys import sort_component
from casemate.tables.partiql.nodes import Between, Call, Compare, Condition, Or, Path, Select, Value, Within
from casemate.tables.schema import KeySchema
from casemate.tables.values import Item, from_wire

MAX_PARTITIONS: Final = 50
"""Hash keys of one IN ("PartiQL arithmetic, comparison, and logical operators for DynamoDB")."""
_MIRRORED: Final[Mapping[str, KeyOperator]] = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ORDER_WITHOUT_KEY = (
    "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What a SELECT reads."""

    partitions: tuple[Mapping[str, Any], ...] | None
    """Partition keys in the API's form, in the order they are read; None: the whole table."""
    terms: Mapping[str, KeyTerm]
    """Conditions on the key, the partition's included."""
    values: Item
    """Of the terms that narrow the sort key."""
    filter: str | None
    """Of what is left, as an expression over `writing`'s placeholders."""
    writing: Writing
    forward: bool = True
    whole_key: bool = False
    """Whether it names one item."""

    @property
    def named(self) -> Iterable[str]:
        """Key attributes that it reads by."""
        return self.terms

    def partition_values(self, number: int) -> Item:
        """Values for `terms` when reading that partition."""
        assert self.partitions is not None
        named = {_place(name): from_wire(wire) for name, wire in self.partitions[number].items()}
        return {**self.values, **named}


def _place(attribute: str) -> str:
    """The key of a partition's value among the values: no placeholder looks like it."""
    return f"key {attribute}"


def select_plan(statement: Select, parameters: Parameters, schema: KeySchema) -> Selection:
    """Plan against the key of the table or of the index."""
    check_overlaps(statement.where, parameters, schema)
    rest = conjuncts(statement.where)
    candidates: dict[str, list[Any]] = {}
    for attribute in schema.partition:
        found = _alternatives(rest, attribute.name, parameters)
        if found is None:
            return _scan(statement, parameters)
        node, candidates[attribute.name] = found
        rest.remove(node)
    partitions = [dict(zip(candidates, values, strict=True)) for values in product(*candidates.values())]
    if len(partitions) > MAX_PARTITIONS:
        raise validation(f"IN takes at most {MAX_PARTITIONS} values of the partition key")
    terms = {name: KeyTerm(attribute=name, operator="=", operands=(_place(name),)) for name in candidates}
    values: dict[str, Any] = {}
    narrowed = _narrow(rest, schema, parameters, values)
    terms |= narrowed
    ordered, forward = _ordered(statement, schema, partitions)
    writing = Writing(parameters)
    return Selection(
        partitions=tuple(ordered),
        terms=terms,
        values=values,
        filter=writing.conditions(rest) if rest else None,
        writing=writing,
        forward=forward,
        whole_key=len(partitions) == 1
        and len(narrowed) == len(schema.sort)
        and all(term.operator == "=" for term in narrowed.values()),
    )


def _scan(statement: Select, parameters: Parameters) -> Selection:
    if statement.order:
        raise validation(
            _ORDER_WITHOUT_KEY
            if statement.where is not None
            else "Must have WHERE clause in the statement when using ORDER BY clause."
        )
    writing = Writing(parameters)
    text = None if statement.where is None else writing.condition(statement.where)
    return Selection(partitions=None, terms={}, values={}, filter=text, writing=writing)


def _alternatives(
    nodes: Sequence[Condition], name: str, parameters: Parameters
) -> tuple[Condition, list[Any]] | None:
    """The first condition that says which values an attribute may have, and the values, each once."""
    for node in nodes:
        values = _named(node, name)
        if values is not None:
            wires = [parameters.resolve(value) for value in values]
            distinct = {sort_component(from_wire(wire)): wire for wire in wires if _is_key(wire)}
            return (node, list(distinct.values())) if distinct else None
    return None


def _is_key(wire: Mapping[str, Any]) -> bool:
    return next(iter(wire)) in ("S", "N", "B")


def _named(node: Condition, name: str) -> list[Value] | None:
    found = equality(node)
    if found is not None:
        return [found[1]] if found[0] == name else None
    if isinstance(node, Within) and isinstance(node.operand, Path) and node.operand.name == name:
        choices = [choice for choice in node.choices if isinstance(choice, VALUES)]
        return choices if len(choices) == len(node.choices) else None
    if isinstance(node, Or):
        parts = [_named(part, name) for part in node.parts]
        return [value for part in parts if part is not None for value in part] if all(parts) else None
    return None


def _narrow(
    rest: list[Condition], schema: KeySchema, parameters: Parameters, values: dict[str, Any]
) -> dict[str, KeyTerm]:
    """Take from `rest` what a Query can use of the sort key: from the left, up to the first that is no equality."""
    terms: dict[str, KeyTerm] = {}
    for attribute in schema.sort:
        for node in rest:
            found = _range(node, attribute.name)
            if found is None:
                continue
            operator, operands = found
            wires = [parameters.resolve(operand) for operand in operands]
            if any(next(iter(wire)) != attribute.type for wire in wires):
                continue  # of another type than the key: nothing of the kind is in the table; the filter says so
            places = tuple(f"{_place(attribute.name)} {number}" for number in range(len(wires)))
            values |= {place: from_wire(wire) for place, wire in zip(places, wires, strict=True)}
            terms[attribute.name] = KeyTerm(attribute=attribute.name, operator=operator, operands=places)
            rest.remove(node)
            break
        if attribute.name not in terms or terms[attribute.name].operator != "=":
            break
    return terms


def _range(node: Condition, name: str) -> tuple[KeyOperator, list[Value]] | None:
    match node:
        case Compare(operator, Path() as path, value) if operator != "<>":
            found: tuple[KeyOperator, Sequence[Any]] = (operator, (value,))
        case Compare(operator, value, Path() as path) if operator != "<>":
            found = (_MIRRORED[operator], (value,))
        case Between(Path() as path, low, high):
            found = ("BETWEEN", (low, high))
        case Call("begins_with", (Path() as path, value)):
            found = ("begins_with", (value,))
        case _:
            return None
    operands = [operand for operand in found[1] if isinstance(operand, VALUES)]
    if path.name != name or len(operands) != len(found[1]):
        return None
    return found[0], operands


def _ordered(
    statement: Select, schema: KeySchema, partitions: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], bool]:
    """Partitions in the order asked for, and whether each is read forwards."""
    hashes = {attribute.name for attribute in schema.partition}
    forward = True
    for name, descends in statement.order:
        if name not in {attribute.name for attribute in schema.attributes}:
            raise validation(f"Variable reference {name} in ORDER BY clause must be part of the primary key")
        if name in hashes:
            partitions = sorted(
                partitions, key=lambda key: sort_component(from_wire(key[name])), reverse=descends
            )
        elif len(partitions) > 1 and hashes.isdisjoint(other for other, _ in statement.order):
            raise validation("ORDER BY the sort key of several partitions must name the partition key first")
        else:
            forward = not descends
    return partitions, forward
