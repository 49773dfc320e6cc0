"""Reading the parameters that item operations share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.legacy import EXPRESSIONS, Modernized
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
    _check_expressions(params, names=names is not None)
    limits = REWRITTEN if isinstance(params, Modernized) else EXPRESSION_LIMITS
    return Compiler(read_placeholders(names, values), limits=limits)


_WITHOUT_PLACEHOLDERS = Compiler(NO_PLACEHOLDERS)
"""It keeps nothing of a request: there is nothing to be used."""


def _check_expressions(params: Mapping[str, Any], *, names: bool) -> None:
    for member in EXPRESSIONS:
        if params.get(member) is not None:
            return
    parameter = "ExpressionAttributeNames" if names else "ExpressionAttributeValues"
    raise validation(f"{parameter} can only be specified when using expressions")


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


def check_return_values(params: Mapping[str, Any]) -> str:
    """ReturnValues, where the operation takes only two of them.

    Its words: ExtendDB's tests/test_wording_parity_validation.py (us-east-1), paritysuite/dynamodb-conformance.
    """
    wanted = params.get("ReturnValues") or "NONE"
    if wanted not in ("NONE", "ALL_OLD"):
        raise validation("ReturnValues can only be ALL_OLD or NONE")
    return wanted
