"""Complaints about an expression. DynamoDB reports one, by kind, not by place: the lowest rank wins."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from casemate.tables.errors import validation


class Rank(IntEnum):
    """The order in which DynamoDB looks for what is wrong, once the expression parses.

    Observed (dynalite's recorded answers of DynamoDB, test/updateItem.js and test/query.js).
    """

    RESERVED = 0
    FUNCTION_NAME = 1
    SECTION = 2
    UNDEFINED = 3
    OVERLAP = 4
    CONFLICT = 5
    PLACE = 6
    """A function used where it does not belong."""
    ACTION_OPERAND = 7
    """The operand of ADD and DELETE."""
    OPERAND_COUNT = 8
    DOCUMENT_PATH = 9
    OPERAND_TYPE = 10
    DISTINCT = 11


class SyntaxProblem(Exception):  # noqa: N818  # it is turned into a ValidationException where the label is known
    """The expression does not parse; holds the words after `Invalid <label>: `."""


@dataclass(kw_only=True, slots=True)
class Problems:
    """Gathers complaints; `check` raises the first in DynamoDB's order."""

    label: str
    """`ConditionExpression`, `FilterExpression`, ..."""
    found: list[tuple[Rank, int, str]] = field(default_factory=list[tuple[Rank, int, str]])

    def add(self, rank: Rank, message: str) -> None:
        self.found.append((rank, len(self.found), message))

    def check(self) -> None:
        """Raise the complaint of the lowest rank, if any."""
        if self.found:
            raise validation(f"Invalid {self.label}: {min(self.found)[2]}")
