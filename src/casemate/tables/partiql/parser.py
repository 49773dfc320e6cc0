"""Statements. One text gives one statement; a closing semicolon is allowed."""

from __future__ import annotations

from functools import lru_cache

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


@lru_cache(maxsize=1024)
def parse(text: str) -> Parsed:
    """The statement; ValidationException when it is none."""
    cursor = Cursor(text)
    statement = _statement(cursor)
    cursor.accept(";")
    if cursor.token.kind != "end":
        raise malformed(f"Unexpected '{cursor.token.text}' after the statement")
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
    if cursor.accept_word("EXISTS"):
        cursor.expect("(")
        cursor.expect_word("SELECT")
        found = Exists(select=_select(cursor))
        cursor.expect(")")
        return found
    raise cursor.unexpected("SELECT, INSERT, UPDATE or DELETE")


def _select(cursor: Cursor) -> Select:
    """Source: Developer Guide, "PartiQL select statements for DynamoDB"; so the others."""
    paths: list[Path] | None = None
    if not cursor.accept("*"):
        paths = [path(cursor)]
        while cursor.accept(","):
            paths.append(path(cursor))
    cursor.expect_word("FROM")
    table = name(cursor)
    index = name(cursor) if cursor.accept(".") else None
    where = condition(cursor) if cursor.accept_word("WHERE") else None
    order: list[tuple[str, bool]] = []
    if cursor.accept_word("ORDER"):
        cursor.expect_word("BY")
        order.append(_order(cursor))
        while cursor.accept(","):
            order.append(_order(cursor))
    return Select(
        table=table,
        index=index,
        paths=None if paths is None else tuple(paths),
        where=where,
        order=tuple(order),
    )


def _order(cursor: Cursor) -> tuple[str, bool]:
    attribute = name(cursor)
    if cursor.accept_word("DESC"):
        return attribute, True
    cursor.accept_word("ASC")
    return attribute, False


def _insert(cursor: Cursor) -> Insert:
    cursor.expect_word("INTO")
    table = _written_table(cursor)
    cursor.expect_word("VALUE")
    return Insert(table=table, value=value(cursor))


def _update(cursor: Cursor) -> Update:
    """SET and REMOVE may be repeated, and take several comma by comma."""
    table = _written_table(cursor)
    actions: list[SetAction | RemoveAction] = []
    while cursor.at_word("SET", "REMOVE"):
        removes = cursor.take().text.upper() == "REMOVE"
        actions.append(_action(cursor, removes=removes))
        while cursor.accept(","):
            actions.append(_action(cursor, removes=removes))
    if not actions:
        raise cursor.unexpected("SET or REMOVE")
    cursor.expect_word("WHERE")
    return Update(table=table, actions=tuple(actions), where=condition(cursor), returning=_returning(cursor))


def _action(cursor: Cursor, *, removes: bool) -> SetAction | RemoveAction:
    target = path(cursor)
    if removes:
        return RemoveAction(target)
    cursor.expect("=")
    return SetAction(target, operand(cursor))


def _delete(cursor: Cursor) -> Delete:
    cursor.expect_word("FROM")
    table = _written_table(cursor)
    cursor.expect_word("WHERE")
    where = condition(cursor)
    returning = _returning(cursor)
    if returning not in (None, "ALL_OLD"):
        raise malformed("A DELETE statement can return ALL OLD * only")
    return Delete(table=table, where=where, returning=returning)


def _written_table(cursor: Cursor) -> str:
    table = name(cursor)
    if cursor.at("."):
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
