"""Requests to a table of things, each beside the tree of what it means, for tests against a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Item = dict[str, Any]
Tree = tuple[Any, ...]
CHOICES = ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
"""ReturnValues."""


def _key(partition: str, sort: str) -> list[Item]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


THINGS: Item = {
    "TableName": "things",
    "KeySchema": _key("p", "s"),
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": code}
        for name, code in (("p", "S"), ("s", "N"), ("l", "S"), ("g", "S"), ("h", "N"))
    ],
    "LocalSecondaryIndexes": [
        {"IndexName": "local", "KeySchema": _key("p", "l"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "global",
            "KeySchema": _key("g", "h"),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
_LATE_INDEX = {
    "IndexName": "late",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
LATE: Item = {
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "GlobalSecondaryIndexUpdates": [{"Create": _LATE_INDEX}],
}

_OPTIONAL: dict[str, list[Item]] = {
    "l": [{"S": "x"}, {"S": "xy"}, {"S": "y\u0000"}],
    "g": [{"S": "red"}, {"S": "blue"}],
    "h": [{"N": "1"}, {"N": "-2.50"}, {"N": "1e3"}],
    "k": [{"S": "late"}, {"S": "é"}, {"N": "7"}],
    "n": [{"N": "1"}, {"N": "2"}, {"N": "1.0"}, {"S": "one"}],
    "t": [{"SS": ["a"]}, {"SS": ["b", "a"]}],
    "v": [{"BOOL": True}, {"NULL": True}, {"L": []}, {"M": {"x": {"S": ""}}}, {"NS": ["1", "2.0"]}],
    "m": [{"M": {"k": {"N": "1"}}}, {"M": {}}],
    "ls": [{"L": [{"N": "1"}, {"S": "two"}, {"L": [{"N": "3"}]}]}],
    "e": [{"N": "1795200000"}, {"N": "1795260000.5"}, {"N": "1"}, {"N": "9999999999"}, {"S": "1"}],
}
"""The second lies an hour or two after the tests' beginning, the third too far back to be believed."""
keys: st.SearchStrategy[Item] = st.builds(
    lambda p, s: {"p": {"S": p}, "s": {"N": s}},
    st.sampled_from(("a", "b")),
    st.sampled_from(("-2", "0", "1.5", "15e-1", "1E+1")),
)
items: st.SearchStrategy[Item] = st.builds(
    lambda key, rest: {**key, **rest},
    keys,
    st.fixed_dictionaries({}, optional={name: st.sampled_from(found) for name, found in _OPTIONAL.items()}),
)


def path(*steps: Any) -> Tree:
    return ("path", steps)


@dataclass(frozen=True, kw_only=True)
class Condition:
    text: str
    tree: Tree
    values: Item = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Update:
    text: str
    actions: list[Tree]
    values: Item = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Query:
    """A Query, the tree of its key condition, that of its filter, and the attribute that it sorts by."""

    members: Item
    key: Tree
    order: str
    index: str | None = None
    filter: Tree | None = None


def _value(wire: Item) -> Tree:
    return ("value", wire)


def described(values: Item) -> Item:
    return {"ExpressionAttributeValues": values} if values else {}


def conditioned(condition: Condition | None) -> Item:
    if condition is None:
        return {}
    return {"ConditionExpression": condition.text, **described(condition.values)}


def merged(update: Update, condition: Condition | None) -> Item:
    """The members of an UpdateItem; the placeholders of the two have different names."""
    values = {**update.values, **(condition.values if condition else {})}
    return {"UpdateExpression": update.text, **conditioned(condition), **described(values)}


