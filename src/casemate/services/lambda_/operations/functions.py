"""Making, showing, listing and deleting functions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from casemate.execution.package import Package
from casemate.model.arns import Arn
from casemate.model.errors import AwsError
from casemate.model.principals import Principal
from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import (
    code_storage,
    configuration,
    errors,
    function_layers,
    placement,
    snap_start,
)
from casemate.services.lambda_.names import LATEST, FunctionName
from casemate.services.lambda_.operations.registry import (
    OPERATIONS,
    Ctx,
    named,
    on_configuration,
    on_function,
    page,
    shown,
)
from casemate.services.lambda_.operations.versions import publish
from casemate.services.lambda_.runner import SERVICE_PRINCIPAL
from casemate.services.lambda_.state import Activity, Function, Numbering


@OPERATIONS.operation(
    "CreateFunction", checks=on_configuration("CreateFunction"), lasting=snap_start.until_settled
)
def create_function(ctx: Ctx, params: Params) -> Output:
    """Make a function."""
    name = named(ctx, params)
    _check_create(ctx, params, name)
    settings = configuration.settings(params)
    snap_start.require_eligible(settings)
    package = unpacked(ctx, params.get("Code") or {}, "CreateFunction")
    layers = function_layers.chosen(ctx, params.get("Layers") or ())
    function_layers.require_size(package.unzipped, layers)
    role = role_principal(ctx, settings["role"])
    require_tracing(ctx, settings, role)
    network = placement.place(ctx, params.get("VpcConfig") or {}, function_arn=name.arn, role=role)
    numbering = ctx.state.numbering.get(*name.key)
    function = Function(
        account=ctx.account,
        region=ctx.region,
        name=name.name,
        **settings,
        next_version=1 if numbering is None else numbering.next,
        layers=layers,
        architecture=(params.get("Architectures") or ["x86_64"])[0],
        network=network,
        network_given=bool(params.get("VpcConfig")),
        **code_members(package),
        modified=timestamp(ctx.now),
        revision=ctx.new_uuid(),
        tags=dict(params.get("Tags") or {}),
    )
    function = ctx.state.variable_keys.adopt(ctx, function)
    ctx.state.functions.put(function.key, function)
    ctx.state.activity.put(function.key, Activity(invoked=ctx.now))
    # A function is Pending until Lambda has made what it needs; here that is done when the call returns.
    pending = {
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
    }
    if params.get("Publish", False):
        published = publish(ctx, function, description=None)
        return {**configuration.describe(published), **pending}
    return {**configuration.describe(function), **pending}


def _check_create(ctx: Ctx, params: Params, name: FunctionName) -> None:
    if params.get("PackageType", "Zip") != "Zip":
        raise errors.invalid("Casemate does not support container images (PackageType Image) yet.")
    if not (params.get("Runtime") and params.get("Handler")):
        # Observed: pipe-cd/pipecd#1400 on GitHub.
        raise errors.invalid(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    if name.account != ctx.account:
        raise AwsError(
            "AccessDeniedException", "Cross-account function creation is not allowed.", http_status=403
        )
    if (*name.key, LATEST) in ctx.state.functions:
        # Observed: hashicorp/terraform-provider-aws#1524 on GitHub.
        raise errors.conflict(f"Function already exist: {name.name}")


def unpacked(ctx: Ctx, code: Params, operation: str, *, replaced: int = 0) -> Package:
    """The code an input brings, unpacked; `replaced`: bytes of the archive that it takes the place of."""
    if code.get("ImageUri"):
        raise errors.invalid("Casemate does not support container images (ImageUri) yet.")
    if code.get("S3Bucket"):
        raise errors.no_bucket()
    if not code.get("ZipFile"):
        raise errors.invalid("Please provide a source for function code.")
    return code_storage.admitted(ctx, code["ZipFile"], operation, replaced=replaced)


def code_members(package: Package) -> dict[str, Any]:
    """The members of `Function` that describe its code."""
    return {
        "code_sha256": package.sha256,
        "code_size": package.size,
        "code_directory": package.directory,
        "code_unreadable": package.unreadable,
        "unzipped_size": package.unzipped,
    }


def role_principal(ctx: Ctx, role: str) -> Principal:
    """A session of the execution role; the errors of Lambda when the role is not usable."""
    if Arn.parse(role).account != ctx.account:
        raise AwsError("AccessDeniedException", "Cross-account pass role is not allowed.", http_status=403)
    try:
        credential = ctx.state.sessions.assume_for_service(
            role_arn=role, session_name="awslambda", service=SERVICE_PRINCIPAL
        )
    except AwsError as error:
        # Observed: boto/boto3#2976 on GitHub.
        raise errors.invalid("The role defined for the function cannot be assumed by Lambda.") from error
    return credential.principal


def require_tracing(ctx: Ctx, settings: Params, role: Principal) -> None:
    """Active tracing sends segments with the execution role ("Visualize Lambda function invocations using AWS X-Ray")."""
    if settings.get("tracing") == "Active":
        try:
            ctx.authorize(Check(action="xray:PutTraceSegments"), principal=role)
        except AwsError as error:
            raise errors.invalid(
                "The provided execution role does not have permissions to call PutTraceSegments on XRAY"
            ) from error


def timestamp(now: datetime) -> str:
    """`LastModified`."""
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"


@OPERATIONS.operation("GetFunction", checks=on_function("GetFunction"))
def get_function(ctx: Ctx, params: Params) -> Output:
    """Configuration, code and tags."""
    name = named(ctx, params)
    function, latest = ctx.state.version(name), ctx.state.latest(name)
    location = (
        f"https://awslambda-{name.region}-tasks.s3.{name.region}.amazonaws.com/snapshots/{name.account}"
    )
    output: dict[str, Any] = {
        "Configuration": shown(ctx, function, qualified=name.qualifier is not None),
        # AWS gives a presigned URL of ten minutes; there is no S3 here, so this one leads nowhere.
        "Code": {"RepositoryType": "S3", "Location": f"{location}/{name.name}-{function.revision}"},
    }
    if latest.tags:
        output["Tags"] = latest.tags
    if latest.reserved is not None:
        output["Concurrency"] = {"ReservedConcurrentExecutions": latest.reserved}
    return output


@OPERATIONS.operation("GetFunctionConfiguration", checks=on_function("GetFunctionConfiguration"))
def get_function_configuration(ctx: Ctx, params: Params) -> Output:
    """The configuration."""
    name = named(ctx, params)
    return shown(ctx, ctx.state.version(name), qualified=name.qualifier is not None)


@OPERATIONS.operation("ListFunctions", checks=lambda _ctx, _params: [Check(action="lambda:ListFunctions")])
def list_functions(ctx: Ctx, params: Params) -> Output:
    """All functions, or with `FunctionVersion=ALL` all versions."""
    every = params.get("FunctionVersion") == "ALL"
    functions = sorted(ctx.state.functions.values(ctx.account, ctx.region), key=lambda one: one.name)
    found = [one for one in functions if every or one.version == LATEST]
    listed, marker = page(found, params)
    described = [shown(ctx, one, qualified=every) for one in listed]
    for one in described:
        # ListFunctions leaves the state out: API reference.
        for member in ("State", "StateReason", "StateReasonCode", "LastUpdateStatus"):
            one.pop(member, None)
    return {"Functions": described, "NextMarker": marker}


@OPERATIONS.operation("DeleteFunction", checks=on_function("DeleteFunction"))
def delete_function(ctx: Ctx, params: Params) -> Output:
    """Delete a function with all its versions, or one version."""
    name = named(ctx, params)
    state = ctx.state
    if name.qualifier is None:
        state.numbering.put(name.key, Numbering(next=state.latest(name).next_version))
        for version in state.versions(name):
            state.variable_keys.release(version)
            _delete(ctx, version)
        for key, _ in state.aliases.items(*name.key):
            state.aliases.delete(*key)
        for owned in (state.permissions, state.urls, state.event_invoke_configs, state.provisioned):
            for key, _ in owned.items(*name.key):
                owned.delete(*key)
        state.runner.retire(name.arn)
        return {"StatusCode": 204}
    if name.qualifier == LATEST:
        raise errors.invalid("$LATEST version cannot be deleted without deleting the function.")
    if (*name.key, name.qualifier) in state.aliases:
        raise errors.invalid("Deletion of aliases is not currently supported.")
    pointing = [
        alias.name
        for alias in state.aliases.values(*name.key)
        if name.qualifier in (alias.version, *alias.weights)
    ]
    if pointing:
        # Observed: karl-cardenas-coding/go-lambda-cleanup#45 on GitHub.
        names = ", ".join(sorted(pointing))
        raise errors.conflict(
            f"Unable to delete version because the following aliases reference it: [{names}]"
        )
    found = state.functions.get(*name.key, name.qualifier)
    if found is not None:
        _delete(ctx, found)
        for owned in (state.permissions, state.event_invoke_configs, state.provisioned):
            owned.delete(*name.key, name.qualifier)
        state.runner.retire(name.arn, name.qualifier)
    return {"StatusCode": 204}


def _delete(ctx: Ctx, version: Function) -> None:
    placement.release(ctx.state, version.network, function_arn=version.version_arn)
    ctx.state.functions.delete(*version.key)
    ctx.state.activity.delete(*version.key)
