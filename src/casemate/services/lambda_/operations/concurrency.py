"""Reserved concurrency."""

from __future__ import annotations

from dataclasses import replace

from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import errors
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
    left = ctx.state.unreserved(ctx.account, ctx.region, CONCURRENCY) + (latest.reserved or 0) - wanted
    if left < _UNRESERVED_LEAST:
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
