"""A small share of the long run, always the same: no hostile input makes a 500, or takes long.

The whole of it: tests/differential/run_fuzz.py.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from tests.support.fuzz.grammar import WRITERS
from tests.support.fuzz.seeds import seeds
from tests.support.fuzz.service import FuzzedService, fuzz

from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.streams.operations import operations as stream_operations
from casemate.tables.expressions import compiled


def test_hostile_input_gets_aws_errors() -> None:
    findings, codes, slowest = fuzz("continuous integration", 1200)
    assert not findings, "\n".join(f"{one.what}: {one.given.body[:300]!r}\n{one.trace}" for one in findings)
    assert codes["success"] > 100
    assert codes["ValidationException"] > 400
    assert codes["SerializationException"] > 100
    assert slowest < 2


def test_every_operation_has_a_seed_that_works() -> None:
    operations.load()
    stream_operations.load()
    assert {name for _, name, _ in seeds()} == {*operations.by_name, *stream_operations.by_name}

    async def answers() -> list[tuple[str, int, bytes]]:
        found: list[tuple[str, int, bytes]] = []
        for service, operation, body in sorted(set(seeds())):
            fuzzed = FuzzedService()
            await fuzzed.start()
            for name, value in fuzzed.filled.items():
                body = body.replace(name.encode(), value.encode())
            answer = await fuzzed.answer(operation, body, service)
            found.append((operation, answer.status, answer.body))
        return found

    refused = {operation: body for operation, status, body in asyncio.run(answers()) if status != 200}
    assert refused.keys() == {
        "GetResourcePolicy",
        "DisableKinesisStreamingDestination",
        "UpdateKinesisStreamingDestination",
        "CreateGlobalTable",
        "UpdateGlobalTable",
        "UpdateGlobalTableSettings",
        "DescribeGlobalTable",
        "DescribeGlobalTableSettings",
    }, "what there is none of"


def test_a_defect_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of an engine that trips over a path of two steps."""
    parse = compiled.parse_projection

    def tripping(text: str, limits: Any) -> Any:
        nodes = parse(text, limits)
        assert all(len(node.elements) < 2 for node in nodes)
        return nodes

    monkeypatch.setattr(compiled, "_projection", vars(compiled)["_projection"].__wrapped__)
    monkeypatch.setattr(compiled, "parse_projection", tripping)
    findings, _, _ = fuzz("a defect", 500)
    assert any("AssertionError" in finding.what for finding in findings)


@pytest.mark.parametrize("member", WRITERS)
def test_the_grammar_is_various(member: str) -> None:
    dice = Random(1)
    assert len({WRITERS[member](dice) for _ in range(200)}) > 100
