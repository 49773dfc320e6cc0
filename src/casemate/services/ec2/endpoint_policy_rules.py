"""What a VPC endpoint's policy may not say, so that nobody learns an identifier by guessing at parts of it.

Source: AWS PrivateLink Guide, "Control access to VPC endpoints using endpoint policies", Considerations: no wildcards and
no numeric operators with global keys of system-generated identifiers; with string operators, six characters in a row
beside each wildcard; the account part of an ARN is an account or a wildcard, not both. The `NO_WILDCARD` words were
observed by those whose technique of guessing identifiers the rules answered; the other messages are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from casemate.policy.document import ConditionClause, Policy

_IDENTIFIERS = frozenset(
    name.lower()
    for name in (
        "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:ResourceAccount", "aws:ResourceOrgID", "aws:SourceAccount",
        "aws:SourceOrgID", "aws:SourceVpc", "aws:SourceVpce", "aws:VpceAccount", "aws:VpceOrgID",
    )
)  # fmt: skip
"""The page names aws:PrincipalAccount and aws:SourceVpc as examples; these are of their kind."""
_RUN = 6
_WILDCARD = re.compile(r"[*?]")


def broken_rule(policy: Policy) -> str | None:
    """What is wrong with the policy; None when nothing is."""
    for statement in policy.statements:
        for resource in (*statement.resources, *statement.not_resources):
            if _mixed_account(resource):
                return f"the account of {resource} is an account ID or a wildcard, not both"
        for clause in statement.conditions:
            found = _clause(clause)
            if found is not None:
                return found
    return None


def _clause(clause: ConditionClause) -> str | None:
    operator = clause.operator.rpartition(":")[2].removesuffix("IfExists")
    matches = operator.endswith("Like") or operator.startswith("Arn")
    if clause.key.lower() in _IDENTIFIERS:
        if operator.startswith("Numeric"):
            return f"condition key {clause.key} does not take the operator {clause.operator}"
        at_risk = _first(value for value in clause.values if matches and _WILDCARD.search(value))
        if at_risk is not None:
            return f"condition key {clause.key} with value {at_risk} is at risk of NO_WILDCARD"
    if operator in ("StringLike", "StringNotLike"):
        bare = _first(value for value in clause.values if not _anchored(value))
        if bare is not None:
            return f"{bare} of condition key {clause.key} has fewer than {_RUN} characters beside a wildcard"
    mixed = _first(value for value in clause.values if _mixed_account(value))
    return None if mixed is None else f"the account of {mixed} is an account ID or a wildcard, not both"


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)


def _anchored(value: str) -> bool:
    """Whether each wildcard has six characters in a row before or after it."""
    pieces = _WILDCARD.split(value)
    return all(max(len(before), len(after)) >= _RUN for before, after in pairwise(pieces))


def _mixed_account(value: str) -> bool:
    parts = value.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return False
    account = parts[4]
    return bool(_WILDCARD.search(account)) and account.strip("*?") != ""
