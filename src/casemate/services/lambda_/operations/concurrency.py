"""Reserved concurrency."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import errors, provisioned_shares
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function
from casemate.services.lambda_.prepared import CONCURRENCY

_UNRESERVED_LEAST = 100
"""Lambda Developer Guide, "Configuring reserved concurrency": 100 stay for the other functions."""


@OPERATIONS.operation("PutFunctionConcurrency", checks=on_function("PutFunctionConcurrency", qualified=False))
def put_function_concurrency(ctx: Ctx, params: Params) -> Output:
    """Reserve; 0 stops the function."""
    latest = ctx.state.latest(named(ctx, params))
    wanted = params["ReservedConcurrentExecutions"]
    if wanted < 0:
        raise errors.constraint(
            wanted, "reservedConcurrentExecutions", "have value greater than or equal to 0"
        )
    provisioned = provisioned_shares.requested(ctx.state, (latest.account, latest.region, latest.name))
    if wanted < provisioned:
        # "Configuring provisioned concurrency": never more of it than is reserved. The text is ours.
        raise errors.invalid(
            f"ReservedConcurrentExecutions {wanted} is less than the function's provisioned concurrency, {provisioned}."
        )
    before = provisioned if latest.reserved is None else latest.reserved
    left = ctx.state.unreserved(ctx.account, ctx.region, CONCURRENCY) + before - wanted
    if left < _UNRESERVED_LEAST:
        # Observed, with the 50 of a younger account: github-aws-runners/terraform-aws-github-runner#2946 on GitHub.
        raise errors.invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{_UNRESERVED_LEAST}]."
        )
    ctx.state.functions.put(latest.key, replace(latest, reserved=wanted))
    return {"ReservedConcurrentExecutions": wanted}


@OPERATIONS.operation("GetFunctionConcurrency", checks=on_function("GetFunctionConcurrency", qualified=False))
def get_function_concurrency(ctx: Ctx, params: Params) -> Output:
    """What is reserved, if anything is."""
    latest = ctx.state.latest(named(ctx, params))
    return {} if latest.reserved is None else {"ReservedConcurrentExecutions": latest.reserved}


@OPERATIONS.operation(
    "DeleteFunctionConcurrency", checks=on_function("DeleteFunctionConcurrency", qualified=False)
)
def delete_function_concurrency(ctx: Ctx, params: Params) -> Output:
    """Reserve nothing."""
    latest = ctx.state.latest(named(ctx, params))
    ctx.state.functions.put(latest.key, replace(latest, reserved=None))
    return {}
