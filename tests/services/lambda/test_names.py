"""Every form of a function's name, there and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from casemate.services.lambda_.names import FunctionName, parse, parse_arn

NAMES = st.text("abcXYZ019-_", min_size=1, max_size=64).filter(
    lambda name: not name.isdigit() or len(name) != 12
)
QUALIFIERS = st.one_of(st.none(), st.just("$LATEST"), st.text("abc019-_", min_size=1, max_size=20))
ACCOUNT = "111111111111"


@given(name=NAMES.filter(lambda name: name != "function"), qualifier=QUALIFIERS, given_apart=st.booleans())
def test_all_forms_mean_the_same(name: str, qualifier: str | None, given_apart: bool) -> None:
    meant = FunctionName(account=ACCOUNT, region="eu-west-1", name=name, qualifier=qualifier)
    suffix = "" if qualifier is None or given_apart else f":{qualifier}"
    for prefix in (
        "function:",
        f"{ACCOUNT}:function:",
        f"{ACCOUNT}:",
        f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:",
    ):
        found = parse(
            prefix + name + suffix,
            account=ACCOUNT,
            region="eu-west-1",
            qualifier=qualifier if given_apart else None,
        )
        assert found == meant
    assert parse_arn(meant.qualified_arn) == meant
