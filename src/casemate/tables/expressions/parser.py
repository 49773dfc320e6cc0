"""Tokens to trees. Cached by text; raises SyntaxProblem."""

from __future__ import annotations

from typing import cast

from casemate.tables.expressions.errors import SyntaxProblem
from casemate.tables.expressions.kept import kept
from casemate.tables.expressions.lexer import (
    EXPRESSIONS,
    MAX_OPERAND_DEPTH,
    MAX_PATH_ELEMENTS,
    Cursor,
    Limits,
)
from casemate.tables.expressions.nodes import (
    Action,
    AddAction,
    AndNode,
    ArithmeticNode,
    BetweenNode,
    CallNode,
    Comparator,
    CompareNode,
    Condition,
    DeleteAction,
    InNode,
    NotNode,
    Operand,
    OrNode,
    PathNode,
    RemoveAction,
    SetAction,
    UpdateNode,
    ValueNode,
)

_COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
_KEYWORDS = ("AND", "OR", "NOT", "BETWEEN", "IN")
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_PRECEDENCE = {"OR": 1, "AND": 2, "NOT": 3}
_CACHED = 2048


@kept(_CACHED)
def parse_condition(text: str, limits: Limits = EXPRESSIONS) -> Condition:
    """A condition, filter or key condition expression."""
    return _ConditionParser(Cursor(text, limits)).parse()


@kept(_CACHED)
def parse_projection(text: str, limits: Limits = EXPRESSIONS) -> tuple[PathNode, ...]:
    """Document paths separated by commas."""
    cursor = Cursor(text, limits)
    paths = [_path(cursor)]
    while cursor.at(","):
        cursor.take()
        paths.append(_path(cursor))
    if cursor.token.kind != "end":
        raise cursor.syntax_error()
    return tuple(paths)


@kept(_CACHED)
def parse_update(text: str, limits: Limits = EXPRESSIONS) -> UpdateNode:
    """SET, REMOVE, ADD and DELETE sections."""
    cursor = Cursor(text, limits)
    actions: list[Action] = []
    seen: set[str] = set()
    repeated: list[str] = []
    while cursor.token.kind != "end":
        if not cursor.at_word(*_SECTIONS):
            raise cursor.syntax_error()
        section = cursor.take().text.upper()
        if section in seen:
            repeated.append(section)
        seen.add(section)
        actions.append(_action(cursor, section))
        while cursor.at(","):
            cursor.take()
            actions.append(_action(cursor, section))
    return UpdateNode(tuple(actions), tuple(repeated))


def _action(cursor: Cursor, section: str) -> Action:
    path = _path(cursor)
    if section == "REMOVE":
        return RemoveAction(path)
    if section == "SET":
        cursor.expect("=")
        return SetAction(path, _sum(cursor, 0))
    if cursor.token.kind != ":":
        raise cursor.syntax_error()
    cursor.count_operator()
    value = ValueNode(cursor.take().text)
    return AddAction(path, value) if section == "ADD" else DeleteAction(path, value)


def _sum(cursor: Cursor, depth: int) -> Operand:
    """An operand, or the sum or difference of two: `a + b + c` is a syntax error (observed)."""
    left = _operand(cursor, depth, arithmetic=True)
    if not (cursor.at("+") or cursor.at("-")):
        return left
    cursor.count_operator()
    operator = cursor.take().text
    right = _operand(cursor, depth, arithmetic=True)
    return ArithmeticNode("+" if operator == "+" else "-", left, right)


def _operand(cursor: Cursor, depth: int = 0, *, arithmetic: bool = False) -> Operand:
    """A path, a value, a function call, or one of these in parentheses."""
    token = cursor.token
    if depth > MAX_OPERAND_DEPTH:
        raise cursor.syntax_error()
    if token.kind == ":":
        return ValueNode(cursor.take().text)
    if cursor.at("("):
        cursor.take()
        inner = _sum(cursor, depth + 1) if arithmetic else _operand(cursor, depth + 1)
        cursor.expect(")")
        return inner
    if token.kind == "name" and cursor.following.kind == "symbol" and cursor.following.text == "(":
        return _call(cursor, depth, arithmetic=arithmetic)
    return _path(cursor)


def _call(cursor: Cursor, depth: int, *, arithmetic: bool) -> CallNode:
    if cursor.at_word(*_KEYWORDS):
        raise cursor.syntax_error()
    cursor.count_operator()
    name = cursor.take().text
    cursor.expect("(")
    arguments: list[Operand] = []
    while True:
        arguments.append(_operand(cursor, depth + 1, arithmetic=arithmetic))
        if not cursor.at(","):
            break
        cursor.take()
    cursor.expect(")")
    return CallNode(name, tuple(arguments))


def _path(cursor: Cursor) -> PathNode:
    elements: list[str | int] = [_path_name(cursor)]
    while True:
        if cursor.at("."):
            cursor.take()
            elements.append(_path_name(cursor))
        elif cursor.at("["):
            cursor.take()
            if cursor.token.kind != "number":
                raise cursor.syntax_error()
            # Positions beyond any list are all alike; the bound keeps int() from reading thousands of digits.
            elements.append(int(cursor.take().text[:18]))
            cursor.expect("]")
        else:
            break
    if len(elements) > MAX_PATH_ELEMENTS:
        raise SyntaxProblem(f"The document path has too many nesting levels; nesting levels: {len(elements)}")
    return PathNode(tuple(elements))


