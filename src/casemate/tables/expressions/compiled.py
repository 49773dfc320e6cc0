"""Compiling, cached: text, names and the types of the values make an expression; the values come with each use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from casemate.tables.errors import validation
from casemate.tables.expressions.binding import Binding, Bound
from casemate.tables.expressions.conditions import ConditionExpression, condition_test
from casemate.tables.expressions.errors import Problems, SyntaxProblem
from casemate.tables.expressions.kept import kept
from casemate.tables.expressions.keyconditions import KeyConditionExpression, key_terms
from casemate.tables.expressions.lexer import EXPRESSIONS, Limits
from casemate.tables.expressions.nodes import DeleteAction, RemoveAction
from casemate.tables.expressions.parser import parse_condition, parse_projection, parse_update
from casemate.tables.expressions.paths import Path, Tree, check_distinct, tree_of
from casemate.tables.expressions.placeholders import Placeholders, check_all_used
from casemate.tables.expressions.updates import UpdateExpression, update_changes
from casemate.tables.values import type_code

_CACHED = 4096
Names = tuple[tuple[str, str], ...]
Types = tuple[tuple[str, str], ...]
B = TypeVar("B", bound=Bound)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectionExpression(Bound):
    """The paths to return."""

    paths: tuple[Path, ...]
    tree: Tree


class Compiler:
    """Compiles the expressions of one request and, at the end, checks that every placeholder was used.

    Filters are always as short as expressions are: they are asked of each of the thousands of items of a page, whatever
    else there is once.
    """

    def __init__(self, placeholders: Placeholders, *, limits: Limits = EXPRESSIONS) -> None:
        self.placeholders = placeholders
        self._names: Names = tuple(placeholders.names.items())
        self._types: Types = tuple([(key, type_code(value)) for key, value in placeholders.values.items()])
        self._limits = limits
        self._compiled: list[Bound] = []

    def condition(self, text: str, label: str = "ConditionExpression") -> ConditionExpression:
        """A condition or, by its label, a FilterExpression."""
        limits = EXPRESSIONS if label == "FilterExpression" else self._limits
        return self._done(_condition(text, label, self._names, self._types, limits))

    def key_condition(self, text: str) -> KeyConditionExpression:
        return self._done(_key_condition(text, self._names, self._types))

    def update(self, text: str) -> UpdateExpression:
        return self._done(_update(text, self._names, self._types, self._limits))

    def projection(self, text: str) -> ProjectionExpression:
        return self._done(_projection(text, self._names, self._limits))

    def _done(self, compiled: B) -> B:
        for check in compiled.value_checks:
            check(self.placeholders.values)
        if self._names or self._types:
            self._compiled.append(compiled)
        return compiled

    def check_all_used(self) -> None:
        """ValidationException when a name or a value is used by no expression."""
        if not self._names and not self._types:
            return
        placeholders = self.placeholders
        names, values = placeholders.names.keys(), placeholders.values.keys()
        for one in self._compiled:
            # As a rule one expression uses them all.
            if names <= one.used_names and values <= one.used_values:
                return
        used_names = frozenset[str]().union(*[one.used_names for one in self._compiled])
        used_values = frozenset[str]().union(*[one.used_values for one in self._compiled])
        check_all_used(placeholders, used_names, used_values)


def _parse(parse: Callable[[str, Limits], Any], text: str, label: str, limits: Limits = EXPRESSIONS) -> Any:
    try:
        return parse(text, limits)
    except SyntaxProblem as problem:
        raise validation(f"Invalid {label}: {problem}") from None


def _binding(label: str, names: Names, types: Types) -> Binding:
    return Binding(label=label, names=dict(names), types=dict(types), problems=Problems(label=label))


@kept(_CACHED)
def _condition(text: str, label: str, names: Names, types: Types, limits: Limits) -> ConditionExpression:
    node = _parse(parse_condition, text, label, limits)
    binding = _binding(label, names, types)
    test = condition_test(node, binding)
    binding.problems.check()
    return ConditionExpression(
        used_names=frozenset(binding.used_names),
        used_values=frozenset(binding.used_values),
        attributes=tuple(binding.attributes),
        value_checks=tuple(binding.value_checks),
        test=test,
    )


@kept(_CACHED)
def _key_condition(text: str, names: Names, types: Types) -> KeyConditionExpression:
    label = "KeyConditionExpression"
    node = _parse(parse_condition, text, label)
    binding = _binding(label, names, types)
    terms = key_terms(node, binding)
    return KeyConditionExpression(
        used_names=frozenset(binding.used_names),
        used_values=frozenset(binding.used_values),
        attributes=tuple(binding.attributes),
        value_checks=tuple(binding.value_checks),
        terms=terms,
    )


@kept(_CACHED)
def _update(text: str, names: Names, types: Types, limits: Limits) -> UpdateExpression:
    label = "UpdateExpression"
    node = _parse(parse_update, text, label, limits)
    binding = _binding(label, names, types)
    changes, reads = update_changes(node, binding)
    binding.problems.check()
    return UpdateExpression(
        used_names=frozenset(binding.used_names),
        used_values=frozenset(binding.used_values),
        attributes=tuple(binding.attributes),
        value_checks=tuple(binding.value_checks),
        changes=changes,
        reads=reads,
        only_takes=all(isinstance(action, (RemoveAction, DeleteAction)) for action in node.actions),
    )


@kept(_CACHED)
def _projection(text: str, names: Names, limits: Limits) -> ProjectionExpression:
    label = "ProjectionExpression"
    nodes = _parse(parse_projection, text, label, limits)
    binding = _binding(label, names, ())
    paths = tuple(binding.path(node) for node in nodes)
    check_distinct(paths, binding.problems)
    binding.problems.check()
    return ProjectionExpression(
        used_names=frozenset(binding.used_names),
        used_values=frozenset(),
        attributes=tuple(binding.attributes),
        paths=paths,
        tree=tree_of(paths),
    )
