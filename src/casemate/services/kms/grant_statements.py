"""Grants in the words of the policy language, so that the one engine decides on them and explains them.

A grant is a statement that allows one principal some operations; its constraints are conditions on the encryption
context. Source: KMS Developer Guide, "Grants in AWS KMS" and "Best practices for AWS KMS grants".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from casemate.policy.document import ConditionClause, Policy, PrincipalSpec, Statement
from casemate.services.kms.key_statements import GRANT_KEY, retiring_nothing
from casemate.services.kms.records import GrantRecord, KeyRecord

_WITH_CONTEXT = frozenset(
    {
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    }
)
"""Operations that constraints bind: "KMS applies the grant constraint only to operations that support an encryption
context"."""
_APART = frozenset({"CreateGrant", "RetireGrant"})
"""Operations on grants, each with conditions of its own."""


def with_grants(policy: Policy, key: KeyRecord, grants: Iterable[GrantRecord]) -> Policy:
    """The key's policy followed by its grants."""
    made = [statement for grant in grants for statement in _statements(grant, key)]
    if not made:
        return policy
    first = len(policy.statements)
    numbered = tuple(replace(statement, index=first + at) for at, statement in enumerate(made))
    return replace(
        policy,
        label=f"key policy and grants of {key.arn}",
        statements=retiring_nothing(policy) + numbered,
    )


def principal_of(name: str) -> PrincipalSpec:
    """Of a grantee or retiring principal: an ARN, an account, or an AWS service."""
    if name.endswith(".amazonaws.com"):
        return PrincipalSpec(service=(name,))
    return PrincipalSpec(aws=(name,))


def _statements(grant: GrantRecord, key: KeyRecord) -> Iterator[Statement]:
    bound = [name for name in grant.operations if name in _WITH_CONTEXT]
    constraints = tuple(_constraints(grant))
    free = [name for name in grant.operations if name not in _WITH_CONTEXT | _APART]
    this_grant = (ConditionClause(operator="StringEquals", key=GRANT_KEY, values=(grant.grant_id,)),)
    if bound:
        yield _allow(grant, key, grant.grantee, bound, constraints)
    if "CreateGrant" in grant.operations:
        yield _allow(grant, key, grant.grantee, ("CreateGrant",), (*constraints, *_no_more(grant)))
    if free:
        yield _allow(grant, key, grant.grantee, free)
    if "RetireGrant" in grant.operations:
        yield _allow(grant, key, grant.grantee, ("RetireGrant",), this_grant)
    if grant.retiring is not None:
        yield _allow(grant, key, grant.retiring, ("RetireGrant",), this_grant)
    # "The AWS account in which the grant was created"; the key's account "can delegate the kms:RetireGrant permission".
    for account in dict.fromkeys((grant.issuer, key.account)):
        yield _allow(grant, key, account, ("RetireGrant",), this_grant)


def _allow(
    grant: GrantRecord,
    key: KeyRecord,
    principal: str,
    operations: Iterable[str],
    conditions: tuple[ConditionClause, ...] = (),
) -> Statement:
    return Statement(
        index=0,
        sid=f"grant {grant.grant_id}",
        effect="Allow",
        actions=tuple(f"kms:{name}" for name in operations),
        resources=(key.arn,),
        principal=principal_of(principal),
        conditions=conditions,
    )


def _constraints(grant: GrantRecord) -> Iterator[ConditionClause]:
    exact = grant.context_equals is not None
    for name, value in (grant.context_equals or grant.context_subset or {}).items():
        yield ConditionClause(
            operator="StringEquals", key=f"kms:EncryptionContext:{name}", values=(_literal(value),)
        )
    wanted = tuple(map(_literal, grant.context_equals or grant.context_subset or ()))
    if exact:
        yield ConditionClause(
            operator="ForAllValues:StringEquals", key="kms:EncryptionContextKeys", values=wanted
        )
    # Condition keys compare without regard to case, the names of an encryption context do not.
    for name in wanted:
        yield ConditionClause(
            operator="ForAnyValue:StringEquals", key="kms:EncryptionContextKeys", values=(name,)
        )


def _no_more(grant: GrantRecord) -> Iterator[ConditionClause]:
    """A grant made under a grant gives some of its operations, and is constrained at least as much.

    Source: KMS Developer Guide, "Granting CreateGrant permission": "the grant only allows the grantee principal to
    create grants that are equally restrictive or more restrictive".
    """
    yield ConditionClause(
        operator="ForAllValues:StringEquals", key="kms:GrantOperations", values=grant.operations
    )
    if grant.context_equals is not None:
        yield ConditionClause(
            operator="StringEquals", key="kms:GrantConstraintType", values=("EncryptionContextEquals",)
        )


def _literal(text: str) -> str:
    """`$` as a policy value that stands for itself (IAM User Guide, policy variables)."""
    return text.replace("$", "${$}")
