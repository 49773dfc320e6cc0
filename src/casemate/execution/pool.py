"""The environments of one function version: those at work, those waiting for work, and how many may be at work."""

from __future__ import annotations

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


@dataclass(slots=True)
class Admission:
    """Concurrency: invocations in flight, per function and per account and Region."""

    by_function: dict[str, int] = field(default_factory=dict[str, int])
    unreserved: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def enter(
        self, function_arn: str, place: tuple[str, str], *, reserved: int | None, unreserved_limit: int
    ) -> None:
        """Count one more; AwsError TooManyRequestsException when there are as many as may be."""
        if reserved is not None:
            if self.by_function.get(function_arn, 0) >= reserved:
                raise _too_many("ReservedFunctionConcurrentInvocationLimitExceeded")
        elif self.unreserved.get(place, 0) >= unreserved_limit:
            raise _too_many("ConcurrentInvocationLimitExceeded")
        self.by_function[function_arn] = self.by_function.get(function_arn, 0) + 1
        if reserved is None:
            self.unreserved[place] = self.unreserved.get(place, 0) + 1

    def leave(self, function_arn: str, place: tuple[str, str], *, reserved: int | None) -> None:
        """Count one less; `reserved` as it was on entering."""
        self.by_function[function_arn] -= 1
        if not self.by_function[function_arn]:
            del self.by_function[function_arn]
        if reserved is None:
            self.unreserved[place] -= 1


def _too_many(reason: str) -> AwsError:
    # Message: Lambda Developer Guide, "Troubleshoot invocation issues": "Rate exceeded" (429).
    return AwsError("TooManyRequestsException", "Rate Exceeded.", http_status=429, fields={"Reason": reason})
