"""ExpressionAttributeNames and ExpressionAttributeValues: checked once per request, used by all its expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from casemate.model.errors import AwsError
from casemate.tables.errors import validation
from casemate.tables.values import Item, Value, check_names, from_wire

_NAME_KEY = re.compile(r"#[A-Za-z0-9_]+")
_VALUE_KEY = re.compile(r":[A-Za-z0-9_]+")
MAX_KEY_BYTES = 255


@dataclass(kw_only=True, slots=True)
class Placeholders:
    """The names and values of a request.

    Not frozen only because making a frozen one costs microseconds; nobody changes it.
    """

    names: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Item = field(default_factory=dict[str, Value])


NO_PLACEHOLDERS = Placeholders()


def read_placeholders(names: Mapping[str, str] | None, values: Mapping[str, Any] | None) -> Placeholders:
    """Check both maps; ValidationException with AWS's words."""
    if names is None and values is None:
        return NO_PLACEHOLDERS
    if names is not None:
        _check_keys("ExpressionAttributeNames", names, _NAME_KEY)
        for key, name in names.items():
            try:
                check_names((name,))
            except AwsError as error:
                raise validation(
                    f"ExpressionAttributeNames contains invalid value: {error.message} for key {key}"
                ) from None
    if values is not None:
        _check_keys("ExpressionAttributeValues", values, _VALUE_KEY)
    read = {key: _value(key, value) for key, value in (values or {}).items()}
    return Placeholders(names=dict(names or {}), values=read)


def _check_keys(parameter: str, given: Mapping[str, Any], pattern: re.Pattern[str]) -> None:
    if not given:
        raise validation(f"{parameter} must not be empty")
    for key in given:
        if not _fits(pattern, key):
            raise validation(f"{parameter} contains invalid key: {_misfit(parameter, key)}")


def _misfit(parameter: str, key: str) -> str:
    """The length comes first, and of a name it is said how long it is (ExtendDB's dual-target tests, us-east-1)."""
    size = len(key.encode())
    if size <= MAX_KEY_BYTES:
        return f'Syntax error; key: "{key}"'
    told = f" size of key: {size}" if parameter == "ExpressionAttributeNames" else ""
    return f"The expression attribute map contains a key that is too long;{told}"


@lru_cache(maxsize=4096)
def _fits(pattern: re.Pattern[str], key: str) -> bool:
    return len(key) <= MAX_KEY_BYTES and pattern.fullmatch(key) is not None


def _value(key: str, wire: Any) -> Value:
    try:
        return from_wire(wire)
    except AwsError as error:
        if error.code != "ValidationException" or error.message.startswith("Nesting"):
            raise
        raise validation(
            f"ExpressionAttributeValues contains invalid value: {error.message} for key {key}"
        ) from None


def check_all_used(placeholders: Placeholders, names: Iterable[str], values: Iterable[str]) -> None:
    """Every name and value of the request must be used by one of its expressions."""
    for parameter, given, used in (
        ("ExpressionAttributeNames", placeholders.names, names),
        ("ExpressionAttributeValues", placeholders.values, values),
    ):
        known = frozenset(used)
        unused = [key for key in given if key not in known]
        if unused:
            raise validation(
                f"Value provided in {parameter} unused in expressions: keys: {{{', '.join(unused)}}}"
            )
