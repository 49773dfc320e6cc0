"""The records of Organizations. What policies hang on is a node: the root, an organizational unit, or an account."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

SCP = "SERVICE_CONTROL_POLICY"
RCP = "RESOURCE_CONTROL_POLICY"
POLICY_TYPES = (SCP, RCP)

NodeKind = Literal["ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT"]


class OrganizationRecord(Struct, frozen=True, kw_only=True):
    """The one organization."""

    id: str
    management_account: str
    root: str
    enabled: tuple[str, ...]
    """Policy types that are enabled in the root."""
    trusted: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """Service principals with trusted access, and since when."""


class Node(Struct, frozen=True, kw_only=True):
    """The root, an organizational unit or an account."""

    id: str
    kind: NodeKind
    name: str
    parent: str | None
    """Id of the root or unit it is in; None for the root."""
    attached: tuple[str, ...] = ()
    """Ids of the policies attached here, of every type, in the order of attachment."""
    tags: dict[str, str] = field(default_factory=dict[str, str])
    email: str = ""
    """Accounts only, as the two below."""
    joined: datetime | None = None
    joined_method: str = "CREATED"


class PolicyRecord(Struct, frozen=True, kw_only=True):
    """A policy of the organization, or one of AWS's."""

    id: str
    type: str
    name: str
    description: str
    content: str
    aws_managed: bool = False
    tags: dict[str, str] = field(default_factory=dict[str, str])


class Creation(Struct, frozen=True, kw_only=True):
    """A request to create an account. Here it has always succeeded, or failed, by the time it is answered."""

    id: str
    account_name: str
    state: str
    requested: datetime
    account: str | None = None
    failure: str | None = None


FULL_AWS_ACCESS = PolicyRecord(
    id="p-FullAWSAccess",
    type=SCP,
    name="FullAWSAccess",
    description="Allows access to every operation",
    content='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    aws_managed=True,
)
"""Organizations User Guide, "SCP evaluation": attached by AWS to every root, OU and account while SCPs are enabled."""

RCP_FULL_AWS_ACCESS = PolicyRecord(
    id="p-RCPFullAWSAccess",
    type=RCP,
    name="RCPFullAWSAccess",
    description="Allows access to every resource",
    content=(
        '{"Version":"2012-10-17","Statement":'
        '[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
    ),
    aws_managed=True,
)
"""Organizations User Guide, "RCP evaluation": attached likewise, and it can't be detached."""

DEFAULT_POLICIES = {SCP: FULL_AWS_ACCESS, RCP: RCP_FULL_AWS_ACCESS}
AWS_POLICIES = {policy.id: policy for policy in DEFAULT_POLICIES.values()}
