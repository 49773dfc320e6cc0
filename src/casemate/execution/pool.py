"""The environments of one function version: those at work, those waiting for work, and how many may be at work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from casemate.execution.environment import Environment
from casemate.execution.function import FunctionVersion
from casemate.execution.lifecycle import State
from casemate.execution.ports import FunctionHost
from casemate.model.errors import AwsError


@dataclass(slots=True)
class Pool:
    """Environments of one version, most recently used last."""

    revision: str
    environments: list[Environment] = field(default_factory=list[Environment])
    count: int = 0
    """Started so far: spreads them over the interfaces."""
    placed: dict[Environment, str] = field(default_factory=dict[Environment, str])
    """Environments in a VPC -> the interface they are behind."""
    provisioned: int = 0
    """How many environments are to be kept whether or not anybody invokes them."""
    function: FunctionVersion | None = None
    host: FunctionHost | None = None
    """What provisioned environments are started from."""

    @property
    def provisioned_count(self) -> int:
        """How many of them there are."""
        return sum(one.provisioned for one in self.environments)

    def take(self) -> Environment | None:
        """The most recently used environment that can be given work: the one that is warmest."""
        for environment in reversed(self.environments):
            if environment.assignable:
                self.environments.remove(environment)
                self.environments.append(environment)
                return environment
        return None

    def forget_ended(self) -> None:
        """Drop the environments that have ended."""
        self.environments = [one for one in self.environments if one.state is not State.ENDED]
        self.placed = {one: self.placed[one] for one in self.environments if one in self.placed}


class Admission:
    """Concurrency: invocations in flight, and what each of them counts against.

    "Understanding Lambda function scaling": an invocation takes the provisioned concurrency of its version first; then
    what the function has reserved beside that, or, without a reservation, what the account has left.
    """

    def __init__(self) -> None:
        self._in_flight: Counter[tuple[str, ...]] = Counter()
        """By (function, version) on provisioned concurrency, by (function,) on demand, and by ("", account, Region) on
        demand without a reservation."""

    def enter(
        self, function: FunctionVersion, *, reserved: int | None, unreserved_limit: int, provisioned: int = 0
    ) -> Callable[[], None]:
        """Count one more; AwsError TooManyRequestsException when there are as many as may be. The answer counts it off.

        `reserved` is what the function has for what is on demand: its reservation without its provisioned concurrency.
        """
        version, all_versions = (function.arn, function.version), (function.arn,)
        place = ("", function.account, function.region)
        if self._in_flight[version] < provisioned:
            return self._count(version)
        if reserved is not None:
            if self._in_flight[all_versions] >= reserved:
                raise _too_many("ReservedFunctionConcurrentInvocationLimitExceeded")
            return self._count(all_versions)
        if self._in_flight[place] >= unreserved_limit:
            raise _too_many("ConcurrentInvocationLimitExceeded")
        return self._count(all_versions, place)

    def _count(self, *keys: tuple[str, ...]) -> Callable[[], None]:
        self._in_flight.update(keys)

        def leave() -> None:
            for key in keys:
                self._in_flight[key] -= 1
                if not self._in_flight[key]:
                    del self._in_flight[key]

        return leave


def _too_many(reason: str) -> AwsError:
    # Message: Lambda Developer Guide, "Troubleshoot invocation issues": "Rate exceeded" (429).
    return AwsError("TooManyRequestsException", "Rate Exceeded.", http_status=429, fields={"Reason": reason})
