"""A vertical slice: its operations, what each is authorized on, and what an operation is handed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar, cast

from msgspec import Struct

from casemate.model.arns import Arn
from casemate.model.errors import AwsError
from casemate.model.ids import RandomBytes, resource_id, uuid4
from casemate.model.origin import Origin
from casemate.model.principals import Principal
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.servicekit.store import Store

S = TypeVar("S")

Params = Mapping[str, Any]
"""An operation's input, typed as botocore's model says: str, int, bool, datetime, bytes, list, dict."""
Output = Mapping[str, Any]
"""An operation's output, in the same terms; members that are None are left out."""
ContextValues = Mapping[str, str | tuple[str, ...]]
"""Condition context: `str` for a single-valued key, a tuple for a multi-valued one. Booleans are "true"/"false"."""


@dataclass(kw_only=True, slots=True)
class Check:
    """One question to the policy engine: may the caller do `action` on `resource`?

    Not frozen only because making a frozen one costs microseconds; nobody changes it.
    """

    action: str
    """`dynamodb:GetItem`."""
    resource: str = "*"
    """ARN, or `*` for actions that have no resource-level permissions."""
    context: ContextValues = field(default_factory=dict[str, str | tuple[str, ...]])
    """Service and resource keys: `dynamodb:LeadingKeys`, `aws:ResourceTag/...`, `ec2:Vpc`."""
    spares_resource_policy: bool = False
    """Whether the resource's own policy is not asked: a root user gets past it, and past nothing else."""


class Authorize(Protocol):
    """Further authorization from inside an operation (iam:PassRole, kms:Decrypt on a key)."""

    def __call__(
        self, check: Check, *, principal: Principal | None = None, through: str | None = None
    ) -> None:
        """Raise the service's access-denied AwsError unless allowed.

        `principal` None asks for the caller; otherwise for somebody else (a function's execution role), reached
        from inside AWS: no network keys. `through`, a service principal such as `dynamodb.amazonaws.com`, asks for the
        caller in a forward access session: the service calls another one on the caller's behalf.
        """
        ...


@dataclass(kw_only=True, slots=True)
class Context(Generic[S]):
    """What an operation is handed besides its input.

    Not frozen only because making a frozen one costs microseconds; nobody changes it.
    """

    state: S
    """The service's own state object."""
    request_id: str
    account: str
    """The caller's account: where things are made."""
    region: str
    """From the credential scope."""
    principal: Principal
    origin: Origin
    now: datetime
    """Aware, UTC."""
    random_bytes: RandomBytes
    store: Store
    authorize: Authorize
    trace: str = ""
    """X-Amzn-Trace-Id of the request."""

    def again(self, request_id: str, now: datetime, authorize: Authorize, trace: str) -> Context[S]:
        """For another request of the same caller to the same service. The constructor takes two microseconds for it."""
        made = cast("Context[S]", object.__new__(Context))
        made.state, made.store, made.random_bytes = self.state, self.store, self.random_bytes
        made.account, made.region = self.account, self.region
        made.principal, made.origin = self.principal, self.origin
        made.request_id, made.now, made.authorize, made.trace = request_id, now, authorize, trace
        return made

    def new_id(self, prefix: str) -> str:
        """A new EC2-style id."""
        return resource_id(prefix, self.random_bytes)

    def new_uuid(self) -> str:
        return uuid4(self.random_bytes)

    def arn(
        self, service: str, resource: str, *, region: str | None = None, account: str | None = None
    ) -> str:
        """ARN of a resource of the caller's account and Region; pass "" for Region-less ones."""
        return str(
            Arn(
                service=service,
                region=self.region if region is None else region,
                account=self.account if account is None else account,
                resource=resource,
            )
        )


Handler = Callable[[Context[S], Params], "Output | Awaitable[Output]"]
Checks = Callable[[Context[S], Params], Iterable[Check]]
Asked = Callable[[Params], Hashable | None]
Told = Callable[[AwsError | None], None]
Lasting = Callable[[S, Told], None]
"""Calls back once what was written so far is durable, or with the error when that has failed."""


