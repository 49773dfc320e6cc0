"""The complaints about a statement that does not parse."""

from __future__ import annotations

from typing import Final

from casemate.model.errors import AwsError
from casemate.tables.errors import validation

LEFTOVER: Final = "Unexpected token after expression"
TERM: Final = "Unexpected term"
KEYWORD: Final = "Unexpected keyword"
OPERATOR: Final = "Unexpected operator"
NO_RIGHT_SIDE: Final = "Missing right-hand side expression of infix operator"
NO_TYPE: Final = "Expected type name"
NO_TABLE: Final = "Expected identifier for simple path"
NO_STATEMENT: Final = "Expected data manipulation"
PATH_COMPONENT: Final = "Invalid path dot component"
"""AWS's words (observed: paritysuite/dynamodb-conformance, partiqlGrammar and partiqlFunctions, October 2026)."""
ALIAS: Final = "Aliasing is not supported"
EMPTY_NAME: Final = "Path component cannot be an empty string"
LONG_PATH: Final = "A path may contain at most 2 components in the FROM clause"
"""Of a table, without the prefix (observed: the same, partiqlIndexQualifier)."""


def malformed(reason: str) -> AwsError:
    """AWS documents no list of the reasons: those above are its own, the others ours."""
    return validation(f"Statement wasn't well formed, can't be processed: {reason}")
