"""A registry whose operations never see an input that the service's model forbids."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from casemate.model.errors import AwsError
from casemate.servicekit.constraints import Violation, violations
from casemate.servicekit.service import Asked, Check, Checks, Context, Handler, Lasting, Operations, Params

S = TypeVar("S")


class ConstrainedOperations(Operations[S]):
    """As `Operations`; input out of bounds is refused, before authorization as AWS does, with what `refuse` makes."""

    def __init__(
        self,
        service: str,
        *,
        refuse: Callable[[list[Violation]], AwsError],
        iam_prefix: str | None = None,
        package: str | None = None,
    ) -> None:
        super().__init__(service, iam_prefix=iam_prefix, package=package)
        self._refuse = refuse

    def operation(
        self,
        name: str,
        *,
        checks: Checks[S] | None = None,
        runs_async: bool = False,
        lasting: Lasting[S] | None = None,
        asked: Asked | None = None,
    ) -> Callable[[Handler[S]], Handler[S]]:
        """Register as `Operations.operation` does, with the model's constraints in front of the checks."""

        def constrain(params: Params) -> None:
            found = violations(self.service, name, params)
            if found:
                raise self._refuse(found)

        def constrained_checks(ctx: Context[S], params: Params) -> Iterable[Check]:
            constrain(params)
            return checks(ctx, params) if checks else (Check(action=f"{self.iam_prefix}:{name}"),)

        def constrained_asked(params: Params) -> Hashable | None:
            return None if asked is None or violations(self.service, name, params) else asked(params)

        return super().operation(
            name,
            checks=constrained_checks,
            runs_async=runs_async,
            lasting=lasting,
            asked=asked and constrained_asked,
        )
