from __future__ import annotations

from dataclasses import dataclass

import pytest

from casemate.servicekit.memo import Memo, Reads
from casemate.servicekit.store import Store


@dataclass(frozen=True, kw_only=True)
class Thing:
    name: str


class Greeter:
    """Computes from two records and counts how often it had to."""

    def __init__(self) -> None:
        self.store = Store(None)
        self.things = self.store.collection("t.things", Thing)
        self.memo: Memo[list[str]] = Memo()
        self.computed = 0

    def greet(self) -> list[str]:
        def compute(reads: Reads) -> list[str]:
            self.computed += 1
            found = (reads.get(self.things, key) for key in ("a", "b"))
            return [thing.name for thing in found if thing is not None]

        return self.memo.get("greeting", compute)

    def put(self, key: str, name: str) -> None:
        with self.store.transaction():
            self.things.put((key,), Thing(name=name))


def test_the_same_object_comes_back_until_a_record_is_replaced() -> None:
    greeter = Greeter()
    greeter.put("a", "anna")
    first = greeter.greet()
    assert greeter.greet() is first
    greeter.put("unrelated", "x")
    assert greeter.greet() is first
    greeter.put("a", "anna")
    assert greeter.greet() is not first
    assert greeter.computed == 2


def test_a_record_that_was_absent_is_noticed_when_it_comes_and_when_it_goes() -> None:
    greeter = Greeter()
    assert greeter.greet() == []
    greeter.put("b", "bob")
    assert greeter.greet() == ["bob"]
    with greeter.store.transaction():
        greeter.things.delete("b")
    assert greeter.greet() == []


def test_what_was_computed_in_a_transaction_that_failed_is_not_given_out() -> None:
    greeter = Greeter()
    greeter.put("a", "kept")
    with pytest.raises(ValueError, match="stop"), greeter.store.transaction():
        greeter.things.put(("a",), Thing(name="gone"))
        assert greeter.greet() == ["gone"]
        raise ValueError("stop")
    assert greeter.greet() == ["kept"]
