"""Reading the parameters that item operations share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from casemate.services.dynamodb.errors import not_modelled, validation
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.writes import Guard

LEGACY = (
    "Expected",
    "AttributeUpdates",
    "ConditionalOperator",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
    "AttributesToGet",
)
EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)


def compiler_of(params: Mapping[str, Any]) -> Compiler:
    """A compiler with the request's names and values."""
    if not LEGACY_SET.isdisjoint(params):
        _refuse_legacy(params)
    names, values = params.get("ExpressionAttributeNames"), params.get("ExpressionAttributeValues")
    if names is not None or values is not None:
        _check_expressions(params, names=names is not None)
    return Compiler(read_placeholders(names, values))


LEGACY_SET = frozenset(LEGACY)


def _refuse_legacy(params: Mapping[str, Any]) -> None:
    legacy = [member for member in LEGACY if params.get(member) is not None]
    modern = [member for member in EXPRESSIONS if params.get(member) is not None]
    if legacy and modern:
        raise validation(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(legacy)}}} Expression parameters: {{{', '.join(modern)}}}"
        )
    if legacy:
        raise not_modelled(f"the legacy parameter {legacy[0]}; use an expression instead")


def _check_expressions(params: Mapping[str, Any], *, names: bool) -> None:
    if any(params.get(member) is not None for member in EXPRESSIONS):
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


def check_return_values(params: Mapping[str, Any], allowed: Iterable[str]) -> str:
    """ReturnValues, where the operation takes only some of them."""
    wanted = params.get("ReturnValues") or "NONE"
    if wanted not in allowed:
        raise validation("Return values set to invalid value")
    return wanted
