"""Who makes a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from msgspec import Struct, field


class PrincipalKind(Enum):
    """The values of `aws:PrincipalType` that Casemate has, and the two kinds that have no such value."""

    ROOT = "Account"
    """The root user of an account."""
    USER = "User"
    """An IAM user."""
    ROLE_SESSION = "AssumedRole"
    """A session of an assumed role."""
    FEDERATED_USER = "FederatedUser"
    """A session of GetFederationToken."""
    SERVICE = "AWSService"
    """An AWS service acting for itself; `arn` holds its service principal."""
    ANONYMOUS = "Anonymous"
    """An unsigned request."""


class InstanceSource(Struct, frozen=True, kw_only=True):
    """The instance to which a session's credentials were delivered."""

    arn: str
    """`ec2:SourceInstanceARN`."""
    vpc_id: str
    """`aws:Ec2InstanceSourceVpc`: where the instance is, wherever the credentials are used."""
    private_ip: str
    """`aws:Ec2InstanceSourcePrivateIPv4`: of its primary interface."""
    delivery: str
    """`ec2:RoleDelivery`: the version of the metadata service, 1.0 or 2.0."""


class Principal(Struct, frozen=True, kw_only=True):
    """An authenticated caller (or the anonymous one)."""

    kind: PrincipalKind
    arn: str
    """As GetCallerIdentity reports it: a session ARN for a role session; a service name such as `lambda.amazonaws.com`
    for a service; `*` for the anonymous caller."""
    account: str
    """Twelve digits; empty for the anonymous caller."""
    user_id: str
    """`aws:userid`: AIDA... for a user, AROA...:session for a role session, the account id for root."""
    role_arn: str | None = None
    """For a role session: the role's ARN, which is what `aws:PrincipalArn` holds."""
    user_name: str | None = None
    """`aws:username`; only for IAM users."""
    session_name: str | None = None
    access_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """`aws:PrincipalTag/*`: the user's or role's tags with the session's over them."""
    session_policies: tuple[str, ...] = ()
    """Session policy documents (JSON) passed when the session was made."""
    source_identity: str | None = None
    mfa_age_seconds: int | None = None
    """`aws:MultiFactorAuthAge`; None when the session was made without MFA."""
    token_issued: datetime | None = None
    """`aws:TokenIssueTime`; None for long-term credentials."""
    source_instance: InstanceSource | None = None
    """Set on credentials that were given to an instance by its metadata service."""
    source_function_arn: str | None = None
    """`lambda:SourceFunctionArn`: set on credentials that were given to a Lambda execution environment."""
    issuer_user_name: str | None = None
    """For a federated user: the IAM user who made the session, whose policies bound it."""
    issuer_arn: str | None = None
    """For a federated user: that IAM user's ARN, by which resource policies may name it."""
    is_service_linked: bool = False
    """A service-linked role's session: exempt from SCPs and RCPs."""

    @property
    def identity_arn(self) -> str:
        """`aws:PrincipalArn`: the role for a role session, otherwise the caller's own ARN."""
        return self.role_arn or self.arn
