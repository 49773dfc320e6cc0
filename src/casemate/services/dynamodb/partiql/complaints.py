"""What is wrong with a statement, in PartiQL's words: those of expressions, without naming the expressions.

Observed: paritysuite/dynamodb-conformance, error-messages/partiql and partiqlFunctions, 2026.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from casemate.model.errors import AwsError
from casemate.services.dynamodb.errors import validation

_LABEL: Final = re.compile(r"Invalid (?:Condition|Filter|Update|Projection)Expression: ")


@contextmanager
def said_plainly() -> Generator[None]:
    """Without the name of an expression that the caller never wrote."""
    try:
        yield
    except AwsError as error:
        if error.code != "ValidationException" or not _LABEL.match(error.message):
            raise
        raise validation(_LABEL.sub("", error.message, count=1)) from None


@contextmanager
def named_in_transaction(number: int) -> Generator[None]:
    """With the statement's place among those of its transaction."""
    try:
        with said_plainly():
            yield
    except AwsError as error:
        if error.code != "ValidationException":
            raise
        raise validation(f"Validation failed in TransactStatements[{number}]: {error.message}") from None
