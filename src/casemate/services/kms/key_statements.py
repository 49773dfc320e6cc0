"""A key policy as the engine reads it: two rules that key policies have for themselves.

Source: KMS Developer Guide, "Elements in a key policy" and "Retiring and revoking grants".
"""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from casemate.policy.decision import PolicyType
from casemate.policy.document import ConditionClause, Policy, Statement
from casemate.policy.parser import parse_policy
from casemate.policy.patterns import compile_action

GRANT_KEY = "casemate:GrantId"
"""The grant that kms:RetireGrant is about: its retiring principal may end that one, not all grants of the key. AWS has
no condition key for it; the prefix says that this one is Casemate's."""
_RETIRE = "kms:retiregrant"
_RETIRES_NOTHING = ConditionClause(operator="Null", key=GRANT_KEY, values=("true",))


@lru_cache(maxsize=4096)
def key_policy(document: str, *, label: str) -> Policy:
    """The document as the engine reads it; MalformedPolicy when it is none.

    KMS takes a statement without Action or Resource, which "has no effect" (API Reference, PutKeyPolicy): it is left out.
    """
    parsed = parse_policy(document, kind=PolicyType.RESOURCE, label=label, whole_statements=False)
    return replace(parsed, statements=tuple(filter(_has_effect, parsed.statements)))


def _has_effect(statement: Statement) -> bool:
    actions = statement.actions or statement.not_actions
    return bool(actions and (statement.resources or statement.not_resources))


def retiring_nothing(policy: Policy) -> tuple[Statement, ...]:
    """Its statements, where a key has grants: "the kms:RetireGrant permission is not effective in a key policy"."""
    return tuple(
        replace(each, conditions=(*each.conditions, _RETIRES_NOTHING)) if _speaks_of_retiring(each) else each
        for each in policy.statements
    )


def _speaks_of_retiring(statement: Statement) -> bool:
    listed = any(compile_action(pattern)(_RETIRE) for pattern in statement.actions or statement.not_actions)
    return listed is bool(statement.actions)
