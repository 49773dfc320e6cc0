"""What a document must be to become the resource-based policy of a table or of a stream, and how it is kept.

Sources: Developer Guide, "Resource-based policy considerations", "DynamoDB API operations supported by resource-based
policies" and "Blocking public access with resource-based policies"; AWS's answers and what it reads back as recorded by
ack-api-quirks, DDB-TABLE-207, 208, 211, 351 to 356 and 442.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from casemate.model.errors import AwsError
from casemate.policy.catalogue import action as catalogued
from casemate.policy.decision import PolicyType
from casemate.policy.document import ConditionClause, Policy, PrincipalSpec, Statement
from casemate.policy.errors import MalformedPolicy
from casemate.policy.parser import parse_policy
from casemate.services.dynamodb.errors import validation
from casemate.tables.errors import INVALID

MAX_POLICY_BYTES = 20 * 1024
_DOCUMENT = ("Version", "Id", "Statement")
_STATEMENT = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip
_OLDEST_VERSION = '{"Version":"2008-10-17",'
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_OF_NO_POLICY = frozenset(
    f"dynamodb:{name}".lower()
    for name in ("CreateTable", "RestoreTableFromBackup", "ImportTable", "ListContributorInsights")
)
"""Actions on tables that the guide's list has without support."""
_TRUSTED = frozenset(
    f"aws:{name}".lower()
    for name in (
        "PrincipalAccount", "PrincipalArn", "PrincipalOrgID", "PrincipalOrgPaths", "SourceAccount", "SourceArn", "SourceVpc",
        "SourceVpce", "UserId", "PrincipalServiceName", "PrincipalServiceNamesList", "PrincipalIsAWSService",
        "Ec2InstanceSourceVpc", "SourceOrgID", "SourceOrgPaths",
    )
)  # fmt: skip
"""Keys of conditions that keep strangers out."""
_KEEPING_OUT = re.compile(
    r"(?:ForAnyValue:)?(?:String(?:Equals(?:IgnoreCase)?|Like)|Arn(?:Equals|Like)|Bool)"
)
_WILD = ("*", "?", "${")


def checked_policy(document: str, holder: str) -> str:
    """The canonical form of a policy that the resource of that ARN may have."""
    if len(document.encode()) > MAX_POLICY_BYTES:
        # Whitespace counts too.
        raise validation(f"{INVALID}Maximum policy size of {MAX_POLICY_BYTES} bytes exceeded")
    canonical = _canonical(document)
    try:
        policy = parse_policy(canonical, kind=PolicyType.RESOURCE, label="resource-based policy")
    except MalformedPolicy as error:
        raise _invalid(error.message) from None
    _check_sids(policy)
    _check_actions(policy, holder)
    if any(_is_public(statement) for statement in policy.statements):
        raise validation(
            "Resource-based policy grants unbounded access in one or more elements. Please revise the policy to ensure "
            "least-privilege form of access"
        )
    return canonical


def read_back(policy: str) -> str:
    """A kept policy as GetResourcePolicy gives it: one without a version has the oldest there is.

    Which makes it another document than the one that was put: putting back what was read is a change (DDB-TABLE-354).
    """
    return policy if policy.startswith('{"Version"') else _OLDEST_VERSION + policy[1:]


def _invalid(what: str) -> AwsError:
    return validation(f"{INVALID}Invalid policy document: {what}")


def _canonical(document: str) -> str:
    """Members in their order, lists of one as their one member, accounts as their root: what AWS keeps and compares."""
    try:
        loaded: object = json.loads(document, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        loaded = None
    if not isinstance(loaded, dict):
        raise _invalid("This policy contains invalid Json")
    fields = cast("dict[str, Any]", loaded)
    given = fields.get("Statement")
    statements = cast("list[Any]", given) if isinstance(given, list) else [given]
    if not statements:
        raise _invalid("Could not parse the policy: Statement is empty!")
    if "Statement" in fields:
        fields["Statement"] = [_statement(each) for each in statements]
    canonical = json.dumps(_ordered(fields, _DOCUMENT), separators=(",", ":"), ensure_ascii=False)
    if not _is_text(canonical):
        raise _invalid("This policy contains invalid Json")
    return canonical


def _is_text(canonical: str) -> bool:
    """Whether it can be kept: half of a surrogate pair, which JSON can escape, is no character."""
    try:
        canonical.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def _ordered(fields: Mapping[str, Any], order: Sequence[str]) -> dict[str, Any]:
    known = {name: fields[name] for name in order if name in fields}
    return {**known, **fields}


def _statement(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    fields = _ordered(cast("dict[str, Any]", given), _STATEMENT)
    if isinstance(fields.get("Effect"), str):
        fields["Effect"] = fields["Effect"].capitalize()
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if name in fields:
            fields[name] = _single(fields[name])
    for name in ("Principal", "NotPrincipal"):
        if isinstance(fields.get(name), dict):
            fields[name] = {kind: _principals(values) for kind, values in fields[name].items()}
    return fields


def _single(values: Any) -> Any:
    if not isinstance(values, list):
        return values
    listed = cast("list[Any]", values)
    return listed[0] if len(listed) == 1 else listed


def _principals(values: Any) -> Any:
    if isinstance(values, list):
        roots = [_principal(each) for each in cast("list[Any]", values)]
        return _single([each for place, each in enumerate(roots) if each not in roots[:place]])
    return _principal(values)


def _principal(value: Any) -> Any:
    if isinstance(value, str) and _ACCOUNT.fullmatch(value):
        return f"arn:aws:iam::{value}:root"
    return value


def _check_sids(policy: Policy) -> None:
    sids = [statement.sid for statement in policy.statements if statement.sid]
    if len(set(sids)) != len(sids):
        raise _invalid("The Statement Ids in the policy are not unique")


def _check_actions(policy: Policy, holder: str) -> None:
    named = [name for statement in policy.statements for name in statement.actions]
    wrong = [name for name in named if not _is_action_of(name, holder)]
    if wrong:
        shown = ", ".join(f'"{name}"' for name in wrong)
        raise _invalid(f"The following action names are invalid: {shown}")


def _is_action_of(name: str, holder: str) -> bool:
    """Whether an action can be done to the table or the stream of that ARN. Patterns are taken as they are."""
    if "*" in name or "?" in name:
        return True
    found = catalogued(name)
    kinds = {"stream"} if "/stream/" in holder else {"table", "index"}
    return (
        found is not None
        and name.lower().startswith("dynamodb:")
        and name.lower() not in _OF_NO_POLICY
        and not kinds.isdisjoint(each.type.name for each in found.resources)
    )


def _is_public(statement: Statement) -> bool:
    """Block Public Access: whether a statement allows everybody something, whom no condition keeps out."""
    if statement.effect != "Allow" or not (
        statement.not_principal is not None or _is_everyone(statement.principal)
    ):
        return False
    return not any(_keeps_out(clause) for clause in statement.conditions)


def _is_everyone(principal: PrincipalSpec | None) -> bool:
    return principal is not None and (principal.everyone or "*" in principal.aws)


def _keeps_out(clause: ConditionClause) -> bool:
    key = clause.key.lower()
    if key not in _TRUSTED or not _KEEPING_OUT.fullmatch(clause.operator):
        return False
    if key == "aws:principalisawsservice":
        return clause.values == ("true",)
    return not any(wild in value for value in clause.values for wild in _WILD)
