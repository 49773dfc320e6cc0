"""What the operations are authorized on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from casemate.servicekit.service import Check, Context, Params
from casemate.services.logs import errors, registry
from casemate.services.logs.state import LogGroup, LogsState

OPERATIONS = registry.OPERATIONS
Ctx = Context[LogsState]


def checked(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    """One check of `action` on the stream the input names; an absent name leaves its part of the ARN empty.

    That is the ARN which access-denied messages show, also for operations on groups
    (`arn:aws:logs:...:log-group:NAME:log-stream:`), and why policies end in `:*`.
    """

    def checks(ctx: Ctx, params: Params) -> Iterable[Check]:
        name = named_group(params)
        stream = params.get("logStreamName") or ""
        yield Check(
            action=f"logs:{action}", resource=ctx.arn("logs", f"log-group:{name}:log-stream:{stream}")
        )

    return checks


def named_group(params: Params) -> str:
    """The group an input names, by name or by ARN; empty when it names none."""
    identifier = params.get("logGroupName") or params.get("logGroupIdentifier") or ""
    if identifier.startswith("arn:"):
        parts = identifier.removesuffix(":*").split(":", 6)
        if len(parts) != 7 or parts[5] != "log-group":
            raise errors.invalid("Invalid log group identifier")
        return parts[6]
    return str(identifier)


def group_of(ctx: Ctx, params: Params) -> LogGroup:
    """The group an input names; AwsError when it names none or one that does not exist."""
    name = named_group(params)
    if not name:
        raise errors.invalid("Exactly one of logGroupName or logGroupIdentifier must be specified.")
    return ctx.state.group(ctx.account, ctx.region, name)


_TOKEN_DIGITS = 9
"""More than a token of ours has; int() would refuse a few thousand."""


def offset_of(token: str | None) -> int:
    """The place that a list operation's token stands for."""
    if token is None:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= _TOKEN_DIGITS):
        raise errors.invalid("The specified nextToken is invalid.")
    return int(token)
