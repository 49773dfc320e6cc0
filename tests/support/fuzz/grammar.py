"""Expressions and PartiQL statements written at random: most parse, many mean something, some are endless."""

from __future__ import annotations

from random import Random

_NAMES = (
    "p",
    "s",
    "l",
    "g",
    "h",
    "text",
    "list",
    "map",
    "ns",
    "flag",
    "none",
    "bytes",
    "n",
    "#a",
    "#b",
    "#c",
    "size",
    "name",
    "é",
    "_x",
)
_VALUES = (":s", ":n", ":m", ":b", ":l", ":ss", ":ns", ":t", ":o", ":missing")
_FUNCTIONS = (
    "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size", "if_not_exists",
    "list_append", "nothing", "AND", "NOT",
)  # fmt: skip
_OPERATORS = ("=", "<>", "<", "<=", ">", ">=")
_TOKENS = (
    *_NAMES, *_VALUES, *_OPERATORS, *(f"{name}(" for name in _FUNCTIONS), "(", ")", "[", "]", ".", ",", "[0]", "[99999999999999999999]",
    "[-1]", "AND", "OR", "NOT", "BETWEEN", "IN", "IN (", "SET", "REMOVE", "ADD", "DELETE", "+", "-", "=", "'", '"', "''", "?", "*", ";",
    "<<", ">>", "{", "}", ":", "#", "SELECT", "FROM", "WHERE", "VALUE", "INSERT INTO", "UPDATE", "RETURNING", "ALL OLD *", "ORDER BY",
    "IS", "MISSING", "NULL", "true", "1e999", "0.1", "\x00", "\u2028", "é", "things", "EXISTS(", "--", "/*", "`", "$", "!=", "||",
)  # fmt: skip


def path(dice: Random) -> str:
    found = dice.choice(_NAMES)
    while dice.random() < 0.3:
        found += dice.choice((f".{dice.choice(_NAMES)}", f"[{dice.choice((0, 1, 2, 9, 10**30))}]"))
    return found * (1 if dice.random() < 0.995 else dice.choice((2, 40, 500)))


def operand(dice: Random, depth: int = 0) -> str:
    roll = dice.random()
    if roll < 0.4:
        return path(dice)
    if roll < 0.75 or depth > 4:
        return dice.choice(_VALUES)
    if roll < 0.9:
        return f"{dice.choice(_FUNCTIONS[2:])}({', '.join(operand(dice, depth + 1) for _ in range(dice.choice((1, 2, 2, 3))))})"
    return f"({operand(dice, depth + 1)})"


def condition(dice: Random, depth: int = 0) -> str:
    roll = dice.random()
    if depth < 5 and roll < 0.3:
        return (
            f"{condition(dice, depth + 1)} {dice.choice(('AND', 'OR', 'and'))} {condition(dice, depth + 1)}"
        )
    if depth < 5 and roll < 0.4:
        return f"NOT {condition(dice, depth + 1)}"
    if depth < 5 and roll < 0.5:
        return f"({condition(dice, depth + 1)})"
    if roll < 0.6:
        return f"{operand(dice)} BETWEEN {operand(dice)} AND {operand(dice)}"
    if roll < 0.7:
        return f"{operand(dice)} IN ({', '.join(operand(dice) for _ in range(dice.choice((1, 2, 5, 101))))})"
    if roll < 0.85:
        return f"{dice.choice(_FUNCTIONS)}({', '.join(operand(dice) for _ in range(dice.choice((0, 1, 1, 2, 2, 3))))})"
    return f"{operand(dice)} {dice.choice(_OPERATORS)} {operand(dice)}"


def key_condition(dice: Random) -> str:
    terms = [
        f"{dice.choice('pslgh')} {dice.choice(_OPERATORS)} {dice.choice(_VALUES)}"
        for _ in range(dice.choice((1, 2, 2, 3)))
    ]
    return " AND ".join(terms) if dice.random() < 0.8 else condition(dice)


def update(dice: Random) -> str:
    def assigned() -> str:
        amount = f" {dice.choice('+-')} {operand(dice)}" if dice.random() < 0.4 else ""
        return f"{path(dice)} = {operand(dice)}{amount}"

    sections = {
        "SET": lambda: ", ".join(assigned() for _ in range(dice.choice((1, 1, 2, 4)))),
        "REMOVE": lambda: ", ".join(path(dice) for _ in range(dice.choice((1, 2, 3)))),
        "ADD": lambda: f"{path(dice)} {dice.choice(_VALUES)}",
        "DELETE": lambda: f"{path(dice)} {dice.choice(_VALUES)}",
    }
    chosen = [dice.choice(list(sections)) for _ in range(dice.choice((1, 1, 2, 3)))]
    return " ".join(f"{name} {sections[name]()}" for name in chosen)


def projection(dice: Random) -> str:
    return ", ".join(path(dice) for _ in range(dice.choice((1, 2, 3, 20))))


