"""The policies and the principals behind names: what the pipeline and sts ask of IAM."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.servicekit.memo import Memo, Reads
from casemate.servicekit.ports import AssumableRole, IdentityPolicies
from casemate.services.iam.documents import principal_is_valid
from casemate.services.iam.labels import inline_label, trust_label
from casemate.services.iam.managed import aws_policy
from casemate.services.iam.one_time_codes import step_shown
from casemate.services.iam.policies import ManagedPolicy
from casemate.services.iam.state import Group, IamState, Role, User

_NONE = IdentityPolicies()


class IamDirectory:
    """Implements the ports `Identities` and `Directory`.

    Everything it gives out is the same object until a record behind it changes, so that those who keep things by
    identity (the policy engine) stay warm.
    """

    def __init__(self, state: IamState) -> None:
        self._state = state
        self._policies: Memo[IdentityPolicies] = Memo()
        self._roles: Memo[AssumableRole | None] = Memo()
        self._users: Memo[Principal | None] = Memo()

    # Identities

    def policies_of(self, principal: Principal) -> IdentityPolicies:
        """The identity policies and the boundary of a caller; none for root, services and strangers."""
        account = principal.account
        if principal.kind is PrincipalKind.ROLE_SESSION:
            assert principal.role_arn is not None, f"{principal.arn} has no role"
            name = principal.role_arn.rsplit("/", 1)[1].lower()
            return self._role(account, name)
        if principal.kind is PrincipalKind.USER and principal.user_name is not None:
            return self._user(account, principal.user_name.lower())
        if principal.kind is PrincipalKind.FEDERATED_USER and principal.issuer_user_name is not None:
            # Also without session policies, when they allow nothing: their denies and the boundary still count.
            return self._user(account, principal.issuer_user_name.lower())
        return _NONE

    def role_arn(self, account: str, name: str) -> str | None:
        """ARN of a role, path included."""
        role = self._state.roles.get(account, name.lower())
        return role.arn if role is not None and role.name == name else None

    def role_exists(self, role_arn: str) -> bool:
        """Whether there is a role of exactly that ARN."""
        return self.role(role_arn) is not None

    # Directory

    def role(self, role_arn: str) -> AssumableRole | None:
        """The role of exactly that ARN, as sts sees it."""
        parts = role_arn.split(":", 5)
        if len(parts) != 6 or parts[:4] != ["arn", "aws", "iam", ""] or not parts[5].startswith("role/"):
            return None
        key = (parts[4], parts[5].rsplit("/", 1)[1].lower())
        role = self._roles.get(key, lambda reads: self._assumable(reads.get(self._state.roles, *key)))
        return role if role is not None and role.arn == role_arn else None

    def user(self, account: str, name: str) -> Principal | None:
        """The user as a principal."""
        key = (account, name.lower())
        return self._users.get(key, lambda reads: _user_principal(reads.get(self._state.users, *key)))

    def is_principal(self, name: str) -> bool:
        """Whether a resource's policy can name it: users and roles of accounts that are here must be there."""
        return principal_is_valid(self._state, name)

    def policy_document(self, policy_arn: str) -> str | None:
        """The document in force of a managed policy."""
        policy = self._state.policy(policy_arn)
        return None if policy is None else policy.document

    def mfa_step(self, user: Principal, serial: str, code: str, now: datetime) -> int | None:
        """The half minute in which the user's device shows `code`; None when it is not good."""
        device = self._state.mfa_devices.get(serial)
        if device is None or not device.belongs_to(user.account, user.user_name):
            return None
        return step_shown(device.seed, code, now=now, after=device.last_step)

    def use_mfa_step(self, serial: str, step: int) -> None:
        """No code up to that half minute is good any more. Inside a transaction."""
        device = self._state.mfa_devices.get(serial)
        if device is not None:
            self._state.mfa_devices.put((serial,), replace(device, last_step=step))

    def _assumable(self, role: Role | None) -> AssumableRole | None:
        if role is None:
            return None
        return AssumableRole(
            arn=role.arn,
            account=role.account,
            role_id=role.id,
            trust=self._state.parsed.policy(role.trust, kind=PolicyType.TRUST, label=trust_label(role.arn)),
            max_session_seconds=role.max_session_seconds,
            tags=role.tags,
            is_service_linked=role.is_service_linked,
        )

    def _user(self, account: str, name: str) -> IdentityPolicies:
        users = self._state.users
        return self._policies.get(
            ("user", account, name), lambda reads: self._collect(reads, reads.get(users, account, name))
        )

    def _role(self, account: str, name: str) -> IdentityPolicies:
        roles = self._state.roles
        return self._policies.get(
            ("role", account, name), lambda reads: self._collect(reads, reads.get(roles, account, name))
        )

    def _collect(self, reads: Reads, entity: User | Role | None) -> IdentityPolicies:
        if entity is None:
            return _NONE
        holders: list[User | Role | Group] = [entity]
        if isinstance(entity, User):
            groups = [reads.get(self._state.groups, entity.account, name.lower()) for name in entity.groups]
            holders += [group for group in groups if group is not None]
        policies: list[Policy] = []
        for holder in holders:
            policies += [self._managed(reads, arn) for arn in holder.attached]
            policies += [
                self._state.parsed.policy(
                    document, kind=PolicyType.IDENTITY, label=inline_label(name, holder.arn)
                )
                for name, document in holder.inline.items()
            ]
        boundary = None if entity.boundary is None else self._managed(reads, entity.boundary)
        return IdentityPolicies(identity=tuple(dict.fromkeys(policies)), boundary=boundary)

    def _managed(self, reads: Reads, arn: str) -> Policy:
        policy: ManagedPolicy | None = aws_policy(arn)
        if policy is None:
            account, name = arn.split(":", 5)[4], arn.rsplit("/", 1)[1]
            policy = reads.get(self._state.policies, account, name.lower())
        # INVARIANT: a managed policy that is attached, or somebody's boundary, can't be deleted.
        assert policy is not None, f"{arn} is attached and does not exist"
        return self._state.parsed.policy(
            policy.document, kind=PolicyType.IDENTITY, label=policy.arn, managed=True
        )


def _user_principal(user: User | None) -> Principal | None:
    if user is None:
        return None
    return Principal(
        kind=PrincipalKind.USER,
        arn=user.arn,
        account=user.account,
        user_id=user.id,
        user_name=user.name,
        tags=user.tags,
    )
