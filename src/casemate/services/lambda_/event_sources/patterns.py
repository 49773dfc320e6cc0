"""Event filtering: the rules of `FilterCriteria`. Pure.

Source: Lambda Developer Guide, "Control which events Lambda sends to your function", filter rule syntax, whose rules are
EventBridge's: an event is the set of its leaves, a rule is about a leaf, and a list matches where one element does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

Event = Mapping[str, Any]
Leaf = str | int | float | bool | None
_Rule = Callable[[Sequence[Leaf]], bool]
"""Asked of the leaves at one place; none: there is nothing, or no leaf."""


class InvalidPatternError(ValueError):
    """The text is not a filter pattern."""


class Pattern(Struct, frozen=True, kw_only=True):
    """A pattern, compiled: every field must match, and of each `$or` one alternative."""

    leaves: tuple[tuple[str, tuple[_Rule, ...]], ...]
    branches: tuple[tuple[str, Pattern], ...]
    alternatives: tuple[tuple[Pattern, ...], ...]

    def matches(self, event: Event) -> bool:
        """Whether an event passes."""
        return (
            all(_any_rule(rules, event.get(name, _ABSENT)) for name, rules in self.leaves)
            and all(_any_branch(pattern, event.get(name, _ABSENT)) for name, pattern in self.branches)
            and all(any(one.matches(event) for one in each) for each in self.alternatives)
        )


_ABSENT = object()


def parse_pattern(text: str) -> Pattern:
    """Compile a pattern; InvalidPatternError when it is none."""
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidPatternError(str(error)) from error
    if not isinstance(raw, dict) or not raw:
        raise InvalidPatternError("a pattern is a JSON object with at least one field")
    return _compile(cast("dict[str, Any]", raw))


def _compile(raw: Mapping[str, Any]) -> Pattern:
    leaves: list[tuple[str, tuple[_Rule, ...]]] = []
    branches: list[tuple[str, Pattern]] = []
    alternatives: list[tuple[Pattern, ...]] = []
    for name, given in raw.items():
        if name == "$or" and isinstance(given, list):
            alternatives.append(_alternatives(cast("list[Any]", given)))
        elif isinstance(given, dict) and given:
            branches.append((name, _compile(cast("dict[str, Any]", given))))
        elif isinstance(given, list) and given:
            leaves.append((name, tuple(_rule(one) for one in cast("list[Any]", given))))
        else:
            raise InvalidPatternError(f"{name} needs a list of rules or an object")
    return Pattern(leaves=tuple(leaves), branches=tuple(branches), alternatives=tuple(alternatives))


def _alternatives(given: list[Any]) -> tuple[Pattern, ...]:
    objects = [cast("dict[str, Any]", one) for one in given if isinstance(one, dict) and one]
    if not objects or len(objects) != len(given):
        raise InvalidPatternError("$or needs a list of objects")
    return tuple(_compile(one) for one in objects)


def _any_branch(pattern: Pattern, value: object) -> bool:
    if isinstance(value, list):
        return any(_any_branch(pattern, member) for member in cast("list[object]", value))
    # Below what is absent everything is: that is how `exists: false` matches there.
    return pattern.matches(cast("Event", value) if isinstance(value, dict) else {})


def _any_rule(rules: Sequence[_Rule], value: object) -> bool:
    found = _leaves(value)
    return any(rule(found) for rule in rules)


def _leaves(value: object) -> Sequence[Leaf]:
    """The leaves at a place. An object is none: `exists` "only works on the leaf nodes" (same page)."""
    if value is _ABSENT or isinstance(value, dict):
        return ()
    if isinstance(value, list):
        return [leaf for member in cast("list[object]", value) for leaf in _leaves(member)]
    return (cast("Leaf", value),)


def _rule(given: object) -> _Rule:
    if isinstance(given, dict):
        rule = cast("dict[str, Any]", given)
        if len(rule) != 1:
            raise InvalidPatternError("a rule is one operator with its operand")
        ((operator, operand),) = rule.items()
        make = _OPERATORS.get(operator)
        if make is None:
            raise InvalidPatternError(f"unrecognized operator {operator}")
        return make(operand)
    if isinstance(given, list):
        raise InvalidPatternError("rules cannot be nested in lists")
    wanted = cast("Leaf", given)
    return lambda leaves: any(_same(leaf, wanted) for leaf in leaves)


def _same(leaf: Leaf, wanted: Leaf) -> bool:
    """Equal in kind and value: 1 is neither true nor "1"."""
    if isinstance(leaf, bool) or isinstance(wanted, bool):
        return leaf is wanted
    return _is_number(leaf) == _is_number(wanted) and leaf == wanted


def _is_number(leaf: object) -> bool:
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)


def _text_rule(matches: Callable[[str, str], bool]) -> Callable[[object], _Rule]:
    def make(operand: object) -> _Rule:
        if not isinstance(operand, str) or not operand:
            raise InvalidPatternError("the operand is a string")
        return lambda leaves: any(isinstance(leaf, str) and matches(leaf, operand) for leaf in leaves)

    return make


def _exists(operand: object) -> _Rule:
    if not isinstance(operand, bool):
        raise InvalidPatternError("exists is true or false")
    return lambda leaves: bool(leaves) is operand


def _anything_but(operand: object) -> _Rule:
    unwanted = cast("list[Any]", operand if isinstance(operand, list) else [operand])
    texts = all(isinstance(one, str) for one in unwanted)
    if not unwanted or not (texts or all(_is_number(one) for one in unwanted)):
        raise InvalidPatternError("anything-but takes strings or numbers")
    return lambda leaves: any(not any(_same(leaf, one) for one in unwanted) for leaf in leaves)


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda leaf, bound: leaf == bound,
    "<": lambda leaf, bound: leaf < bound,
    "<=": lambda leaf, bound: leaf <= bound,
    ">": lambda leaf, bound: leaf > bound,
    ">=": lambda leaf, bound: leaf >= bound,
}


def _numeric(operand: object) -> _Rule:
    """`["=", 100]` or `[">", 10, "<=", 20]`: lower bound first. Only of JSON numbers: an N of DynamoDB is a string."""
    terms = cast("list[Any]", operand) if isinstance(operand, list) else []
    signs, bounds = terms[::2], terms[1::2]
    if len(terms) not in (2, 4) or not all(_is_number(bound) for bound in bounds):
        raise InvalidPatternError("numeric takes a comparison, or a lower and an upper bound")
    ranges = len(signs) == 1 or (signs[0] in (">", ">=") and signs[1] in ("<", "<="))
    if not ranges or any(sign not in _COMPARISONS for sign in signs):
        raise InvalidPatternError(f"numeric cannot compare with {signs}")
    if len(bounds) == 2 and bounds[0] >= bounds[1]:
        raise InvalidPatternError("the lower bound is not below the upper one")
    checks = [(_COMPARISONS[sign], bound) for sign, bound in zip(signs, bounds, strict=True)]
    return lambda leaves: any(
        _is_number(leaf) and all(holds(cast("float", leaf), bound) for holds, bound in checks)
        for leaf in leaves
    )


_OPERATORS: dict[str, Callable[[object], _Rule]] = {
    "prefix": _text_rule(str.startswith),
    "suffix": _text_rule(str.endswith),
    "equals-ignore-case": _text_rule(lambda leaf, wanted: leaf.casefold() == wanted.casefold()),
    "exists": _exists,
    "anything-but": _anything_but,
    "numeric": _numeric,
}
