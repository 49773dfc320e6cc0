"""The case tables of the engine. A case's name is its failure message; its source says who says so."""

from __future__ import annotations

import json
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from casemate.model.errors import AwsError
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.paths import project
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.numbers import encode_number, number_text, parse_number
from casemate.tables.values import from_wire, item_from_wire, item_to_wire, to_wire, value_size

HERE = Path(__file__).parent


def load(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text())


def cases(name: str, key: str = "cases") -> list[Any]:
    return [pytest.param(case, id=case["name"][:70]) for case in load(name)[key]]


def binary(wire: Any) -> Any:
    """JSON holds binaries in base64, as the wire does."""
    if isinstance(wire, list):
        return [binary(member) for member in wire]
    if not isinstance(wire, dict):
        return wire
    if wire.keys() == {"B"}:
        return {"B": b64decode(wire["B"])}
    if wire.keys() == {"BS"}:
        return {"BS": [b64decode(member) for member in wire["BS"]]}
    return {name: binary(member) for name, member in wire.items()}


def canonical(wire: dict[str, Any]) -> dict[str, Any]:
    return item_to_wire(item_from_wire(binary(wire)))


def outcome(case: dict[str, Any], given: Any) -> None:
    """What was got, against the case's expectation."""
    expected = case["expected"]
    if isinstance(expected, dict) and "prefix" in expected:
        assert isinstance(given, str)
        assert given.startswith(expected["prefix"]), given
    elif isinstance(expected, dict) and "error" in expected:
        assert given == expected["error"]
    elif isinstance(expected, dict) and "item" in expected:
        assert given == canonical(expected["item"])
    else:
        assert given == expected


def attempt(case: dict[str, Any], work: Any) -> None:
    assert case["source"]
    try:
        given = work(Compiler(read_placeholders(case.get("names"), binary(case.get("values")))))
    except AwsError as error:
        given = error.message if error.code == "ValidationException" else error
    outcome(case, given)


@pytest.mark.parametrize("case", cases("conditions"))
def test_conditions(case: dict[str, Any]) -> None:
    def work(compiler: Compiler) -> bool:
        condition = compiler.condition(case["expression"], case.get("label", "ConditionExpression"))
        compiler.check_all_used()
        return condition.holds(
            item_from_wire(binary(load("conditions")["item"])), compiler.placeholders.values
        )

    attempt(case, work)


@pytest.mark.parametrize("case", cases("updates"))
def test_updates(case: dict[str, Any]) -> None:
    def work(compiler: Compiler) -> Any:
        update = compiler.update(case["expression"])
        compiler.check_all_used()
        return item_to_wire(
            update.apply(item_from_wire(binary(case.get("item", {}))), compiler.placeholders.values)
        )

    attempt(case, work)


@pytest.mark.parametrize("case", cases("key_conditions"))
def test_key_conditions(case: dict[str, Any]) -> None:
    def work(compiler: Compiler) -> Any:
        terms = compiler.key_condition(case["expression"]).terms
        return {"terms": [[term.attribute, term.operator, list(term.operands)] for term in terms]}

    attempt(case, work)


@pytest.mark.parametrize("case", cases("projections"))
def test_projections(case: dict[str, Any]) -> None:
    def work(compiler: Compiler) -> Any:
        projection = compiler.projection(case["expression"])
        compiler.check_all_used()
        return item_to_wire(project(item_from_wire(binary(load("projections")["item"])), projection.tree))

    attempt(case, work)


@pytest.mark.parametrize("case", cases("numbers"))
def test_numbers(case: dict[str, Any]) -> None:
    expected = case["expected"]
    if "error" in expected:
        with pytest.raises(AwsError) as caught:
            parse_number(case["given"])
        assert caught.value.message == expected["error"]
    else:
        assert number_text(parse_number(case["given"])) == expected["text"]


def test_numbers_ascend() -> None:
    encoded = [encode_number(parse_number(text)) for text in load("numbers")["ascending"]["numbers"]]
    assert all(low < high for low, high in pairwise(encoded))


@pytest.mark.parametrize("case", cases("numbers", "sizes"))
def test_sizes(case: dict[str, Any]) -> None:
    assert value_size(from_wire(binary(case["value"]))) == case["size"]


@pytest.mark.parametrize("case", cases("values"))
def test_values(case: dict[str, Any]) -> None:
    given = binary(case["given"])
    if case["error"] is None:
        assert to_wire(from_wire(given)) == given
        return
    with pytest.raises(AwsError) as caught:
        from_wire(given)
    assert caught.value.message == case["error"]
