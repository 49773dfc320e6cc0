"""The decoder's types and the readers are two implementations of one thing: they agree wherever both apply."""

from __future__ import annotations

import functools
import json
from random import Random
from typing import Any

import msgspec
import pytest
from tests.properties.wire.shape_values import Values

from casemate.wire.json_input import JsonReaders, decode_json
from casemate.wire.json_types import JsonTypes
from casemate.wire.mismatch import Incomplete, Mismatch
from casemate.wire.models import ServiceModels
from casemate.wire.output import json_bodies

MODELS = ServiceModels()
SERVICES = (
    "dynamodb",
    "dynamodbstreams",
    "logs",
    "cloudtrail",
    "kms",
    "organizations",
    "secretsmanager",
    "ssm",
    "events",
)
ODDITIES: tuple[Any, ...] = (
    None,
    1,
    2.0,
    2.5,
    2**31,
    2**64,
    True,
    "",
    "text",
    "QUJD",
    "QUJ",
    [],
    {},
    [None],
    {"S": None},
)


def outcome(read: Any, body: bytes) -> Any:
    try:
        return read(body)
    except (Mismatch, Incomplete, msgspec.DecodeError):
        return "refused"


def by_reader(plan: Any, body: bytes) -> Any:
    return plan(decode_json(body))


def damaged(document: Any, random: Random) -> Any:
    """The document with one value somewhere in it exchanged."""
    if isinstance(document, dict) and document and random.random() < 0.8:
        key = random.choice(sorted(document))
        return {**document, key: damaged(document[key], random)}
    if isinstance(document, list) and document and random.random() < 0.8:
        position = random.randrange(len(document))
        return [*document[:position], damaged(document[position], random), *document[position + 1 :]]
    return random.choice(ODDITIES)


@pytest.mark.parametrize("service", SERVICES)
def test_types_accept_only_what_readers_read_and_to_the_same_value(service: str) -> None:
    model = MODELS.get(service)
    readers, types = JsonReaders(), JsonTypes()
    typed = 0
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        decoder = None if shape is None else types.decoder_of(shape)
        if decoder is None or shape is None:
            continue
        typed += 1
        for seed in range(12):
            random = Random(f"{name}.{seed}")
            body = json_bodies(model).encode(shape, Values(random, finite=True).of(shape))
            if seed % 4:
                body = json.dumps(damaged(json.loads(body), random)).encode()
            by_types = outcome(decoder.decode, body)
            by_readers = outcome(functools.partial(by_reader, readers.plan(shape)), body)
            # A type may refuse what readers forgive; it may never read what they refuse, or read it otherwise.
            assert by_types in ("refused", by_readers), body
            if not seed % 4:
                assert by_types == by_readers != "refused", body
    assert typed > 0
