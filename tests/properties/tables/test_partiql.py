"""Whatever text comes as a PartiQL statement is a statement or a ValidationException, soon."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.model.errors import AwsError
from casemate.tables.partiql.nodes import Parsed
from casemate.tables.partiql.parser import parse

WORDS = (
    "SELECT * FROM t.i WHERE ORDER BY DESC INSERT INTO VALUE UPDATE SET REMOVE DELETE RETURNING ALL OLD EXISTS ( ) [ ] "
    "{ } << >> , . ; : ? = <> != < <= > >= + - AND OR NOT IN IS BETWEEN MISSING NULL TRUE 1 1.5e3 'text' 'it''s' a b "
    '"quoted name" a.b a[0] contains(a, begins_with( size( ' + "' \" # \\ \x00 é"
).split(" ")
SOUP = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)
STARTS = st.sampled_from(
    (
        "SELECT * FROM t WHERE ",
        "UPDATE t SET a = ",
        "DELETE FROM t WHERE a = 1 AND ",
        "INSERT INTO t VALUE {'a': ",
    )
)


@settings(max_examples=400, deadline=1000)
@given(st.one_of(SOUP, st.text(max_size=60), st.builds(str.__add__, STARTS, SOUP)))
def test_any_text_is_a_statement_or_refused(text: str) -> None:
    assert isinstance(outcome(text), Parsed) or outcome(text) == "ValidationException"


def outcome(text: str) -> Parsed | str:
    try:
        return parse.__wrapped__(text)
    except AwsError as error:
        return error.code


@given(st.text(max_size=30), st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_literals_mean_what_they_say(text: str, number: object) -> None:
    quoted = text.replace("'", "''")
    statement = parse.__wrapped__(f"INSERT INTO t VALUE {{'s': '{quoted}', 'n': {number}}}").statement
    (_, string), (_, read) = statement.value.members  # type: ignore[union-attr]  # an INSERT of a map
    assert string.value == text  # type: ignore[union-attr]
    assert read.value == str(number)  # type: ignore[union-attr]
