"""The condition operators, one table. Source: IAM User Guide, "IAM JSON policy elements: Condition operators".

Each family turns the policy's values into a test of one value of the request. Negation, set operators, IfExists and
absent keys are not here: they are the same for every family and live in `conditions`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from operator import eq, ge, gt, le, lt
from typing import Any

from msgspec import Struct

from casemate.policy.patterns import Matcher, compile_arn, compile_glob
from casemate.policy.variables import Resolved, text_of

Family = Callable[[Sequence[Resolved]], Matcher]
"""From the policy's values, variables replaced, to a test of one value of the request."""


class Operator(Struct, frozen=True, kw_only=True):
    """An operator's name, taken apart."""

    name: str
    """Without its set operator and IfExists: `StringNotEquals`."""
    family: Family
    negated: bool = False
    """True: the condition holds when *no* value of the policy matches."""
    takes_variables: bool = False
    quantifier: str = ""
    """`ForAllValues`, `ForAnyValue` or empty."""
    if_exists: bool = False


def _any_of(matchers: Sequence[Matcher]) -> Matcher:
    if len(matchers) == 1:
        return matchers[0]

    def matches(actual: str) -> bool:
        return any(matcher(actual) for matcher in matchers)

    return matches


def _equals(values: Sequence[Resolved]) -> Matcher:
    return frozenset(text_of(value) for value in values).__contains__


def _equals_ignoring_case(values: Sequence[Resolved]) -> Matcher:
    expected = frozenset(text_of(value).lower() for value in values)
    return lambda actual: actual.lower() in expected


def _like(values: Sequence[Resolved]) -> Matcher:
    return _any_of([compile_glob(value) for value in values])


def _arn(values: Sequence[Resolved]) -> Matcher:
    # ArnEquals and ArnLike "behave identically".
    return _any_of([compile_arn(value) for value in values])


def _ordered(parse: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Family:
    """A family over values that `parse` gives an order; what does not parse matches nothing."""

    def family(values: Sequence[Resolved]) -> Matcher:
        expected = [number for number in (parse(text_of(value)) for value in values) if number is not None]

        def matches(actual: str) -> bool:
            number = parse(actual)
            return number is not None and any(compare(number, limit) for limit in expected)

        return matches

    return family


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def parse_number(text: str) -> Decimal | None:
    """An integer or decimal number; None for anything else."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?)?)?", re.ASCII
)


@lru_cache(maxsize=4096)
def parse_date(text: str) -> Decimal | None:
    """Seconds since the epoch, of a W3C profile of ISO 8601 date or of a number of seconds; None for anything else.

    "You must specify date/time values with one of the W3C implementations of the ISO 8601 date formats or in epoch
    (UNIX) time." Four digits alone are a year.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        return parse_number(text)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    seconds = Decimal(int(moment.timestamp())) + Decimal(fraction or 0)
    if zone and zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        seconds += offset if zone[0] == "-" else -offset
    return seconds


def _boolean(values: Sequence[Resolved]) -> Matcher:
    return _equals_ignoring_case(values)


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _binary(values: Sequence[Resolved]) -> Matcher:
    expected = frozenset(_decode(text_of(value)) for value in values) - {None}
    return lambda actual: _decode(actual) in expected


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _ip(values: Sequence[Resolved]) -> Matcher:
    networks = [network for network in (_network(text_of(value)) for value in values) if network is not None]

    def matches(actual: str) -> bool:
        address = _address(actual)
        return address is not None and any(address in network for network in networks)

    return matches


def _null(values: Sequence[Resolved]) -> Matcher:
    """Asked with "true" when the key is absent, "false" when it is present (see `conditions`)."""
    return _equals_ignoring_case(values)


def _table() -> dict[str, Operator]:
    rows: list[tuple[str, Family, bool, bool]] = [
        # name, family, negated, takes variables
        ("StringEquals", _equals, False, True),
        ("StringNotEquals", _equals, True, True),
        ("StringEqualsIgnoreCase", _equals_ignoring_case, False, True),
        ("StringNotEqualsIgnoreCase", _equals_ignoring_case, True, True),
        ("StringLike", _like, False, True),
        ("StringNotLike", _like, True, True),
        ("NumericEquals", _ordered(parse_number, eq), False, False),
        ("NumericNotEquals", _ordered(parse_number, eq), True, False),
        ("NumericLessThan", _ordered(parse_number, lt), False, False),
        ("NumericLessThanEquals", _ordered(parse_number, le), False, False),
        ("NumericGreaterThan", _ordered(parse_number, gt), False, False),
        ("NumericGreaterThanEquals", _ordered(parse_number, ge), False, False),
        ("DateEquals", _ordered(parse_date, eq), False, False),
        ("DateNotEquals", _ordered(parse_date, eq), True, False),
        ("DateLessThan", _ordered(parse_date, lt), False, False),
        ("DateLessThanEquals", _ordered(parse_date, le), False, False),
        ("DateGreaterThan", _ordered(parse_date, gt), False, False),
        ("DateGreaterThanEquals", _ordered(parse_date, ge), False, False),
        ("Bool", _boolean, False, False),
        ("BinaryEquals", _binary, False, False),
        ("IpAddress", _ip, False, False),
        ("NotIpAddress", _ip, True, False),
        ("ArnEquals", _arn, False, True),
        ("ArnLike", _arn, False, True),
        ("ArnNotEquals", _arn, True, True),
        ("ArnNotLike", _arn, True, True),
        ("Null", _null, False, False),
    ]
    return {
        name: Operator(name=name, family=family, negated=negated, takes_variables=takes)
        for name, family, negated, takes in rows
    }


OPERATORS = _table()
QUANTIFIERS = ("ForAllValues", "ForAnyValue")
_IF_EXISTS = "IfExists"


def parse_operator(text: str) -> Operator | None:
    """Take `ForAnyValue:StringLikeIfExists` apart; None when AWS has no such operator."""
    quantifier, colon, name = text.rpartition(":")
    if colon and quantifier not in QUANTIFIERS:
        return None
    if_exists = name.endswith(_IF_EXISTS)
    known = OPERATORS.get(name.removesuffix(_IF_EXISTS))
    if known is None or (known.name == "Null" and if_exists):
        # "You can add IfExists to the end of any condition operator name except the Null condition."
        return None
    return Operator(
        name=known.name,
        family=known.family,
        negated=known.negated,
        takes_variables=known.takes_variables,
        quantifier=quantifier,
        if_exists=if_exists,
    )
