"""Values of a model's shapes, drawn from a source of randomness: a seeded one, or Hypothesis's, which shrinks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from botocore.model import Shape

TEXTS = (
    "a",
    "orders-2026",
    "with space",
    "",
    "a+b&c=d%20e;f",
    "quote \" and ' and <tag>&amp;",
    "naïve – 東京 🚀",
    ":null",
    '{"k":null}',
    "tab\tand\nline",
    "[1,2]",
    "/path//to/../x",
    " leading and trailing ",
)
HEADER_TEXTS = ("a", "orders-2026", "with space", "a+b&c=d%20e", "{json}", "2026-11-21")
LABEL_TEXTS = (
    "a",
    "orders-2026",
    "with space",
    "a+b&c=d%20e",
    "arn:aws:lambda:us-east-2:000000000000:function:f",
    "東京",
)
GREEDY_TEXTS = (*LABEL_TEXTS, "path/to/key", "dir/")
QUERY_TEXTS = tuple(text for text in TEXTS if text)
NUMBERS = (0, 1, -1, 7, 255, 65536, 2**31 - 1, -(2**31))
LONGS = (*NUMBERS, 2**40, -(2**53), 2**63 - 1)
FLOATS = (0.0, 1.0, -2.5, 0.125, 1024.0, float("inf"), float("-inf"))
DOUBLES = (*FLOATS, 0.1, 1e300, -1.7976931348623157e308, 5e-324)
BLOBS = (b"\x00", b"abc", b"\xff\xfe binary \x80", b'{"json": true}', b"")
DOCUMENTS = ({"a": [1, None, "x"]}, {"nested": {"b": True}}, {"text": ":null"})
_EPOCH = datetime(2026, 11, 21, 9, 26, 7, tzinfo=UTC)


class Values:
    """Draws values of shapes.

    `filled` makes no empty containers, for protocols in which an empty one is an absent one; `finite` no infinities,
    which botocore's JSON parser hands to its user as the strings that the protocol has for them.
    """

    def __init__(
        self, random: Random, *, richness: float = 0.6, filled: bool = False, finite: bool = False
    ) -> None:
        self.random = random
        self.finite = finite
        self.richness = richness
        self.filled = filled

    def of(self, shape: Shape, depth: int = 0) -> Any:
        return getattr(self, f"_{shape.type_name}")(shape, depth)

    def _structure(self, shape: Any, depth: int) -> Any:
        if shape.is_document_type:
            return self.random.choice(DOCUMENTS)
        members = list(shape.members.items())
        if shape.is_tagged_union or shape.name == "AttributeValue":
            flat = [
                item for item in members if depth < 4 or item[1].type_name not in {"structure", "list", "map"}
            ]
            name, member = self.random.choice(flat or members)
            return {name: self.of(member, depth + 1)}
        required = set(shape.required_members)
        chosen: dict[str, Any] = {}
        for name, member in members:
            if member.serialization.get("eventstream"):
                continue
            wanted = depth < 5 and self.random.random() < self.richness / (1 + depth / 2)
            if name in required or wanted:
                chosen[name] = self._member(member, name, depth)
        payload = shape.serialization.get("payload")
        if payload in required and chosen[payload] == b"":
            # No body is an absent payload: a required one is not empty.
            chosen[payload] = BLOBS[0]
        if self.filled and depth and members and not chosen:
            scalars = [item for item in members if item[1].type_name not in {"structure", "list", "map"}]
            name, member = (scalars or members)[0]
            chosen[name] = self._member(member, name, depth)
        return chosen

    def _size(self, depth: int) -> int:
        return self.random.randrange(int(self.filled), 3 if depth < 5 else 1 + int(self.filled))

    def _member(self, shape: Shape, name: str, depth: int) -> Any:
        location = shape.serialization.get("location")
        if shape.serialization.get("hostLabel"):
            return "000000000000"
        if shape.serialization.get("jsonvalue") and location == "header":
            return self.random.choice(DOCUMENTS)
        if location in {"header", "headers"}:
            return self._in_header(shape, depth)
        if location == "uri" and shape.type_name == "string":
            return self.random.choice(LABEL_TEXTS if name != "Key" else GREEDY_TEXTS)
        if location == "querystring" and shape.type_name == "list":
            return [self.of(shape.member, depth + 1) for _ in range(self.random.randrange(1, 3))]
        if location == "querystring" and shape.type_name == "string":
            return self.random.choice(QUERY_TEXTS)
        if location == "statusCode":
            return self.random.choice((200, 202, 204))
        return self.of(shape, depth + 1)

    def _in_header(self, shape: Any, depth: int) -> Any:
        if shape.type_name == "string":
            return self.random.choice(HEADER_TEXTS)
        if shape.type_name == "timestamp":
            return self._moment().replace(microsecond=0)
        if shape.type_name == "list":
            return [self._in_header(shape.member, depth) for _ in range(self.random.randrange(1, 3))]
        if shape.type_name == "map":
            keys = self.random.sample(("a", "key-two", "x1"), self.random.randrange(1, 3))
            return {key: self.random.choice(HEADER_TEXTS) for key in keys}
        return self.of(shape, depth + 1)

    def _list(self, shape: Any, depth: int) -> Any:
        return [self.of(shape.member, depth + 1) for _ in range(self._size(depth))]

    def _map(self, shape: Any, depth: int) -> Any:
        size = self._size(depth)
        keys = self.random.sample(("k1", "key two", "clé", "a.b", "K&=1"), size)
        if shape.serialization.get("location") == "querystring":
            keys = [f"q-{key}" for key in keys]
        return {key: self.of(shape.value, depth + 1) for key in keys}

    def _string(self, shape: Shape, depth: int) -> str:
        if shape.metadata.get("enum"):
            return self.random.choice(shape.metadata["enum"])
        return self.random.choice(TEXTS)

    _character = _string

    def _integer(self, shape: Shape, depth: int) -> int:
        return self.random.choice(NUMBERS)

    def _long(self, shape: Shape, depth: int) -> int:
        return self.random.choice(LONGS)

    def _float(self, shape: Shape, depth: int) -> float:
        return self._finite(self.random.choice(FLOATS))

    def _double(self, shape: Shape, depth: int) -> float:
        return self._finite(self.random.choice(DOUBLES))

    def _finite(self, value: float) -> float:
        return 0.5 if self.finite and value in (float("inf"), float("-inf")) else value

    def _boolean(self, shape: Shape, depth: int) -> bool:
        return self.random.random() < 0.5

    def _blob(self, shape: Shape, depth: int) -> bytes:
        return self.random.choice(BLOBS)

    def _timestamp(self, shape: Shape, depth: int) -> datetime:
        moment = self._moment()
        whole = shape.serialization.get("timestampFormat") == "rfc822"
        return moment.replace(microsecond=0) if whole else moment

    def _moment(self) -> datetime:
        return _EPOCH + timedelta(
            days=self.random.randrange(-9000, 9000), milliseconds=self.random.choice((0, 0, 1, 250, 999))
        )


def pruned(value: Any) -> Any:
    """`value` without empty containers, which the XML and form protocols lose."""
    if isinstance(value, dict):
        kept = {key: pruned(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    if isinstance(value, list):
        kept_items = [pruned(item) for item in value]
        return [item for item in kept_items if item not in ({}, [])]
    return value
