"""The operations of Organizations, their input checked against botocore's model, most for the management account only."""

from __future__ import annotations

from collections.abc import Callable

from casemate.servicekit.constrained import ConstrainedOperations
from casemate.servicekit.service import Checks, Context, Output, Params
from casemate.services.organizations.errors import out_of_bounds, refusal
from casemate.services.organizations.state import OrganizationsState

operations = ConstrainedOperations[OrganizationsState](
    "organizations", package="casemate.services.organizations.operations", refuse=out_of_bounds
)

Answer = Callable[[Context[OrganizationsState], Params], Output]


def management_operation(
    name: str, *, checks: Checks[OrganizationsState] | None = None
) -> Callable[[Answer], Answer]:
    """Register an operation that "can be called only from the organization's management account" (API Reference).

    Delegated administrators, the exception the reference makes, are not modelled.
    """

    def register(answer: Answer) -> Answer:
        @operations.operation(name, checks=checks)
        def from_management_account(ctx: Context[OrganizationsState], params: Params) -> Output:
            if ctx.state.node(ctx.account) is None:
                raise refusal("AWSOrganizationsNotInUseException")
            if ctx.account != ctx.state.organization.management_account:
                raise refusal("AccessDeniedException")
            return answer(ctx, params)

        assert from_management_account, "registered above"
        return answer

    return register
