"""A statement with its parameters filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casemate.model.errors import AwsError
from casemate.services.dynamodb.errors import validation
from casemate.tables.numbers import parse_number
from casemate.tables.partiql.errors import malformed
from casemate.tables.partiql.nodes import (
    And,
    Compare,
    Condition,
    ListOf,
    MapOf,
    Parameter,
    Path,
    Scalar,
    SetOf,
    Statement,
    Value,
)
from casemate.tables.partiql.parser import parse
from casemate.tables.values import from_wire

Wire = dict[str, Any]
VALUES = (Scalar, Parameter, ListOf, SetOf, MapOf)
_SET_CODES = {"S": "SS", "N": "NS", "B": "BS"}
_EMPTY_SET = "Empty bags are not supported"


def read_statement(text: str, parameters: Sequence[Wire] | None) -> tuple[Statement, Parameters]:
    """Parse, and check that there are as many parameters as question marks."""
    parsed = parse(text)
    given = parameters or ()
    if len(given) != parsed.parameters:
        raise validation(
            f"Number of parameters in request and statement don't match: the statement takes {parsed.parameters}, "
            f"the request has {len(given)}"
        )
    check_values(given)
    return parsed.statement, Parameters(given)


def check_values(parameters: Sequence[Wire] | None) -> None:
    """The first parameter that is no value is complained of (observed: partiqlParameterNumbers, October 2026)."""
    for wire in parameters or ():
        from_wire(wire)


class Parameters:
    """The values of the question marks."""

    def __init__(self, given: Sequence[Wire]) -> None:
        self._given = given

    def resolve(self, value: Value) -> Wire:
        """A value in the API's form, checked."""
        wire = self._wire(value, "root")
        from_wire(wire)
        return wire

    def _wire(self, value: Value, path: str) -> Wire:
        match value:
            case Parameter(position):
                return self._given[position]
            case Scalar(code, raw):
                if code == "N":
                    _check_number(raw, path)
                return {code: raw}
            case ListOf(members):
                return {"L": [self._wire(one, f"{path}[{place}]") for place, one in enumerate(members)]}
            case MapOf(members):
                return {"M": {name: self._wire(member, f"{path}.{name}") for name, member in members}}
            case SetOf(members):
                return self._set([self._wire(one, f"{path}[{place}]") for place, one in enumerate(members)])

    @staticmethod
    def _set(members: Sequence[Mapping[str, Any]]) -> Wire:
        if not members:
            raise validation(_EMPTY_SET)
        codes = {code for member in members for code in member}
        if len(codes) != 1 or not codes <= _SET_CODES.keys():
            raise malformed("A set holds strings, numbers or binaries, all of one type")
        (code,) = codes
        return {_SET_CODES[code]: [member[code] for member in members]}


def _check_number(text: str, path: str) -> None:
    """A literal that is no number of DynamoDB's is named by its place in the value (observed: partiqlGrammar)."""
    try:
        parse_number(text)
    except AwsError as error:
        raise validation(f"{error.message} under {path}") from None


def conjuncts(where: Condition | None) -> list[Condition]:
    """The conditions that must all hold."""
    if where is None:
        return []
    if isinstance(where, And):
        return [leaf for part in where.parts for leaf in conjuncts(part)]
    return [where]


def equality(node: Condition) -> tuple[str, Value] | None:
    """Attribute and value, when the condition is `attribute = value`, either way round."""
    if not isinstance(node, Compare) or node.operator != "=":
        return None
    for path, value in ((node.left, node.right), (node.right, node.left)):
        if isinstance(path, Path) and path.name is not None and isinstance(value, VALUES):
            return path.name, value
    return None
