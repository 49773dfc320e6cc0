"""Account settings."""

from __future__ import annotations

from casemate.execution.package import UNZIPPED_LIMIT, ZIPPED_LIMIT
from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import code_storage
from casemate.services.lambda_.names import LATEST
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx
from casemate.services.lambda_.prepared import CONCURRENCY


@OPERATIONS.operation(
    "GetAccountSettings", checks=lambda _ctx, _params: [Check(action="lambda:GetAccountSettings")]
)
def get_account_settings(ctx: Ctx, params: Params) -> Output:  # noqa: ARG001 - the input is empty
    """Limits and what is used of them."""
    functions = ctx.state.functions.values(ctx.account, ctx.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": code_storage.TOTAL_BYTES,
            "CodeSizeUnzipped": UNZIPPED_LIMIT,
            "CodeSizeZipped": ZIPPED_LIMIT,
            "ConcurrentExecutions": CONCURRENCY,
            "UnreservedConcurrentExecutions": ctx.state.unreserved(ctx.account, ctx.region, CONCURRENCY),
        },
        "AccountUsage": {
            "TotalCodeSize": code_storage.used(ctx.state, ctx.account, ctx.region),
            "FunctionCount": sum(one.version == LATEST for one in functions),
        },
    }
