"""Expressions at random that mean something over the tables' items, with at most an error or two."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.peers.values import value

PATHS = (
    "tx", "byt", "fl", "nil", "ls", "mp", "ss", "nums", "bs", "n", "e", "l", "g", "h", "p", "s", "k", "gone", "ls[0]", "ls[1]",
    "ls[2].deep", "ls[2].deep[0]", "ls[9]", "mp.o1", "mp.t2", "mp.t2.t3", "mp.gone", "gone.x", "gone[0]", "n.x", "n[0]",
    "#a", "#a.o1", "mp.#a", "#b[0]", "#c", "tx.x", "ls.x", "mp[0]",
)  # fmt: skip
WRITABLE = tuple(path for path in PATHS if path not in ("p", "s", "k"))
NAMES = ("mp", "ls", "tx", "n", "o1", "t2", "gone", "a.b", "x y")
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
SPOILERS = (
    "",
    "(",
    ")",
    ",",
    ".",
    "AND",
    "OR",
    "NOT",
    "[0]",
    "[",
    "=",
    "size",
    "name",
    "#",
    ":",
    "SET",
    "REMOVE",
    "&",
    "'x'",
    "1",
    "?",
    "BETWEEN",
    "IN",
    "+",
    "#a",
    ":v0",
    "and",
    "status",
    "_x",
    "a-b",
    "!=",
    "==",
    "é",
)


@dataclass(kw_only=True, slots=True)
class Written:
    """Expressions of one request, and the placeholders they use."""

    dice: Random
    spoiled: float = 0.04
    names: dict[str, Any] = field(default_factory=dict[str, Any])
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    def path(self, among: tuple[str, ...] = PATHS) -> str:
        found = self.dice.choice(among)
        for name in ("#a", "#b", "#c"):
            if name in found and self.dice.random() > self.spoiled / 2:
                self.names.setdefault(name, {"#a": "mp", "#b": "ls"}.get(name) or self.dice.choice(NAMES))
        return found

    def value(self) -> str:
        name = f":v{len(self.values)}"
        if self.dice.random() < self.spoiled / 2:
            return ":undefined"
        self.values[name] = value(self.dice, self.spoiled / 3)
        return name

    def operand(self, depth: int = 0) -> str:
        roll = self.dice.random()
        if roll < 0.45:
            return self.path()
        if roll < 0.9 or depth > 1:
            return self.value()
        if roll < 0.96:
            return f"size({self.path() if self.dice.random() < 0.85 else self.operand(depth + 1)})"
        return f"({self.operand(depth + 1)})"

    def function(self) -> str:
        dice = self.dice
        name = dice.choice(
            ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size")
        )
        if dice.random() < self.spoiled:
            name = dice.choice(("if_not_exists", "list_append", "nothing", "ATTRIBUTE_EXISTS", "Contains"))
        count = 1 if name in ("attribute_exists", "attribute_not_exists", "size") else 2
        if dice.random() < self.spoiled:
            count = dice.randrange(4)
        given = [
            self.path() if dice.random() < 0.93 else self.operand(),
            *(self.value() if dice.random() < 0.85 else self.operand() for _ in range(3)),
        ]
        return f"{name}({', '.join(given[:count])})"

    def condition(self, depth: int = 0) -> str:
        """Paths are compared with values alone: peers differ over two attributes of which neither is there."""
        dice, roll = self.dice, self.dice.random()
        if depth < 2 and roll < 0.12:
            return f"{self.condition(depth + 1)} {dice.choice(('AND', 'OR', 'and', 'Or'))} {self.condition(depth + 1)}"
        if depth < 2 and roll < 0.18:
            return f"NOT {self.condition(depth + 1)}"
        if depth < 2 and roll < 0.24:
            return f"({self.condition(depth + 1)})"
        if roll < 0.38:
            return f"{self.operand()} BETWEEN {self.value()} AND {self.value()}"
        if roll < 0.48:
            return (
                f"{self.operand()} IN ({', '.join(self.value() for _ in range(dice.choice((1, 2, 3, 3))))})"
            )
        if roll < 0.72:
            return self.function()
        return f"{self.operand()} {dice.choice(COMPARATORS)} {self.value()}"

    def _amount(self) -> str:
        dice, roll = self.dice, self.dice.random()
        if roll < 0.5:
            return self.value()
        if roll < 0.65:
            return self.path()
        if roll < 0.8:
            return f"if_not_exists({self.path()}, {self.value() if dice.random() < 0.8 else self._amount()})"
        if roll < 0.95:
            first, second = (self.path(("ls", "gone", "#b", "tx")), self.value())
            return (
                f"list_append({first}, {second})"
                if dice.random() < 0.5
                else f"list_append({second}, {first})"
            )
        return self.function()

    def assignment(self) -> str:
        dice = self.dice
        more = f" {dice.choice('+-')} {self._amount()}" if dice.random() < 0.3 else ""
        return f"{self.path(WRITABLE if dice.random() < 0.97 else PATHS)} = {self._amount()}{more}"

    def update(self) -> str:
        dice = self.dice
        sections = {
            "SET": lambda: ", ".join(self.assignment() for _ in range(dice.choice((1, 1, 1, 2, 3)))),
            "REMOVE": lambda: ", ".join(self.path(WRITABLE) for _ in range(dice.choice((1, 1, 2)))),
            "ADD": lambda: f"{self.path(WRITABLE)} {self.value()}",
            "DELETE": lambda: f"{self.path(WRITABLE)} {self.value()}",
        }
        chosen = [dice.choice(list(sections))]
        if dice.random() < 0.2:
            chosen.append(dice.choice(list(sections)))
        return self.spoil(" ".join(f"{name} {sections[name]()}" for name in chosen))

    def projection(self) -> str:
        return self.spoil(", ".join(self.path() for _ in range(self.dice.choice((1, 2, 2, 3)))))

    def filter(self) -> str:
        return self.spoil(self.condition())

    def spoil(self, text: str) -> str:
        """Sometimes a word is put in, taken out or doubled."""
        dice = self.dice
        if dice.random() > self.spoiled:
            return text
        words = text.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
        place = dice.randrange(len(words) + 1)
        match dice.randrange(5):
            case 0:
                words.insert(place, dice.choice(SPOILERS))
            case 1 if place < len(words):
                words[place] = dice.choice(SPOILERS)
            case 2 if place < len(words):
                del words[place]
            case 3:
                return dice.choice(("", " ", "a" * 5000, text + " " + text))
            case _:
                words[place:place] = words[:1]
        return " ".join(words)

    def placed(self, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters with the placeholders; sometimes one is unused, or of no good form."""
        dice = self.dice
        if dice.random() < self.spoiled / 2:
            self.names[dice.choice(("#unused", "a", "#", "#x-y", "#n"))] = dice.choice(
                ("x", "", "n" * 256, None, 1)
            )
        if dice.random() < self.spoiled / 2:
            self.values[dice.choice((":unused", "v", ":", ":x-y"))] = value(dice, 0.3)
        empty = dice.random() < self.spoiled / 3
        if self.names or empty:
            params["ExpressionAttributeNames"] = self.names
        if self.values or empty:
            params["ExpressionAttributeValues"] = self.values
        return params