def _path_name(cursor: Cursor) -> str:
    if cursor.token.kind not in ("name", "#") or cursor.at_word(*_KEYWORDS, *_SECTIONS):
        raise cursor.syntax_error()
    return cursor.take().text


class _ConditionParser:
    """Operator precedence with an explicit stack: a thousand parentheses are a thousand list entries, not frames."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._nodes: list[tuple[Operand | Condition, bool]] = []
        """Each with whether it stands in parentheses."""
        self._operators: list[str] = []

    def parse(self) -> Condition:
        cursor = self._cursor
        while True:
            self._before_node()
            self._nodes.append((_operand(cursor), False))
            if self._after_node():
                return self._condition(self._nodes.pop()[0])

    def _before_node(self) -> None:
        cursor = self._cursor
        while True:
            if cursor.at("("):
                cursor.take()
                self._operators.append("(")
            elif cursor.at_word("NOT"):
                cursor.count_operator()
                cursor.take()
                self._operators.append("NOT")
            else:
                return

    def _after_node(self) -> bool:
        """Comparisons, closing parentheses, AND and OR after a node; True at the end of the expression."""
        cursor = self._cursor
        while True:
            if cursor.token.kind == "symbol" and cursor.token.text in _COMPARATORS:
                self._compare()
            elif cursor.at_word("BETWEEN"):
                self._between()
            elif cursor.at_word("IN"):
                self._in()
            elif cursor.at(")"):
                self._close()
            elif cursor.at_word("AND", "OR"):
                word = cursor.token.text.upper()
                self._reduce(_PRECEDENCE[word] + 1)
                self._continue_chain(word)
                cursor.count_operator()
                cursor.take()
                self._operators.append(word)
                return False
            elif cursor.token.kind == "end":
                self._reduce(0)
                if self._operators:
                    raise cursor.syntax_error()
                return True
            else:
                raise cursor.syntax_error()

    def _left(self) -> Operand:
        node, _ = self._nodes.pop()
        if not isinstance(node, (PathNode, ValueNode, CallNode)):
            raise self._cursor.syntax_error()
        self._cursor.count_operator()
        return node

    def _compare(self) -> None:
        left = self._left()
        operator = cast("Comparator", self._cursor.take().text)
        self._nodes.append((CompareNode(operator, left, _operand(self._cursor)), False))

    def _between(self) -> None:
        left = self._left()
        self._cursor.take()
        low = _operand(self._cursor)
        if not self._cursor.at_word("AND"):
            raise self._cursor.syntax_error()
        self._cursor.take()
        self._nodes.append((BetweenNode(left, low, _operand(self._cursor)), False))

    def _in(self) -> None:
        left = self._left()
        cursor = self._cursor
        cursor.take()
        cursor.expect("(")
        choices = [_operand(cursor)]
        while cursor.at(","):
            cursor.take()
            choices.append(_operand(cursor))
        cursor.expect(")")
        self._nodes.append((InNode(left, tuple(choices)), False))

    def _close(self) -> None:
        self._reduce(0)
        if not self._operators:
            raise self._cursor.syntax_error()
        self._operators.pop()
        node, grouped = self._nodes.pop()
        if grouped:
            raise SyntaxProblem("The expression has redundant parentheses;")
        self._cursor.take()
        self._nodes.append((node, True))

    def _continue_chain(self, word: str) -> None:
        """`a AND b AND` is joined when the chain is whole: part by part would take the square of its length."""
        if self._operators and self._operators[-1] == word:
            for node, _ in self._nodes[-2:]:
                self._condition(node)
        elif self._operators and self._operators[-1] != "(":
            self._reduce(_PRECEDENCE[word])

    def _reduce(self, precedence: int) -> None:
        """Join what binds at least as tightly as `precedence`, down to an open parenthesis."""
        while self._operators and self._operators[-1] != "(":
            operator = self._operators[-1]
            if _PRECEDENCE[operator] < precedence:
                return
            if operator == "NOT":
                self._operators.pop()
                self._nodes.append((NotNode(self._condition(self._nodes.pop()[0])), False))
                continue
            parts: list[Condition] = []
            while self._operators and self._operators[-1] == operator:
                self._operators.pop()
                parts.append(self._condition(self._nodes.pop()[0]))
            first = self._condition(self._nodes.pop()[0])
            kind = AndNode if operator == "AND" else OrNode
            # Chains become one node of many parts, so that depth comes from parentheses and NOT alone.
            parts += reversed(first.parts) if isinstance(first, kind) else (first,)
            self._nodes.append((kind(tuple(reversed(parts))), False))

    def _condition(self, node: Operand | Condition) -> Condition:
        if isinstance(node, (PathNode, ValueNode, ArithmeticNode)):
            raise self._cursor.syntax_error()
        return node
