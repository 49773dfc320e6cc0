"""Runtime updates, recursion, code signing: settings beside the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import configuration, errors
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function
from casemate.services.lambda_.records import RuntimeManagement
from casemate.services.lambda_.state import Function


@OPERATIONS.operation("PutRuntimeManagementConfig", checks=on_function("PutRuntimeManagementConfig"))
def put_runtime_management_config(ctx: Ctx, params: Params) -> Output:
    """Choose when the runtime's version may change. There is one version of each runtime here: it never does."""
    function = ctx.state.version(named(ctx, params))
    mode, pinned = params["UpdateRuntimeOn"], params.get("RuntimeVersionArn")
    if mode == "Manual" and not pinned:
        raise errors.invalid("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
    if mode != "Manual" and pinned:
        raise errors.invalid("RuntimeVersionArn can only be set when UpdateRuntimeOn is Manual.")
    unpinned = replace(function, runtime_management=RuntimeManagement())
    if pinned not in (None, configuration.runtime_version(unpinned)):
        raise errors.invalid(f"Runtime version {pinned} does not exist for {function.runtime}.")
    management = RuntimeManagement(update_on=mode, runtime_version_arn=pinned)
    function = replace(function, runtime_management=management)
    ctx.state.functions.put(function.key, function)
    return _management(function)


@OPERATIONS.operation("GetRuntimeManagementConfig", checks=on_function("GetRuntimeManagementConfig"))
def get_runtime_management_config(ctx: Ctx, params: Params) -> Output:
    """What was chosen."""
    return _management(ctx.state.version(named(ctx, params)))


def _management(function: Function) -> dict[str, Any]:
    described: dict[str, Any] = {
        "UpdateRuntimeOn": function.runtime_management.update_on,
        "FunctionArn": f"{function.arn}:{function.version}",
    }
    if function.runtime_management.runtime_version_arn:
        described["RuntimeVersionArn"] = function.runtime_management.runtime_version_arn
    return described


@OPERATIONS.operation(
    "PutFunctionRecursionConfig", checks=on_function("PutFunctionRecursionConfig", qualified=False)
)
def put_function_recursion_config(ctx: Ctx, params: Params) -> Output:
    """Whether a chain of destinations may come back to the function for ever."""
    latest = ctx.state.latest(named(ctx, params))
    ctx.state.functions.put(latest.key, replace(latest, recursive_loop=params["RecursiveLoop"]))
    return {"RecursiveLoop": params["RecursiveLoop"]}


@OPERATIONS.operation(
    "GetFunctionRecursionConfig", checks=on_function("GetFunctionRecursionConfig", qualified=False)
)
def get_function_recursion_config(ctx: Ctx, params: Params) -> Output:
    """What was chosen; Terminate unless something was."""
    return {"RecursiveLoop": ctx.state.latest(named(ctx, params)).recursive_loop}


@OPERATIONS.operation("GetFunctionCodeSigningConfig", checks=on_function("GetFunctionCodeSigningConfig"))
def get_function_code_signing_config(ctx: Ctx, params: Params) -> Output:
    """No function has one: the answer leaves the ARN out, which is what clients look at."""
    name = named(ctx, params)
    ctx.state.latest(name)
    return {"FunctionName": name.name}


@OPERATIONS.operation(
    "ListCodeSigningConfigs", checks=lambda _ctx, _params: [Check(action="lambda:ListCodeSigningConfigs")]
)
def list_code_signing_configs(ctx: Ctx, params: Params) -> Output:  # noqa: ARG001 - there are none to choose from
    """There are none."""
    return {"CodeSigningConfigs": []}


def _on_signing(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    def checks(_ctx: Ctx, params: Params) -> Iterable[Check]:
        yield Check(action=f"lambda:{action}", resource=params["CodeSigningConfigArn"])

    return checks


@OPERATIONS.operation("GetCodeSigningConfig", checks=_on_signing("GetCodeSigningConfig"))
def get_code_signing_config(ctx: Ctx, params: Params) -> Output:  # noqa: ARG001
    """It is not there."""
    raise _no_config(params)


@OPERATIONS.operation(
    "ListFunctionsByCodeSigningConfig", checks=_on_signing("ListFunctionsByCodeSigningConfig")
)
def list_functions_by_code_signing_config(ctx: Ctx, params: Params) -> Output:  # noqa: ARG001
    """It is not there."""
    raise _no_config(params)


def _no_config(params: Params) -> AwsError:
    return AwsError(
        "ResourceNotFoundException",
        f"The code signing configuration cannot be found: {params['CodeSigningConfigArn']}",
        http_status=404,
        fields={"Type": "User"},
    )


OPERATIONS.refuse(
    "CreateCodeSigningConfig",
    "UpdateCodeSigningConfig",
    "DeleteCodeSigningConfig",
    "PutFunctionCodeSigningConfig",
    "DeleteFunctionCodeSigningConfig",
    because="there is no AWS Signer here that could sign code",
)
for _names, _reason in (
    (
        (
            "CheckpointDurableExecution", "DeleteDurableExecution", "GetDurableExecution", "GetDurableExecutionHistory",
            "GetDurableExecutionState", "ListDurableExecutionsByFunction", "PauseDurableExecution",
            "ResumeDurableExecution", "SendDurableExecutionCallbackFailure", "SendDurableExecutionCallbackHeartbeat",
            "SendDurableExecutionCallbackSuccess", "StopDurableExecution",
        ),
        "no function is durable (DurableConfig is refused), so there are no executions to keep",
    ),
    (
        (
            "CreateCapacityProvider", "DeleteCapacityProvider", "GetCapacityProvider", "ListCapacityProviders",
            "ListFunctionVersionsByCapacityProvider", "UpdateCapacityProvider", "GetFunctionScalingConfig",
            "PutFunctionScalingConfig",
        ),
        "functions run on this machine, not on managed instances (CapacityProviderConfig is refused)",
    ),
    (
        ("DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy"),
        "use AddPermission, RemovePermission and GetPermission, which hold the same resource-based policy",
    ),
):  # fmt: skip
    OPERATIONS.refuse(*_names, because=_reason)