_ONE, _RED, _X, _SET = {"N": "1"}, {"S": "red"}, {"S": "x"}, {"SS": ["a"]}
_EXISTS = ("call", "attribute_exists", (path("p"),))
CONDITIONS = (
    Condition(text="attribute_exists(p)", tree=_EXISTS),
    Condition(text="attribute_not_exists(p)", tree=("call", "attribute_not_exists", (path("p"),))),
    Condition(text="n >= :c1", values={":c1": _ONE}, tree=("compare", ">=", path("n"), _value(_ONE))),
    Condition(
        text="contains(t, :c2) OR NOT g = :c3",
        values={":c2": {"S": "b"}, ":c3": _RED},
        tree=("or", ("call", "contains", (path("t"), _value({"S": "b"}))), ("not", ("compare", "=", path("g"), _value(_RED)))),
    ),
    Condition(
        text="size(ls) > :c1 AND ls[2][0] BETWEEN :c1 AND :c4",
        values={":c1": _ONE, ":c4": {"N": "3.0"}},
        tree=(
            "and",
            ("compare", ">", ("call", "size", (path("ls"),)), _value(_ONE)),
            ("between", path("ls", 2, 0), _value(_ONE), _value({"N": "3"})),
        ),
    ),
    Condition(
        text="m.k IN (:c1, n) OR attribute_type(k, :c5)",
        values={":c1": _ONE, ":c5": {"S": "N"}},
        tree=(
            "or",
            ("in", path("m", "k"), (_value(_ONE), path("n"))),
            ("call", "attribute_type", (path("k"), _value({"S": "N"}))),
        ),
    ),
)  # fmt: skip
UPDATES = (
    Update(text="SET v = :u1", values={":u1": _RED}, actions=[("set", ("v",), _value(_RED))]),
    Update(text="ADD n :u2", values={":u2": _ONE}, actions=[("add", ("n",), _value(_ONE))]),
    Update(text="REMOVE l, ls[0], m.k", actions=[("remove", ("l",)), ("remove", ("ls", 0)), ("remove", ("m", "k"))]),
    Update(text="REMOVE l, g", actions=[("remove", ("l",)), ("remove", ("g",))]),
    Update(
        text="SET n = if_not_exists(n, :u3) + :u2, g = :u1, h = n",
        values={":u1": _RED, ":u2": _ONE, ":u3": {"N": "0"}},
        actions=[
            ("set", ("n",), ("+", ("call", "if_not_exists", (path("n"), _value({"N": "0"}))), _value(_ONE))),
            ("set", ("g",), _value(_RED)),
            ("set", ("h",), path("n")),
        ],
    ),
    Update(text="ADD t :u4", values={":u4": {"SS": ["c"]}}, actions=[("add", ("t",), _value({"SS": ["c"]}))]),
    Update(text="DELETE t :u5", values={":u5": _SET}, actions=[("delete", ("t",), _value(_SET))]),
    Update(
        text="SET ls = list_append(:u6, ls), m.x = m.k REMOVE v",
        values={":u6": {"L": [_X]}},
        actions=[
            ("set", ("ls",), ("call", "list_append", (_value({"L": [_X]}), path("ls")))),
            ("set", ("m", "x"), path("m", "k")),
            ("remove", ("v",)),
        ],
    ),
    Update(text="SET k = :u1, l = :u1", values={":u1": _RED}, actions=[("set", ("k",), _value(_RED)), ("set", ("l",), _value(_RED))]),
    Update(text="SET k = :u2", values={":u2": _ONE}, actions=[("set", ("k",), _value(_ONE))]),
)  # fmt: skip
LEGACY_UPDATES: tuple[tuple[Item, list[Tree]], ...] = (
    ({"n": {"Action": "ADD", "Value": _ONE}}, [("add", ("n",), _value(_ONE))]),
    ({"v": {"Value": _RED}, "l": {"Action": "DELETE"}}, [("set", ("v",), _value(_RED)), ("remove", ("l",))]),
    ({"t": {"Action": "DELETE", "Value": _SET}}, [("delete", ("t",), _value(_SET))]),
    ({}, []),
)
LEGACY_CONDITIONS: tuple[tuple[Item, Tree], ...] = (
    ({"p": {"Exists": False}}, ("call", "attribute_not_exists", (path("p"),))),
    ({"g": {"Value": _RED}}, ("compare", "=", path("g"), _value(_RED))),
    (
        {
            "n": {"ComparisonOperator": "LE", "AttributeValueList": [_ONE]},
            "l": {"ComparisonOperator": "NOT_NULL"},
        },
        ("and", ("compare", "<=", path("n"), _value(_ONE)), ("call", "attribute_exists", (path("l"),))),
    ),
)
OLD_FILTER = Condition(
    text="OR",
    values={
        "n": {"ComparisonOperator": "GT", "AttributeValueList": [_ONE]},
        "t": {"ComparisonOperator": "NULL"},
    },
    tree=(
        "or",
        ("compare", ">", path("n"), _value(_ONE)),
        ("call", "attribute_not_exists", (path("t"),)),
    ),
)
"""A ScanFilter and its ConditionalOperator."""
PARTIQL_UPDATES: tuple[tuple[str, list[Tree], Tree | None], ...] = (
    ("SET n = n + 1", [("set", ("n",), ("+", path("n"), _value(_ONE)))], None),
    ("SET v = {'x': [1, 'two', NULL]} REMOVE l",
     [("set", ("v",), _value({"M": {"x": {"L": [_ONE, {"S": "two"}, {"NULL": True}]}}})), ("remove", ("l",))], None),
    ("SET t = set_add(t, <<'z'>>)", [("add", ("t",), _value({"SS": ["z"]}))], None),
    ("SET ls = list_append(ls, [1])", [("set", ("ls",), ("call", "list_append", (path("ls"), _value({"L": [_ONE]}))))], None),
)  # fmt: skip


