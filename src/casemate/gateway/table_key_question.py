"""May somebody who may use a table use the KMS key that the table is encrypted with?

Source: DynamoDB Developer Guide, "DynamoDB encryption at rest: How it works": the table key is decrypted, with the caller's
own permissions, for each access to the table's data.
"""

from __future__ import annotations

from msgspec import Struct

from casemate.gateway.authorization import Authorizer, Situation, refusal
from casemate.gateway.context_keys import forwarded_keys, forwarded_origin
from casemate.model.arns import Arn
from casemate.model.errors import AwsError
from casemate.model.principals import Principal
from casemate.policy.decision import Decision
from casemate.servicekit.ports import Tables
from casemate.servicekit.service import Check

_ITEMS = frozenset(
    f"dynamodb:{name}"
    for name in (
        "BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PartiQLDelete",
        "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate", "PutItem", "Query", "Scan", "UpdateItem",
    )
)  # fmt: skip
"""What reaches a table's data, and so asks for its key."""


class KeyRefusal(Struct, frozen=True, kw_only=True):
    """Why the key cannot be used."""

    decision: Decision | None
    """KMS's, when it is the policies that refuse."""
    message: str
    """DynamoDB's answer."""


def key_refusal(
    situation: Situation, check: Check, *, tables: Tables, authorizer: Authorizer
) -> KeyRefusal | None:
    """What stands between an allowed call and the table's data; None where nothing does."""
    if check.action not in _ITEMS:
        return None
    table = Arn.parse(check.resource)
    refused: list[Decision] = []

    def authorize(check: Check, *, principal: Principal | None = None, through: str | None = None) -> None:
        caller = principal or situation.principal
        inside = Situation(
            service="kms",
            region=situation.region,
            principal=caller,
            origin=None if principal else forwarded_origin(situation.origin),
            request=forwarded_keys(situation.request, through, caller) if through else situation.request,
        )
        decision = authorizer.decide(inside, check)
        if not decision.allowed:
            refused.append(decision)
            raise refusal("kms", decision)

    try:
        tables.unlock(
            account=table.account,
            region=table.region,
            name=table.resource.partition("/")[2],
            principal=situation.principal,
            authorize=authorize,
        )
    except AwsError as error:
        return KeyRefusal(decision=refused[0] if refused else None, message=f"{error.code}: {error.message}")
    return None
