"""DynamoDB numbers: 38 significant digits, magnitudes from 1E-130 to 9.9..E+125, canonical plain text.

Source: DynamoDB Developer Guide, "Supported data types and naming rules", Number. A number is a normalized Decimal
(no trailing zeros in its coefficient except where its exponent is zero), so that equal numbers are equal Decimals.
"""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, InvalidOperation
from functools import lru_cache

from casemate.model.errors import AwsError
from casemate.tables.errors import validation

DIGITS = 38
# No digit may be read in two ways: the time to refuse a long text would grow with the square of its length.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
_NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
_TOO_MANY_DIGITS = "Attempting to store more than 38 significant digits in a Number"
_OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
_UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
ZERO = Decimal(0)


def parse_number(text: str) -> Decimal:
    """The number `text` stands for; ValidationException with AWS's words otherwise."""
    if text.isdigit() and text.isascii() and len(text) <= DIGITS:
        return Decimal(text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise validation(f"{_NOT_NUMERIC}: {text}" if text else _NOT_NUMERIC)
    try:
        return bounded(Decimal(text))
    except InvalidOperation:
        # The exponent is beyond what Decimal itself can hold.
        if not re.search("[1-9]", re.split("[eE]", text)[0]):
            return ZERO
        raise validation(_UNDERFLOW if match[1].startswith("-") else _OVERFLOW) from None


def bounded(number: Decimal) -> Decimal:
    """`number` normalized; ValidationException when it is outside DynamoDB's range."""
    if not number:
        return ZERO
    number = number.normalize(_EXACT)
    if number.adjusted() > 125:
        raise validation(_OVERFLOW)
    if number.adjusted() < -130:
        raise validation(_UNDERFLOW)
    if len(number.as_tuple().digits) > DIGITS:
        raise validation(_TOO_MANY_DIGITS)
    return number


def add(left: Decimal, right: Decimal) -> Decimal:
    """`left + right`, exact."""
    return _computed(_EXACT.add(left, right))


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """`left - right`, exact."""
    return _computed(_EXACT.subtract(left, right))


def _computed(number: Decimal) -> Decimal:
    """DynamoDB calls it an overflow too when a result has too many digits (ScyllaDB's test/alternator/test_number.py)."""
    try:
        return bounded(number)
    except AwsError as error:
        if error.message == _TOO_MANY_DIGITS:
            raise validation(_OVERFLOW) from None
        raise


def number_text(number: Decimal) -> str:
    """Plain notation without exponent, as DynamoDB returns numbers: 1E125 is a 1 with 125 zeros."""
    return format(number, "f")


@lru_cache(maxsize=16384)
def number_size(number: Decimal) -> int:
    """Bytes a number counts for.

    One, plus one per two significant digits on each side of the decimal point (each side rounded up), plus one for a
    sign. Observed by paritysuite/dynamodb-conformance (numberByteSize, eu-west-2, 2026-08-18); the developer guide's
    rule ("1 byte per two significant digits plus 1 byte") is an approximation of it.
    """
    if not number:
        return 1
    sign, digits, _ = number.as_tuple()
    significant = _significant(digits)
    whole = min(max(number.adjusted() + 1, 0), significant)
    return 1 + (whole + 1) // 2 + (significant - whole + 1) // 2 + sign


def _significant(digits: tuple[int, ...]) -> int:
    size = len(digits)
    while size > 1 and digits[size - 1] == 0:
        size -= 1
    return size


@lru_cache(maxsize=16384)
def encode_number(number: Decimal) -> bytes:
    """Bytes that compare as the numbers do.

    One byte for the sign; then exponent and digits, complemented for negative numbers so that a larger magnitude
    sorts lower. Digits go two to a byte plus one, closed by a zero, which is below every digit pair: 1.2 < 1.23.
    """
    if not number:
        return b"\x01"
    sign, digits, _ = number.as_tuple()
    body = bytearray((number.adjusted() + 200).to_bytes(2, "big"))
    for position in range(0, _significant(digits), 2):
        second = digits[position + 1] if position + 1 < len(digits) else 0
        body.append(digits[position] * 10 + second + 1)
    body.append(0)
    if sign:
        return b"\x00" + bytes(255 - byte for byte in body)
    return b"\x02" + bytes(body)