def _is(name: str, wire: Item) -> Tree:
    return ("compare", "=", path(name), _value(wire))


_A, _LOW, _HIGH = {"S": "a"}, {"N": "-1"}, {"N": "1.50"}
_IN_A = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": _A}}


def _query(text: str, *, index: str | None = None, filter_text: str | None = None, **values: Item) -> Item:
    members: Item = {
        "KeyConditionExpression": text,
        **described({f":{name}": wire for name, wire in values.items()}),
    }
    if index is not None:
        members["IndexName"] = index
    return members if filter_text is None else {**members, "FilterExpression": filter_text}


QUERIES = (
    Query(members=_query("p = :p", p=_A), key=_is("p", _A), order="s"),
    Query(
        members=_query("s BETWEEN :l AND :h AND p = :p", p=_A, l=_LOW, h=_HIGH),
        key=("and", _is("p", _A), ("between", path("s"), _value(_LOW), _value(_HIGH))),
        order="s",
    ),
    Query(
        members=_query(
            "p = :p AND :h > s", p=_A, h=_HIGH, one=_ONE, filter_text="n = :one OR attribute_exists(m.k)"
        ),
        key=("and", _is("p", _A), ("compare", "<", path("s"), _value(_HIGH))),
        filter=("or", _is("n", _ONE), ("call", "attribute_exists", (path("m", "k"),))),
        order="s",
    ),
    Query(
        members=_query("g = :g AND h >= :l", index="global", g=_RED, l=_LOW),
        key=("and", _is("g", _RED), ("compare", ">=", path("h"), _value(_LOW))),
        index="global",
        order="h",
    ),
    Query(
        members=_query("p = :p AND begins_with(l, :x)", index="local", p=_A, x=_X),
        key=("and", _is("p", _A), ("call", "begins_with", (path("l"), _value(_X)))),
        index="local",
        order="l",
    ),
    Query(
        members=_query("k = :k", index="late", k={"S": "late"}),
        key=_is("k", {"S": "late"}),
        index="late",
        order="k",
    ),
    Query(
        members={
            "KeyConditions": {
                "p": {"ComparisonOperator": "EQ", "AttributeValueList": [_A]},
                "s": {"ComparisonOperator": "GT", "AttributeValueList": [_LOW]},
            },
            "QueryFilter": {
                "n": {"ComparisonOperator": "NE", "AttributeValueList": [_ONE]},
                "t": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [_A]},
            },
            "ConditionalOperator": "AND",
        },
        key=("and", _is("p", _A), ("compare", ">", path("s"), _value(_LOW))),
        filter=(
            "and",
            ("compare", "<>", path("n"), _value(_ONE)),
            ("call", "contains", (path("t"), _value(_A))),
        ),
        order="s",
    ),
)


def literal(wire: Item) -> str:
    """A value in PartiQL."""
    ((code, raw),) = wire.items()
    match code:
        case "S":
            return "'" + raw.replace("'", "''") + "'"
        case "N":
            return raw.replace("+", "")
        case "BOOL":
            return str(raw).lower()
        case "NULL":
            return "NULL"
        case "SS" | "NS":
            return "<<" + ", ".join(literal({code[0]: one}) for one in raw) + ">>"
        case "L":
            return "[" + ", ".join(map(literal, raw)) + "]"
        case _:
            return "{" + ", ".join(f"'{name}': {literal(member)}" for name, member in raw.items()) + "}"