def literal(dice: Random, depth: int = 0) -> str:
    roll = dice.random()
    if roll < 0.6 or depth > 3:
        return dice.choice(
            (
                "1",
                "-1",
                "1.5e3",
                "'x'",
                "'it''s'",
                "?",
                "true",
                "NULL",
                "MISSING",
                "1e999",
                "9" * 50,
                "''",
                "'\x00é'",
            )
        )
    inside = ", ".join(literal(dice, depth + 1) for _ in range(dice.randrange(4)))
    if roll < 0.75:
        return f"[{inside}]"
    if roll < 0.9:
        return f"<<{inside}>>"
    return (
        "{"
        + ", ".join(f"'{dice.choice('psab')}': {literal(dice, depth + 1)}" for _ in range(dice.randrange(4)))
        + "}"
    )


def _where(dice: Random, depth: int = 0) -> str:
    roll = dice.random()
    name = dice.choice(("p", "s", "g", "h", '"text"', "list[0]", "map.one", '"map"."two"', "n"))
    if depth < 4 and roll < 0.35:
        return f"{_where(dice, depth + 1)} {dice.choice(('AND', 'OR'))} {_where(dice, depth + 1)}"
    if depth < 4 and roll < 0.45:
        return dice.choice(("NOT {}", "({})", "NOT ({})")).format(_where(dice, depth + 1))
    if roll < 0.55:
        return f"{name} IN {dice.choice('[(')}{literal(dice)}, {literal(dice)}{dice.choice('])')}"
    if roll < 0.65:
        return f"{name} BETWEEN {literal(dice)} AND {literal(dice)}"
    if roll < 0.75:
        return f"{name} IS {dice.choice(('', 'NOT '))}{dice.choice(('MISSING', 'NULL'))}"
    if roll < 0.85:
        return f"{dice.choice(('begins_with', 'contains', 'attribute_type', 'size', 'nothing'))}({name}, {literal(dice)})"
    return f"{name} {dice.choice((*_OPERATORS, '!='))} {literal(dice)}"


def statement(dice: Random) -> str:
    table = dice.choice(
        ("things", '"things"', "plain", '"things"."global"', "things.local", "none", '"é"', "")
    )
    where = dice.choice((f"p = {literal(dice)} AND s = {literal(dice)}", "p = 'a' AND s = 1", _where(dice)))
    end = dice.choice(
        (
            "",
            "",
            ";",
            " RETURNING ALL OLD *",
            " RETURNING MODIFIED NEW *",
            " ORDER BY s DESC",
            " ORDER BY p, s",
        )
    )
    what = dice.choice(("*", "p", "text, list[0].x", '"map"."two"', "count(*)", "list[9999999999999999999]"))
    return dice.choice((
        f"SELECT {what} FROM {table} WHERE {where}{end}",
        f"SELECT {what} FROM {table}{end}",
        f"INSERT INTO {table} VALUE {literal(dice)}{end}",
        f"INSERT INTO {table} VALUE {{'p': {literal(dice)}, 's': {literal(dice)}, 'x': {literal(dice)}}}",
        f"UPDATE {table} SET {dice.choice(('n', 'list[1]', 'map.x', 'p'))} = {literal(dice)} WHERE {where}{end}",
        f"UPDATE {table} SET n = n {dice.choice('+-')} {literal(dice)} REMOVE text, list[0] WHERE {where}{end}",
        f"UPDATE {table} SET ns = set_add(ns, {literal(dice)}) SET list = list_append(list, {literal(dice)}) WHERE {where}{end}",
        f"DELETE FROM {table} WHERE {where}{end}",
        f"EXISTS(SELECT * FROM {table} WHERE {where})",
    ))  # fmt: skip


WRITERS = {
    "ConditionExpression": condition,
    "FilterExpression": condition,
    "KeyConditionExpression": key_condition,
    "UpdateExpression": update,
    "ProjectionExpression": projection,
    "Statement": statement,
}


def spoiled(dice: Random, text: str) -> str:
    """The text with words taken out, put in, doubled or nested beyond reason."""
    roll = dice.random()
    if roll < 0.08:
        depth = dice.choice((10, 100, 1000, 2000, 20_000))
        begin, end = dice.choice(
            (
                ("(", ")"),
                ("NOT ", ""),
                ("size(", ")"),
                ("[", "]"),
                ("NOT (", ")"),
                ("if_not_exists(p, ", ")"),
                ("{'a':", "}"),
                ("<<", ">>"),
            )
        )
        return begin * depth + text + end * depth
    if roll < 0.12:
        joiner = dice.choice((" AND ", " OR ", ", ", " "))
        return joiner.join([text] * dice.choice((2, 50, 301, 2000)))
    if roll < 0.2:
        return "".join(chr(dice.randrange(0x2100)) for _ in range(dice.randrange(60)))
    if roll < 0.35:
        return " ".join(dice.choice(_TOKENS) for _ in range(dice.randrange(16)))
    words = text.split(" ")
    for _ in range(dice.choice((1, 1, 2, 4))):
        place = dice.randrange(len(words) + 1)
        match dice.randrange(4):
            case 0:
                words[place : place + 1] = []
            case 1:
                words.insert(place, dice.choice(_TOKENS))
            case 2:
                words[place:place] = words[place : place + 2]
            case _:
                words[place : place + 1] = [dice.choice(_TOKENS)]
    return dice.choice((" ", " ", " ", "", "\t\n")).join(words)
