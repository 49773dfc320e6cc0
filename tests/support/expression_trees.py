"""Random items and random trees of expressions, and the text of a tree with its placeholders."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Tree = tuple[Any, ...]
NAMES = ("a", "b", "c", "name", "d-e", "é")
"""Some must be written as placeholders: a reserved word, and two that are no identifiers."""
_NUMBERS = (
    "0",
    "1",
    "-1",
    "2",
    "1.5",
    "1e2",
    "100",
    "0.1",
    "-0.00",
    "9" * 38,
    "1e-130",
    "9.9e125",
    "1E+5",
    "3.0",
)
_TEXTS = ("", "x", "xy", "é", "S", "N", "𝒳", "\uffff", "\x00")
names = st.sampled_from(NAMES)
numbers = st.sampled_from(_NUMBERS) | st.integers(-50, 50).map(str)
texts = st.sampled_from(_TEXTS) | st.text(st.characters(exclude_categories=("Cs",)), max_size=3)
binaries = st.sampled_from((b"", b"x", b"xy", b"\x00", b"\xff")) | st.binary(max_size=3)


def _distinct_numbers(given: list[str]) -> list[str]:
    return list({float(text): text for text in given}.values())


scalars: st.SearchStrategy[dict[str, Any]] = st.one_of(
    numbers.map(lambda text: {"N": text}),
    texts.map(lambda text: {"S": text}),
    binaries.map(lambda raw: {"B": raw}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
)
sets: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.lists(texts, min_size=1, max_size=3, unique=True).map(lambda found: {"SS": found}),
    st.lists(numbers, min_size=1, max_size=3).map(lambda found: {"NS": _distinct_numbers(found)}),
    st.lists(binaries, min_size=1, max_size=3, unique=True).map(lambda found: {"BS": found}),
)
values: st.SearchStrategy[dict[str, Any]] = st.recursive(
    scalars | sets,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda found: {"L": found})
        | st.dictionaries(names, inner, max_size=3).map(lambda found: {"M": found})
    ),
    max_leaves=5,
)
items = st.dictionaries(names, values, max_size=5)
paths: st.SearchStrategy[tuple[Any, ...]] = st.builds(
    lambda first, rest: (first, *rest),
    names,
    st.just(()) | st.lists(names | st.integers(0, 3), max_size=2).map(tuple),
)
path_trees = paths.map(lambda path: ("path", path))
value_trees = values.map(lambda wire: ("value", wire))
scalar_trees = scalars.map(lambda wire: ("value", wire))
_seldom = st.integers(0, 60).map(lambda roll: roll == 0)


def _call(*functions: str, arguments: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[Tree]:
    return st.builds(
        lambda name, given: ("call", name, tuple(given)),
        st.sampled_from(functions),
        st.lists(arguments, min_size=1, max_size=most),
    )


_plain = path_trees | scalar_trees | value_trees
_sizes = path_trees.map(lambda path: ("call", "size", (path,)))
_odd = _call("size", "contains", "nothing", "if_not_exists", arguments=_plain, most=2) | st.just(
    ("undefined",)
)
operands = st.one_of(
    path_trees, scalar_trees, _sizes, _plain, _seldom.flatmap(lambda odd: _odd if odd else _plain)
)
_comparators = st.sampled_from(("=", "<>", "<", "<=", ">", ">="))
_predicates = st.one_of(
    st.builds(lambda name, path: ("call", name, (path,)), st.sampled_from(("attribute_exists", "attribute_not_exists")), path_trees),
    st.builds(
        lambda path, code: ("call", "attribute_type", (path, ("value", {"S": code}))),
        operands,
        st.sampled_from(("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS", "X")),
    ),
    st.builds(lambda one, two: ("call", "begins_with", (one, two)), operands, operands),
    st.builds(lambda one, two: ("call", "contains", (one, two)), operands, operands),
    _seldom.flatmap(
        lambda odd: _call("size", "contains", "attribute_type", "attribute_exists", "begins_with", "list_append", "nothing",
                          arguments=operands) if odd else st.builds(lambda path: ("call", "attribute_exists", (path,)), path_trees)
    ),
)  # fmt: skip
_leaves = st.one_of(
    st.builds(lambda operator, one, two: ("compare", operator, one, two), _comparators, operands, operands),
    st.builds(lambda one, low, high: ("between", one, low, high), operands, operands, operands),
    st.builds(
        lambda one, choices: ("in", one, tuple(choices)), operands, st.lists(operands, min_size=1, max_size=3)
    ),
    _predicates,
)
conditions: st.SearchStrategy[Tree] = st.recursive(
    _leaves,
    lambda inner: (
        st.builds(lambda word, one, two: (word, one, two), st.sampled_from(("and", "or")), inner, inner)
        | inner.map(lambda one: ("not", one))
    ),
    max_leaves=4,
)
_results: st.SearchStrategy[Tree] = st.recursive(
    path_trees | value_trees | scalar_trees,
    lambda inner: st.one_of(
        st.builds(lambda path, other: ("call", "if_not_exists", (path, other)), path_trees, inner),
        st.builds(lambda one, two: ("call", "list_append", (one, two)), inner, inner),
        _seldom.flatmap(
            lambda odd: (
                _call("if_not_exists", "list_append", "size", "nothing", arguments=inner) if odd else inner
            )
        ),
    ),
    max_leaves=3,
)
_sums = st.builds(lambda sign, one, two: (sign, one, two), st.sampled_from("+-"), _results, _results)
_counts = numbers.map(lambda text: ("value", {"N": text}))
_tallies = st.builds(
    lambda sign, one, two: (sign, one, two), st.sampled_from("+-"), path_trees | _counts, _counts
)
_addends = (
    _counts
    | sets.map(lambda wire: ("value", wire))
    | _seldom.flatmap(lambda odd: value_trees if odd else _counts)
)
actions = st.one_of(
    st.builds(lambda path, value: ("set", path, value), paths, _results | _sums | _tallies),
    st.builds(lambda path: ("remove", path), paths),
    st.builds(lambda path, value: ("add", path, value), paths, _addends),
    st.builds(lambda path, value: ("delete", path, value), paths, sets.map(lambda wire: ("value", wire))),
)


class Writer:
    """Writes trees, in one of the many ways each can be written, and keeps the placeholders."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def _maybe(self) -> bool:
        return self._draw(st.booleans())

    def _word(self, word: str) -> str:
        return word.lower() if self._maybe() else word

    def path(self, path: tuple[Any, ...]) -> str:
        text = ""
        for step in path:
            if isinstance(step, int):
                text += f"[{step}]"
            else:
                text += ("." if text else "") + self._name(step)
        return text

    def _name(self, name: str) -> str:
        if name in ("a", "b", "c") and self._maybe():
            return name
        alias = f"#n{NAMES.index(name)}"
        self.names[alias] = name
        return alias

    def operand(self, tree: Tree) -> str:
        match tree:
            case ("path", path):
                text = self.path(path)
            case ("value", wire):
                text = f":v{len(self.values)}"
                self.values[text] = wire
            case ("undefined",):
                text = ":undefined"
            case ("call", name, arguments):
                text = f"{name}({', '.join(map(self.operand, arguments))})"
            case (sign, left, right):
                return f"{self.operand(left)} {sign} {self.operand(right)}"
        return f"({text})" if self._draw(st.integers(0, 9)) == 0 else text

    def condition(self, tree: Tree) -> str:
        text = self._bare(tree)
        return (
            f"({text})"
            if tree[0] not in ("and", "or", "not") and self._draw(st.integers(0, 5)) == 0
            else text
        )

    def _bare(self, tree: Tree) -> str:
        match tree:
            case ("and" | "or" as word, left, right):
                sides = [self._side(word, side) for side in (left, right)]
                return f" {self._word(word.upper())} ".join(sides)
            case ("not", inner):
                text = self.condition(inner)
                return f"{self._word('NOT')} " + (f"({text})" if inner[0] in ("and", "or") else text)
            case ("compare", operator, left, right):
                space = " " if self._maybe() else ""
                return f"{self.operand(left)}{space}{operator}{space}{self.operand(right)}"
            case ("between", operand, low, high):
                return f"{self.operand(operand)} BETWEEN {self.operand(low)} {self._word('AND')} {self.operand(high)}"
            case ("in", operand, choices):
                return f"{self.operand(operand)} {self._word('IN')} ({', '.join(map(self.operand, choices))})"
            case ("call", name, arguments):
                return f"{name}({', '.join(map(self.operand, arguments))})"
        raise AssertionError(tree)

    def _side(self, word: str, tree: Tree) -> str:
        """AND binds tighter than OR: brackets where they are needed, and sometimes where they are not."""
        text = self.condition(tree)
        needed = word == "and" and tree[0] == "or"
        return f"({text})" if needed or (tree[0] in ("and", "or", "not") and self._maybe()) else text

    def update(self, trees: list[Tree]) -> tuple[str, list[Tree]]:
        """The text, and the actions in the order in which it has them."""
        order = self._draw(st.permutations(("set", "remove", "add", "delete")))
        sections: list[str] = []
        written: list[Tree] = []
        for section in order:
            chosen = [tree for tree in trees if tree[0] == section]
            if chosen:
                sections.append(f"{self._word(section.upper())} {', '.join(map(self._action, chosen))}")
                written += chosen
        return " ".join(sections), written

    def _action(self, tree: Tree) -> str:
        target = self.path(tree[1])
        match tree[0]:
            case "set":
                return f"{target} = {self.operand(tree[2])}"
            case "remove":
                return target
            case _:
                # A value, never in brackets.
                if tree[2][0] == "undefined":
                    return f"{target} :undefined"
                key = f":v{len(self.values)}"
                self.values[key] = tree[2][1]
                return f"{target} {key}"