def lasts(lasting: Lasting[S], state: S) -> asyncio.Future[None]:
    """Asks `lasting` now; done, or failed, when it calls back."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def told(error: AwsError | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    lasting(state, told)
    return future


class Operation(Struct, Generic[S], frozen=True, kw_only=True):
    """One AWS operation."""

    name: str
    handler: Handler[S]
    checks: Checks[S] | None
    """None: one check of `<service>:<name>` on `*`."""
    runs_async: bool
    """True: the handler is a coroutine function, which opens its own transactions around what it changes.
    False: the pipeline runs it inside one transaction. One that only reads may return the rest of a long read."""
    lasting: Lasting[S] | None = None
    """The answer waits for that, when the handler has returned."""
    asked: Asked | None = None
    """What in the input the actions and resources of its checks follow from, for one caller and Region while no record
    changes; None of input that only the checks can judge.

    INVARIANT: those checks bring keys of their own service alone, and what they refuse for another reason than a denial
    the handler refuses too, having changed nothing. Where it is known to be allowed, they are asked for only then.
    """


class Operations(Generic[S]):
    """The registry of a slice: gives routing, the IAM action, the coverage table and "not implemented" errors."""

    def __init__(self, service: str, *, iam_prefix: str | None = None, package: str | None = None) -> None:
        self.service = service
        """botocore's name: `ec2`, `dynamodb`, `lambda`."""
        self.iam_prefix = iam_prefix or service
        self._package = package
        self._by_name: dict[str, Operation[S]] = {}
        self._refusals: dict[str, str] = {}

    @property
    def by_name(self) -> dict[str, Operation[S]]:
        self.load()
        return self._by_name

    @property
    def refusals(self) -> dict[str, str]:
        """Why operations that are not implemented are not, for the error that answers them."""
        self.load()
        return self._refusals

    def load(self) -> None:
        """Import `package`, whose modules register the operations: at the first look, for a quick start."""
        if self._package is not None:
            package, self._package = self._package, None
            import_module(package)

    def operation(
        self,
        name: str,
        *,
        checks: Checks[S] | None = None,
        runs_async: bool = False,
        lasting: Lasting[S] | None = None,
        asked: Asked | None = None,
    ) -> Callable[[Handler[S]], Handler[S]]:
        """Register the decorated function as operation `name` (a name of botocore's model; a test holds it)."""

        def register(handler: Handler[S]) -> Handler[S]:
            # INVARIANT: one function per operation.
            assert name not in self._by_name, f"{self.service}:{name} registered twice"
            self._by_name[name] = Operation(
                name=name,
                handler=handler,
                checks=checks,
                runs_async=runs_async,
                lasting=lasting,
                asked=asked,
            )
            return handler

        return register

    def refuse(self, *names: str, because: str) -> None:
        """Say why operations are not implemented; they count as such in the coverage table."""
        self._refusals.update(dict.fromkeys(names, because))


ResourcePolicies = Callable[[str], "Policy | None"]
"""The resource-based policy (or trust policy) attached to the resource of that ARN."""


class Service(Struct, Generic[S], frozen=True, kw_only=True):
    """A slice, wired: what `casemate.app` hands to the gateway."""

    operations: Operations[S]
    state: S
    resource_policies: ResourcePolicies | None = None
    resource_policy_type: PolicyType = PolicyType.RESOURCE
    """TRUST for sts, whose resources are roles."""
    resource_must_allow: bool = False
    """True where the resource's policy must allow even within its account (role trust policies, KMS keys)."""
    spared_by_rcps: Callable[[str, str], bool] | None = None
    """Says of which of its actions on which resources, by ARN, RCPs do not bind although they bind the service (AWS
    managed keys, kms:RetireGrant)."""
    seen: Lasting[S] | None = None
    """What answers wait for that acknowledge no write: what their operations saw, or were refused for. Asked in the turn
    of the event loop in which an operation acted. Of a coroutine, which has several, that is what it says itself
    (`Operation.lasting`)."""

    def lasting(self, operation: Operation[S], *, failed: bool) -> Lasting[S] | None:
        """What the answer of an operation waits for, or that it has failed."""
        if self.seen is None:
            return None if failed else operation.lasting
        if operation.runs_async:
            return operation.lasting
        return self.seen if failed or operation.lasting is None else operation.lasting

    @property
    def name(self) -> str:
        return self.operations.service
