"""Filter patterns for unstructured log events. Pure.

Source: CloudWatch Logs User Guide, "Filter pattern syntax": terms, exact phrases, `?` (any of), `-` (none of). Patterns
for JSON and space-delimited events and regular expressions are refused rather than misunderstood.
"""

from __future__ import annotations

import re

from msgspec import Struct

_TERM = re.compile(r'\s*([?-]?)("(?:[^"\\]|\\.)*"|[^\s"]+)')


class PatternError(Exception):
    """Not a pattern, or not one that is understood here."""


class FilterPattern(Struct, frozen=True, kw_only=True):
    """Matches when it holds all of `required`, none of `excluded`, and, if there are `optional`, one of them.

    Matching is case-sensitive.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def matches(self, message: str) -> bool:
        """Whether a message is selected."""
        if any(term in message for term in self.excluded):
            return False
        if not all(term in message for term in self.required):
            return False
        return not self.optional or any(term in message for term in self.optional)


def parse(text: str) -> FilterPattern:
    """Parse a pattern; an empty one matches everything."""
    stripped = text.strip()
    if stripped.startswith(("{", "[", "%")):
        raise PatternError("Casemate understands term patterns only, not JSON, space-delimited or regex ones")
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(stripped):
        match = _TERM.match(stripped, position)
        if match is None:
            raise PatternError("Invalid filter pattern")
        kind, term = match.group(1), match.group(2)
        if term.startswith('"'):
            term = re.sub(r"\\(.)", r"\1", term[1:-1])
        elif not re.fullmatch(r"[\w.:/\-]+", term):
            # "terms with non-alphanumeric characters must be in double quotation marks"
            raise PatternError("Invalid character(s) in term '" + term + "'")
        terms[kind].append(term)
        position = match.end()
    return FilterPattern(required=tuple(terms[""]), optional=tuple(terms["?"]), excluded=tuple(terms["-"]))
