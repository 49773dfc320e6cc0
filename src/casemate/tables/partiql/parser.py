"""Statements. One text gives one statement; a closing semicolon is allowed."""

from __future__ import annotations

from functools import lru_cache

from casemate.tables.errors import validation
from casemate.tables.partiql import errors
from casemate.tables.partiql.conditions import condition, name, operand, path, value
from casemate.tables.partiql.cursor import Cursor
from casemate.tables.partiql.errors import malformed
from casemate.tables.partiql.nodes import (
    Delete,
    Exists,
    Insert,
    Parsed,
    Path,
    RemoveAction,
    Returning,
    Select,
    SetAction,
    Statement,
    Update,
)

_RETURNING: dict[tuple[str, str], Returning] = {
    ("ALL", "OLD"): "ALL_OLD",
    ("ALL", "NEW"): "ALL_NEW",
    ("MODIFIED", "OLD"): "UPDATED_OLD",
    ("MODIFIED", "NEW"): "UPDATED_NEW",
}
_MOST_COMPONENTS = 2


@lru_cache(maxsize=1024)
def parse(text: str) -> Parsed:
    """The statement; ValidationException when it is none."""
    cursor = Cursor(text)
    statement = _statement(cursor)
    cursor.accept(";")
    if cursor.token.kind != "end":
        raise malformed(errors.LEFTOVER)
    return Parsed(statement=statement, parameters=cursor.parameters)


def _statement(cursor: Cursor) -> Statement:
    if cursor.accept_word("SELECT"):
        return _select(cursor)
    if cursor.accept_word("INSERT"):
        return _insert(cursor)
    if cursor.accept_word("UPDATE"):
        return _update(cursor)
    if cursor.accept_word("DELETE"):
        return _delete(cursor)
    if cursor.accept_word("FROM"):
        return _update_from(cursor)
    if cursor.accept_word("EXISTS"):
        cursor.expect("(")
        cursor.expect_word("SELECT")
        found = Exists(select=_select(cursor))
        cursor.expect(")")
        return found
    raise malformed(errors.NO_STATEMENT)


def _select(cursor: Cursor) -> Select:
    """Source: Developer Guide, "PartiQL select statements for DynamoDB"; so the others."""
    paths, function = (None, None) if cursor.accept("*") else _projections(cursor)
    cursor.expect_word("FROM")
    table, *index = _table(cursor)
    _refuse_alias(cursor)
    where = condition(cursor) if cursor.accept_word("WHERE") else None
    order: list[tuple[str, bool]] = []
    if cursor.accept_word("ORDER"):
        cursor.expect_word("BY")
        order.append(_order(cursor))
        while cursor.accept(","):
            order.append(_order(cursor))
    return Select(
        table=table,
        index=index[0] if index else None,
        paths=paths,
        where=where,
        order=tuple(order),
        function=function,
    )


def _projections(cursor: Cursor) -> tuple[tuple[Path, ...], str | None]:
    """What is listed, and where the first function in the list stands."""
    paths: list[Path] = []
    function: str | None = None
    while True:
        if cursor.at_call():
            function = function or cursor.token.place
            _pass_call(cursor)
        else:
            paths.append(path(cursor))
        if not cursor.accept(","):
            return tuple(paths), function


def _pass_call(cursor: Cursor) -> None:
    """To the end of a function that is refused whatever its arguments are: COUNT takes a star."""
    depth = 0
    cursor.take()
    while True:
        token = cursor.token
        if token.kind == "end":
            raise cursor.unexpected(")")
        depth += (token.kind == "symbol") * ((token.text == "(") - (token.text == ")"))
        cursor.take()
        if depth == 0:
            return


def _table(cursor: Cursor) -> list[str]:
    """A table, and an index behind a dot."""
    if not cursor.at_name():
        raise cursor.no_term()
    names = [cursor.take().text]
    while cursor.accept("."):
        if not cursor.at_name():
            raise malformed(errors.PATH_COMPONENT)
        names.append(cursor.take().text)
    if len(names) > _MOST_COMPONENTS:
        raise validation(errors.LONG_PATH)
    if "" in names:
        raise validation(errors.EMPTY_NAME)
    return names


def _refuse_alias(cursor: Cursor) -> None:
    if cursor.at_name() or cursor.at_word("AS"):
        raise validation(errors.ALIAS)


def _order(cursor: Cursor) -> tuple[str, bool]:
    attribute = name(cursor)
    if cursor.accept_word("DESC"):
        return attribute, True
    cursor.accept_word("ASC")
    return attribute, False


def _insert(cursor: Cursor) -> Insert:
    cursor.expect_word("INTO")
    table = _written_table(cursor)
    if not cursor.accept_word("VALUE"):
        raise malformed(errors.LEFTOVER)
    return Insert(table=table, value=value(cursor))


def _update(cursor: Cursor) -> Update:
    """SET and REMOVE may be repeated, and take several comma by comma."""
    table = _written_table(cursor)
    _refuse_alias(cursor)
    actions = _actions(cursor)
    where = condition(cursor) if cursor.accept_word("WHERE") else None
    return Update(table=table, actions=actions, where=where, returning=_returning(cursor))


def _update_from(cursor: Cursor) -> Update:
    """The other order, which AWS does not document (observed: partiql/fromFirstUpdate, October 2026)."""
    table = _written_table(cursor)
    _refuse_alias(cursor)
    where = condition(cursor) if cursor.accept_word("WHERE") else None
    return Update(table=table, actions=_actions(cursor), where=where, returning=_returning(cursor))


def _actions(cursor: Cursor) -> tuple[SetAction | RemoveAction, ...]:
    actions: list[SetAction | RemoveAction] = []
    while cursor.at_word("SET", "REMOVE"):
        removes = cursor.take().text.upper() == "REMOVE"
        actions.append(_action(cursor, removes=removes))
        while cursor.accept(","):
            actions.append(_action(cursor, removes=removes))
    if not actions:
        raise cursor.unexpected("SET or REMOVE")
    return tuple(actions)


def _action(cursor: Cursor, *, removes: bool) -> SetAction | RemoveAction:
    target = path(cursor)
    if removes:
        return RemoveAction(target)
    cursor.expect("=")
    return SetAction(target, operand(cursor))


def _delete(cursor: Cursor) -> Delete:
    cursor.expect_word("FROM")
    table = _written_table(cursor)
    _refuse_alias(cursor)
    where = condition(cursor) if cursor.accept_word("WHERE") else None
    returning = _returning(cursor)
    if returning not in (None, "ALL_OLD"):
        shown = next(words for words, kind in _RETURNING.items() if kind == returning)
        raise validation(
            f"Invalid returning clause: RETURNING {' '.join(shown)} *. Only RETURNING ALL OLD * is allowed in DELETE "
            "statements."
        )
    return Delete(table=table, where=where, returning=returning)


def _written_table(cursor: Cursor) -> str:
    if not cursor.at_name():
        raise malformed(errors.NO_TABLE)
    table, *index = _table(cursor)
    if index:
        raise malformed("An index can only be read")
    return table


def _returning(cursor: Cursor) -> Returning | None:
    if not cursor.accept_word("RETURNING"):
        return None
    words = (cursor.take().text.upper(), cursor.take().text.upper())
    if words not in _RETURNING:
        raise malformed("RETURNING takes ALL OLD *, MODIFIED OLD *, ALL NEW * or MODIFIED NEW *")
    cursor.expect("*")
    return _RETURNING[words]
