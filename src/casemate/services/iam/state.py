"""The records of IAM and where they are kept."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from casemate.servicekit.clock import Clock
from casemate.servicekit.parsed import ParsedPolicies
from casemate.servicekit.ports import Membership, Organization
from casemate.servicekit.store import Collection, Store
from casemate.services.iam.managed import AWS, aws_policy
from casemate.services.iam.policies import ManagedPolicy


class User(Struct, frozen=True, kw_only=True):
    """An IAM user."""

    account: str
    name: str
    path: str
    id: str
    created: datetime
    tags: dict[str, str] = field(default_factory=dict[str, str])
    boundary: str | None = None
    """ARN of the managed policy that is the permissions boundary."""
    inline: dict[str, str] = field(default_factory=dict[str, str])
    """Documents of the inline policies by name."""
    attached: tuple[str, ...] = ()
    """ARNs of the attached managed policies."""
    groups: tuple[str, ...] = ()
    """Names of the groups the user is in."""

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}"


class Group(Struct, frozen=True, kw_only=True):
    """An IAM group. Its members are the users that name it."""

    account: str
    name: str
    path: str
    id: str
    created: datetime
    inline: dict[str, str] = field(default_factory=dict[str, str])
    attached: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:group{self.path}{self.name}"


class Role(Struct, frozen=True, kw_only=True):
    """An IAM role."""

    account: str
    name: str
    path: str
    id: str
    created: datetime
    trust: str
    """The trust policy's document."""
    description: str | None = None
    max_session_seconds: int = 3600
    tags: dict[str, str] = field(default_factory=dict[str, str])
    boundary: str | None = None
    inline: dict[str, str] = field(default_factory=dict[str, str])
    attached: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"

    @property
    def is_service_linked(self) -> bool:
        return self.path.startswith("/aws-service-role/")


class InstanceProfile(Struct, frozen=True, kw_only=True):
    """An instance profile: the role an EC2 instance gets."""

    account: str
    name: str
    path: str
    id: str
    created: datetime
    role: str | None = None
    tags: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:instance-profile{self.path}{self.name}"


class AccessKey(Struct, frozen=True, kw_only=True):
    """A long-term access key."""

    id: str
    secret: str
    account: str
    user: str | None
    """Name of the user; None: a key of the account's root user."""
    created: datetime
    active: bool = True


class DeletionTask(Struct, frozen=True, kw_only=True):
    """The deletion of a service-linked role. It is over when it is recorded."""

    role_arn: str


class MfaDevice(Struct, frozen=True, kw_only=True):
    """A virtual MFA device."""

    serial: str
    """Its ARN."""
    account: str
    seed: bytes
    user: str | None = None
    """Name of the user it is enabled for."""
    enabled: datetime | None = None
    last_step: int = -1
    """Half minute of the last code that was used: no code is good twice."""
    tags: dict[str, str] = field(default_factory=dict[str, str])

    def belongs_to(self, account: str, user: str | None) -> bool:
        """Whether it is enabled for that user."""
        return self.account == account and self.user is not None and self.user == user


class LastUse(Struct, frozen=True, kw_only=True):
    """The last request that was made with a role or an access key."""

    at: datetime
    service: str
    """As requests for it are signed: `dynamodb`."""
    region: str


class IamState:
    """All of IAM, of every account. Names are unique without regard to case, so keys hold them in lower case."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.parsed = ParsedPolicies()
        self.organization: Organization | None = None
        """What the simulator asks for SCPs. Set once, by who wires the services: Organizations is built after IAM."""
        self.users: Collection[User] = store.collection("iam.users", User)
        self.groups: Collection[Group] = store.collection("iam.groups", Group)
        self.roles: Collection[Role] = store.collection("iam.roles", Role)
        self.profiles: Collection[InstanceProfile] = store.collection(
            "iam.instance_profiles", InstanceProfile
        )
        self.keys: Collection[AccessKey] = store.collection("iam.access_keys", AccessKey)
        self.mfa_devices: Collection[MfaDevice] = store.collection("iam.mfa_devices", MfaDevice)
        self.last_uses: Collection[LastUse] = store.collection("iam.last_uses", LastUse)
        """By the id of a role or of an access key."""
        self.policies: Collection[ManagedPolicy] = store.collection("iam.policies", ManagedPolicy)
        self.deletion_tasks: Collection[DeletionTask] = store.collection("iam.deletion_tasks", DeletionTask)
        self.aliases: Collection[str] = store.collection("iam.account_aliases", str)

    def policy(self, arn: str) -> ManagedPolicy | None:
        """The managed policy of that ARN, AWS's own included."""
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[:4] != ["arn", "aws", "iam", ""] or not parts[5].startswith("policy/"):
            return None
        if parts[4] == AWS:
            return aws_policy(arn)
        name = parts[5].rsplit("/", 1)[1]
        found = self.policies.get(parts[4], name.lower())
        return found if found is not None and found.arn == arn else None

    def membership(self, account: str) -> Membership | None:
        """The account's place in the organization; None when it has none."""
        return None if self.organization is None else self.organization.membership(account)

    def knows_account(self, account: str) -> bool:
        """Whether Casemate has identities of that account, so that a missing one can be told from a stranger."""
        return bool(self.users.values(account) or self.roles.values(account))
