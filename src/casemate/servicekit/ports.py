"""What services need of one another, as Protocols. `casemate.app` wires implementations to users."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address
from typing import Any, Protocol

from casemate.model.flows import FlowCount
from casemate.model.network import NetworkInterface, NetworkSnapshot
from casemate.model.principals import InstanceSource, Principal
from casemate.policy.document import Policy
from casemate.policy.request import PolicyLevel
from casemate.servicekit.service import Authorize, Context
from casemate.wire.http import HttpRequest, HttpResponse


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

    def used(self, principal: Principal, *, service: str, region: str, now: datetime) -> None:
        """`principal`'s credentials made a request of `service`. Cheap: nothing is written more than once a minute."""
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
    ) -> Credential:
        """Credentials of `role_arn` for an AWS service such as `lambda.amazonaws.com`.

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


class Endpoints(Protocol):
    """VPC endpoint policies. Implemented by services.ec2."""

    def endpoint_policy(self, endpoint_id: str) -> Policy | None: ...


class Network(Protocol):
    """The network as other services see it. Implemented by services.ec2."""

    def snapshot(self) -> NetworkSnapshot:
        """The committed network. The same object until the next change."""
        ...


class FunctionInterfaces(Protocol):
    """Hyperplane interfaces for Lambda. Implemented by services.ec2; call inside a transaction."""

    def acquire(
        self, *, account: str, region: str, subnet_id: str, group_ids: Sequence[str], function_arn: str
    ) -> NetworkInterface:
        """The shared interface of (subnet, set of groups), made when there is none; `function_arn` becomes a user of it.

        AwsError InvalidSubnetID.NotFound, InvalidGroup.NotFound, InsufficientFreeAddressesInSubnet.
        """
        ...

    def release(self, *, interface_id: str, function_arn: str) -> None:
        """`function_arn` no longer uses it; an interface without users is deleted."""
        ...

    def vpc_of(self, *, account: str, region: str, subnet_id: str) -> str:
        """The VPC of a subnet; AwsError InvalidSubnetID.NotFound."""
        ...


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


class AuthorizationMessages(Protocol):
    """Encoded authorization messages. Implemented by the gateway, which makes them."""

    def open(self, message: str, account: str) -> str | None:
        """The decoded JSON text of a message about a caller of `account`; None when it is no such message."""
        ...


class LogSink(Protocol):
    """Where services write log events. Implemented by services.logs."""

    def write(
        self, *, account: str, region: str, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        """Append (milliseconds since the epoch, message) events; makes the group and the stream when missing."""
        ...


class LogGroups(Protocol):
    """What is there to be written to. Implemented by services.logs."""

    def group_exists(self, *, account: str, region: str, group: str) -> bool: ...

    def stream_exists(self, *, account: str, region: str, group: str, stream: str) -> bool: ...


class LogDelivery(Protocol):
    """Delivery of an AWS service's own logs to an account's log group. Implemented by the gateway."""

    def deliver(
        self,
        *,
        account: str,
        region: str,
        role_arn: str,
        service: str,
        group: str,
        stream: str,
        events: Sequence[tuple[int, str]],
    ) -> None:
        """Write as `role_arn`; AwsError when the role does not let `service` in, or is not allowed to write."""
        ...


class FlowObserver(Protocol):
    """Who makes flow log records of what the data plane counted. Implemented by services.ec2. Times are in seconds."""

    def observe(
        self, network: NetworkSnapshot, counts: Mapping[str, Sequence[FlowCount]], *, since: int, now: int
    ) -> None:
        """The totals by VPC, for every VPC that has logged interfaces."""
        ...

    def deliver(self, network: NetworkSnapshot, *, now: int, everything: bool = False) -> None:
        """Deliver what is due; with `everything` also what is not."""
        ...


class MeterReader(Protocol):
    """Meters of what costs by the gigabyte. Implemented by services.ec2."""

    def metered_vpcs(self) -> frozenset[str]:
        """VPCs with a meter that runs."""
        ...

    def read(self, vpc_id: str, counters: Mapping[str, int]) -> None:
        """Totals of bytes by counter, since the data plane began to count. Call inside a transaction."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionFacts:
    """What an explanation needs to know of a function."""

    function_arn: str
    role_arn: str
    vpc_id: str | None
    interface_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyUse:
    """What a service uses a key for."""

    service: str
    """`dynamodb`: the key sees the call come through it (`kms:ViaService`, `aws:CalledVia`)."""
    region: str
    encryption_context: Mapping[str, str]
    """Binds the service's data key to the resource it protects."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectedKey:
    """A data key under a KMS key."""

    key_arn: str
    blob: bytes
    """The data key, encrypted: what the service keeps."""


class Keys(Protocol):
    """KMS keys that services use on behalf of their callers, by forward access sessions. Implemented by services.kms.

    Each method raises what KMS would: NotFoundException, DisabledException, KMSInvalidStateException, and the caller's
    AccessDeniedException.
    """

    def adopt(self, ctx: Context[Any], key: str | None, use: KeyUse) -> ProtectedKey:
        """Begin to use a key: the caller must be allowed to describe it and to grant the service its use.

        `key` None is the service's AWS managed key, made when there is none. Call inside a transaction.
        """
        ...

    def unlock(self, ctx: Context[Any], protected: ProtectedKey, use: KeyUse) -> bytes:
        """The data key in plaintext: the caller must be allowed to decrypt with the key."""
        ...

    def release(self, key_arn: str, use: KeyUse) -> None:
        """End the use: what was granted to the service is retired. Call inside a transaction."""
        ...

    def inaccessible_since(self, key_arn: str, use: KeyUse) -> datetime | None:
        """Since when the service cannot use the key; None while it can."""
        ...


class Tables(Protocol):
    """Implemented by services.dynamodb."""

    def table_exists(self, *, account: str, region: str, name: str) -> bool: ...


class Functions(Protocol):
    """Implemented by services.lambda_."""

    def function_facts(self, *, account: str, region: str, name: str) -> FunctionFacts | None:
        """None when there is no such function."""
        ...


class InsideAuthority(Protocol):
    """Authorization where no request is being answered. Implemented by the gateway."""

    def asking(self, *, service: str, region: str) -> Authorize:
        """Asks for the principal it is given, from inside AWS; refuses as `service` does."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlFacts:
    """What decides who may use a function URL."""

    function_arn: str
    """With the alias, if the URL is an alias's."""
    account: str
    region: str
    auth_type: str
    """`NONE` or `AWS_IAM`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlCall:
    """A request on a function URL that was let in."""

    request: HttpRequest
    request_id: str
    caller: Principal | None
    """None: AuthType NONE."""
    organization_id: str | None
    """Of the caller."""
    source: IPv4Address


class FunctionUrls(Protocol):
    """Implemented by services.lambda_; a URL is named by its id and its Region."""

    def url(self, url_id: str, region: str) -> UrlFacts | None:
        """None when there is no such URL."""
        ...

    def preflight(self, url_id: str, region: str, request: HttpRequest) -> HttpResponse | None:
        """The answer to a CORS preflight; None when the request is to be answered by the function."""
        ...

    async def answer(
        self, url_id: str, region: str, call: UrlCall, *, authorize: Authorize, now: datetime
    ) -> HttpResponse:
        """The function's answer; AwsError when it could not run."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamShard:
    """A shard of a table's stream."""

    shard_id: str
    parent: str | None
    closed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamChange:
    """One record of a stream."""

    sequence: int
    """Orders the records of a stream; `SequenceNumber` is its text."""
    at: float
    """Seconds since the epoch."""
    partition: str
    """Of the item: changes of one item, and of one partition, have the same."""
    record: Mapping[str, Any]
    """In the form of GetRecords."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamChanges:
    """Some records of a shard."""

    changes: tuple[StreamChange, ...]
    position: int | None
    """Where to read on; None at the end of a closed shard."""


class TableStreams(Protocol):
    """DynamoDB Streams as Lambda reads them. Implemented by services.dynamodb. `arn` is a stream's."""

    def stream_exists(self, arn: str) -> bool: ...

    def shards(self, arn: str) -> tuple[StreamShard, ...]:
        """Oldest first; none when there is no such stream."""
        ...

    def trim_horizon(self, arn: str, shard_id: str) -> int:
        """The position of the oldest record that is kept."""
        ...

    def latest(self, arn: str, shard_id: str) -> int:
        """The position after the newest record."""
        ...

    def unlock(self, arn: str, *, principal: Principal, authorize: Authorize) -> None:
        """AwsError unless `principal` can use the key that the stream's table is encrypted with, if it is."""
        ...

    def read(self, arn: str, shard_id: str, position: int) -> StreamChanges:
        """Records from a position on; AwsError ResourceNotFoundException, TrimmedDataAccessException."""
        ...

    async def durable(self) -> None:
        """Returns once everything that was read so far survives a crash of the machine."""
        ...

    def watch(self, arn: str, woken: Callable[[], None]) -> Callable[[], None]:
        """Call `woken` whenever the stream grows or a shard ends; gives the function that ends this."""
        ...
