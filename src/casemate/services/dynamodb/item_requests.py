"""Reading the parameters that item operations share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.legacy import Modernized, check_placeholders
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.lexer import EXPRESSIONS as EXPRESSION_LIMITS
from casemate.tables.expressions.lexer import REWRITTEN
from casemate.tables.expressions.placeholders import NO_PLACEHOLDERS, read_placeholders
from casemate.tables.writes import Guard

_last: tuple[Mapping[str, Any], Compiler] | None = None
"""The checks of a request and its handler, which follow each other, compile the same expressions."""


def compiler_of(params: Mapping[str, Any]) -> Compiler:
    """A compiler with the request's names and values; the same one for the same parameters."""
    global _last  # noqa: PLW0603 - a cache of one
    if _last is None or _last[0] is not params:
        _last = (params, _new_compiler(params))
    return _last[1]


def _new_compiler(params: Mapping[str, Any]) -> Compiler:
    names, values = params.get("ExpressionAttributeNames"), params.get("ExpressionAttributeValues")
    if names is None and values is None:
        return _WITHOUT_PLACEHOLDERS
    check_placeholders(params)
    limits = REWRITTEN if isinstance(params, Modernized) else EXPRESSION_LIMITS
    return Compiler(read_placeholders(names, values), limits=limits)


_WITHOUT_PLACEHOLDERS = Compiler(NO_PLACEHOLDERS)
"""It keeps nothing of a request: there is nothing to be used."""


def guard_of(params: Mapping[str, Any], compiler: Compiler) -> Guard | None:
    """The ConditionExpression."""
    text = params.get("ConditionExpression")
    if text is None:
        return None
    return Guard(
        condition=compiler.condition(text),
        values=compiler.placeholders.values,
        return_item=params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
    )


def returns_old(params: Mapping[str, Any]) -> bool:
    """ReturnValues of an operation after which there is nothing new."""
    wanted = params.get("ReturnValues")
    if wanted not in (None, "NONE", "ALL_OLD"):
        raise validation("ReturnValues can only be ALL_OLD or NONE")
    return wanted == "ALL_OLD"
