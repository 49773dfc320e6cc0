"""The policies of a simulation: those an entity has, less those excluded, and those given as text.

Source: IAM API Reference, SimulatePrincipalPolicy and SimulateCustomPolicy; what answers call the policies is as
observed (`PolicyInputList.1`, `AdministratorAccess`, `role_orders_read-orders`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.errors import MalformedPolicy
from casemate.policy.parser import parse_policy
from casemate.policy.request import PolicyLevel
from casemate.services.iam.errors import invalid_input
from casemate.services.iam.managed import AWS
from casemate.services.iam.state import Group, IamState, Role, User

Entity = User | Group | Role

IAM_POLICY, RESOURCE_POLICY = "IAM Policy", "Resource Policy"
"""SourcePolicyType as AWS answers it; its model has other words, which it does not use."""


class SimulatedPolicy(Struct, frozen=True, kw_only=True):
    """A policy and what the answer calls it."""

    policy: Policy
    id: str
    kind: str
    """What PolicyExclusionList calls its type: `inline`, `aws-managed`, `user-managed`; empty for one given as text."""
    holder: Entity | None = None
    name: str = ""


def given_policies(documents: Sequence[str], parameter: str, kind: PolicyType) -> tuple[SimulatedPolicy, ...]:
    """Policies given as text; InvalidInput says which is malformed and why."""
    found: list[SimulatedPolicy] = []
    for number, document in enumerate(documents, start=1):
        label = f"{parameter}.{number}"
        found.append(SimulatedPolicy(policy=_parse(document, label, kind), id=label, kind=""))
    return tuple(found)


def resource_policy(document: str | None) -> SimulatedPolicy | None:
    """The resource-based policy of a simulation."""
    if document is None:
        return None
    policy = _parse(document, "ResourcePolicy", PolicyType.RESOURCE)
    return SimulatedPolicy(policy=policy, id="ResourcePolicy", kind="")


def given_levels(levels: Sequence[Mapping[str, Any]]) -> tuple[PolicyLevel, ...]:
    """OrderedOrganizationPolicyInputList: SCPs of the root, of each unit, of the account."""
    return tuple(
        PolicyLevel(
            target_id=f"level {depth}",
            policies=tuple(
                _parse(
                    document,
                    f"OrderedOrganizationPolicyInputList.{depth}.ServiceControlPolicyInputList.{number}",
                    PolicyType.SCP,
                )
                for number, document in enumerate(level.get("ServiceControlPolicyInputList") or (), start=1)
            ),
        )
        for depth, level in enumerate(levels, start=1)
    )


def _parse(document: str, label: str, kind: PolicyType) -> Policy:
    try:
        return parse_policy(document, kind=kind, label=label)
    except MalformedPolicy as error:
        raise invalid_input(f"Invalid {label}: {error.detail}") from error


def attached_policies(state: IamState, entity: Entity) -> tuple[SimulatedPolicy, ...]:
    """The policies of a user, group or role; of a user also those of its groups."""
    holders: list[Entity] = [entity]
    if isinstance(entity, User):
        groups = [state.groups.get(entity.account, name.lower()) for name in entity.groups]
        holders += [group for group in groups if group is not None]
    found: dict[str, SimulatedPolicy] = {}
    for holder in holders:
        for arn in holder.attached:
            found.setdefault(arn, managed_policy(state, arn))
        for name, document in holder.inline.items():
            policy_id = f"{_noun(holder)}_{holder.name}_{name}"
            policy = _parse(document, policy_id, PolicyType.IDENTITY)
            found[policy_id] = SimulatedPolicy(
                policy=policy, id=policy_id, kind="inline", holder=holder, name=name
            )
    return tuple(found.values())


def managed_policy(state: IamState, arn: str) -> SimulatedPolicy:
    """A managed policy that is attached to somebody."""
    record = state.policy(arn)
    # INVARIANT: a managed policy that is attached, or somebody's boundary, can't be deleted.
    assert record is not None, f"{arn} is attached and does not exist"
    policy = state.parsed.policy(record.document, kind=PolicyType.IDENTITY, label=arn, managed=True)
    kind = "aws-managed" if record.account == AWS else "user-managed"
    return SimulatedPolicy(policy=policy, id=record.name, kind=kind)


def _noun(entity: Entity) -> str:
    return type(entity).__name__.lower()


class Exclusions:
    """PolicyExclusionList: policies to leave out of a simulation."""

    def __init__(self, identifiers: Sequence[Mapping[str, Any]]) -> None:
        self._types: set[str] = set()
        self._arns: list[re.Pattern[str]] = []
        self._inline: list[tuple[str, str, re.Pattern[str]]] = []
        for each in identifiers:
            if len(each) != 1:
                raise invalid_input("A policy identifier must have exactly one member")
            if "PolicyType" in each:
                self._types.add(str(each["PolicyType"]))
            elif "PolicyArn" in each:
                self._arns.append(_arn_pattern(str(each["PolicyArn"])))
            else:
                inline = each["InlinePolicyIdentifier"]
                holder = _wildcards(str(inline["AttachmentName"]))
                self._inline.append((str(inline["PolicyName"]), str(inline["AttachmentType"]), holder))

    def leaves_out(self, found: SimulatedPolicy) -> bool:
        """Whether an attached policy is excluded."""
        if found.kind in self._types or any(pattern.fullmatch(found.policy.label) for pattern in self._arns):
            return True
        holder = found.holder
        return holder is not None and any(
            name == found.name and kind == _noun(holder) and pattern.fullmatch(holder.name)
            for name, kind, pattern in self._inline
        )

    def leaves_out_boundary(self, found: SimulatedPolicy) -> bool:
        """Whether the entity's permissions boundary is excluded."""
        return "permission-boundary" in self._types or self.leaves_out(found)

    @property
    def leaves_out_scps(self) -> bool:
        """Whether SCPs are excluded."""
        return "scp" in self._types


def _arn_pattern(arn: str) -> re.Pattern[str]:
    prefix, slash, name = arn.rpartition("/")
    if not slash or not re.fullmatch(r"arn:[a-z-]+:iam::(aws|\d{12}):policy(/[^*?]+)*", prefix):
        raise invalid_input(f"Invalid policy ARN in PolicyExclusionList: {arn}")
    return re.compile(re.escape(prefix + slash) + _wildcards(name).pattern)


def _wildcards(text: str) -> re.Pattern[str]:
    """At most one `*`, any number of `?`."""
    if text.count("*") > 1:
        raise invalid_input(f"At most one * is allowed: {text}")
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."))
