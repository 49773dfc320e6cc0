"""Who asks: credentials, principals, organizations, roles that services assume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from casemate.model.principals import InstanceSource, Principal
from casemate.policy.document import Policy
from casemate.policy.request import PolicyLevel
from casemate.servicekit.service import Authorize, Context


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What an access key id stands for."""

    access_key_id: str
    secret_access_key: str
    principal: Principal
    session_token: str | None = None
    """Must accompany the request when not None."""
    expires: datetime | None = None
    active: bool = True
    mfa_authenticated: datetime | None = None
    """When the session was made with MFA: `aws:MultiFactorAuthAge` counts from there."""


class Credentials(Protocol):
    """Access keys and session credentials. Implemented by services.iam and services.sts together (app joins them)."""

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential of that key id, expired and inactive ones included; None when unknown."""
        ...


class CredentialUses(Protocol):
    """Who remembers when roles and access keys were last used. Implemented by services.iam."""

    def used(self, principal: Principal, *, service: str, region: str, now: datetime) -> datetime | None:
        """`principal`'s credentials made a request of `service`. Cheap: nothing is written more than once a minute.

        Gives the moment up to which further uses need not be told, while no record changes; None: each has to be.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityPolicies:
    """Policies attached to a principal."""

    identity: tuple[Policy, ...] = ()
    """Of the user and its groups, or of the role. For a root user: none (root needs none)."""
    boundary: Policy | None = None


class Identities(Protocol):
    """Implemented by services.iam."""

    def policies_of(self, principal: Principal) -> IdentityPolicies: ...

    def role_arn(self, account: str, name: str) -> str | None:
        """ARN of a role, path included; None when it does not exist."""
        ...

    def role_exists(self, role_arn: str) -> bool: ...


class Principals(Protocol):
    """Implemented by services.iam."""

    def is_principal(self, name: str) -> bool:
        """Whether a policy's Principal can have that `AWS` value: an account, or a user, role or session that is there."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class AssumableRole:
    """A role as sts sees it."""

    arn: str
    account: str
    role_id: str
    """AROA...; a role made anew under the same name has another one, and old sessions are not its own."""
    trust: Policy
    max_session_seconds: int
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    is_service_linked: bool = False


class Directory(Protocol):
    """Roles, users and managed policies as sts needs them. Implemented by services.iam."""

    def role(self, role_arn: str) -> AssumableRole | None:
        """None when there is no such role. The same object until the role changes."""
        ...

    def user(self, account: str, name: str) -> Principal | None:
        """The user as a principal, with its present tags. The same object until the user changes."""
        ...

    def mfa_step(self, user: Principal, serial: str, code: str, now: datetime) -> int | None:
        """The half minute in which that MFA device of the user shows `code`; None when the code is not good."""
        ...

    def use_mfa_step(self, serial: str, step: int) -> None:
        """A code was used: no code up to that half minute is good any more. Call inside a transaction."""
        ...

    def policy_document(self, policy_arn: str) -> str | None:
        """The default version of a managed policy; None when there is none."""
        ...


class MemberAccounts(Protocol):
    """What a new account of the organization is born with. Implemented by services.iam; call inside a transaction."""

    def create_access_role(self, *, account: str, role_name: str, management_account: str) -> None:
        """The role by which the management account's principals administer a member account they created."""
        ...


class RoleSessions(Protocol):
    """Sessions that AWS services make of roles. Implemented by services.sts."""

    def assume_for_service(
        self,
        *,
        role_arn: str,
        session_name: str,
        service: str,
        source_function_arn: str | None = None,
        source_instance: InstanceSource | None = None,
        source_arn: str | None = None,
    ) -> Credential:
        """Credentials of `role_arn` for an AWS service such as `lambda.amazonaws.com`.

        `source_arn`: the resource for which it calls, `aws:SourceArn`; a function's session has the function as its own.
        Raises AwsError AccessDenied when the trust policy does not let the service in.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """An account's place in the organization."""

    organization_id: str
    paths: tuple[str, ...]
    """`aws:PrincipalOrgPaths`: `o-.../r-.../ou-.../`."""
    is_management: bool
    scps: tuple[PolicyLevel, ...]
    """Root first; empty for the management account, which SCPs never bind, and when SCPs are not enabled."""
    rcps: tuple[PolicyLevel, ...]


class Organization(Protocol):
    """Implemented by services.organizations."""

    def membership(self, account: str) -> Membership | None:
        """None when the account belongs to no organization."""
        ...

    def account_exists(self, account: str) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileFacts:
    """An instance profile as ec2 sees it."""

    arn: str
    name: str
    profile_id: str
    role_arn: str | None
    """None while it holds no role."""


class InstanceProfiles(Protocol):
    """Implemented by services.iam."""

    def profile(
        self, account: str, *, name: str | None = None, arn: str | None = None
    ) -> ProfileFacts | None:
        """By name or by ARN; None when the account has no such profile."""
        ...


class ServiceLinkedRoles(Protocol):
    """Roles that belong to a service. Implemented by services.iam."""

    def ensure(self, ctx: Context[Any], service: str) -> None:
        """Have the service's role in the caller's account: the caller must be allowed to create it when there is none.

        Call inside a transaction.
        """
        ...


class AuthorizationMessages(Protocol):
    """Encoded authorization messages. Implemented by the gateway, which makes them."""

    def open(self, message: str, account: str) -> str | None:
        """The decoded JSON text of a message about a caller of `account`; None when it is no such message."""
        ...


class InsideAuthority(Protocol):
    """Authorization where no request is being answered. Implemented by the gateway."""

    def asking(self, *, service: str, region: str) -> Authorize:
        """Asks for the principal it is given, from inside AWS; refuses as `service` does."""
        ...
