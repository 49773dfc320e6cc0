"""The ways to name a function. Pure.

API reference, "FunctionName": name (`my-function`), ARN (`arn:aws:lambda:us-west-2:123456789012:function:my-function`),
partial ARN (`123456789012:function:my-function`), each with an optional `:qualifier`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from casemate.services.lambda_ import errors

LATEST = "$LATEST"
_FORM = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:)?"
    r"(?:(?P<region>[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9\-_]+)"
    r"(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9\-_]+))?"
)
_NAME_LIMIT = 64
"""CreateFunction: "the length constraint [...] is limited to 64 characters in length" for the name alone."""


class FunctionName(Struct, frozen=True, kw_only=True):
    """A function, and perhaps a version or alias of it."""

    account: str
    region: str
    name: str
    qualifier: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """As collections know it."""
        return (self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        """Without the qualifier."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def qualified_arn(self) -> str:
        """With the qualifier, if there is one."""
        return self.arn if self.qualifier is None else f"{self.arn}:{self.qualifier}"


@lru_cache(1024)
def parse(text: str, *, account: str, region: str, qualifier: str | None = None) -> FunctionName:
    """Parse any form; what it leaves out is the caller's. AwsError ValidationException or InvalidParameterValue..."""
    match = _FORM.fullmatch(text)
    if (
        match is None
        or len(match["name"]) > _NAME_LIMIT
        or (text.startswith("arn:") and not match["account"])
    ):
        raise errors.constraint(text, "functionName", f"satisfy regular expression pattern: {_FORM.pattern}")
    if match["region"] not in (None, region):
        # Observed: alexcasalboni/aws-lambda-power-tuning#18 on GitHub.
        raise errors.not_found_here(
            f"Functions from '{match['region']}' are not reachable in this region ('{region}')"
        )
    named = match["qualifier"]
    if named is not None and qualifier is not None and named != qualifier:
        raise errors.invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return FunctionName(
        account=match["account"] or account, region=region, name=match["name"], qualifier=qualifier or named
    )


def parse_arn(arn: str) -> FunctionName | None:
    """A function's full ARN; None when it is something else."""
    match = _FORM.fullmatch(arn)
    if match is None or not arn.startswith("arn:") or match["account"] is None or match["region"] is None:
        return None
    return FunctionName(
        account=match["account"], region=match["region"], name=match["name"], qualifier=match["qualifier"]
    )
