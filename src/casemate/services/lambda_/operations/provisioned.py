"""Provisioned concurrency: what is asked for. `provisioning` makes it true."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.servicekit.service import Output, Params
from casemate.services.lambda_ import errors, snap_start
from casemate.services.lambda_.names import LATEST, FunctionName
from casemate.services.lambda_.operations.functions import timestamp
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, on_function, page
from casemate.services.lambda_.prepared import CONCURRENCY
from casemate.services.lambda_.provisioned_shares import shares
from casemate.services.lambda_.records import ProvisionedConcurrency

_UNRESERVED_LEAST = 100


@OPERATIONS.operation(
    "PutProvisionedConcurrencyConfig", checks=on_function("PutProvisionedConcurrencyConfig")
)
def put_provisioned_concurrency_config(ctx: Ctx, params: Params) -> Output:
    """Ask for environments; they are being initialized when this returns."""
    name = _qualified(ctx, params)
    snap_start.require_no_snapshot(ctx.state.version(name))
    latest, wanted = ctx.state.latest(name), params["ProvisionedConcurrentExecutions"]
    _check_only(ctx, name)
    known = ctx.state.provisioned.get(*_key(name))
    others = sum(one.requested for one in ctx.state.provisioned.values(*name.key) if one != known)
    if latest.reserved is not None and others + wanted > latest.reserved:
        raise errors.invalid(
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
        )
    left = ctx.state.unreserved(ctx.account, ctx.region, CONCURRENCY) + (known.requested if known else 0)
    if latest.reserved is None and left - wanted < _UNRESERVED_LEAST:
        # Observed: aws-samples/infrastructure-assessment-iac-automation#2 on GitHub.
        raise errors.invalid(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
            f"minimum value of [{_UNRESERVED_LEAST}]."
        )
    record = ProvisionedConcurrency(
        account=name.account,
        region=name.region,
        function=name.name,
        qualifier=name.qualifier or "",
        requested=wanted,
        allocated=min(known.allocated, wanted) if known else 0,
        modified=ctx.now,
    )
    ctx.state.provisioned.put(_key(name), record)
    return _describe(record)


def _check_only(ctx: Ctx, name: FunctionName) -> None:
    """No routing, and no other configuration that gives the same version environments.

    "Each version of a function can only have one provisioned concurrency configuration": its own, or that of one alias
    (Lambda Developer Guide, "Managing Lambda provisioned concurrency"). The texts of the conflicts: general knowledge.
    """
    alias = ctx.state.aliases.get(*_key(name))
    if alias is not None and alias.weights:
        # Observed: hashicorp/terraform#24957 on GitHub.
        raise errors.invalid("Alias with weights can not be used with Provisioned Concurrency")
    version = ctx.state.version(name)
    if version.version == LATEST:
        raise _unpublished()
    others = [one for one in ctx.state.provisioned.values(*name.key) if one.qualifier != name.qualifier]
    if any(version.key == one.key for other in others for one, _ in shares(ctx.state, other)):
        if alias is None:
            raise errors.conflict("Version is pointed by a Provisioned Concurrency alias")
        raise errors.conflict(
            "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        )


@OPERATIONS.operation(
    "GetProvisionedConcurrencyConfig", checks=on_function("GetProvisionedConcurrencyConfig")
)
def get_provisioned_concurrency_config(ctx: Ctx, params: Params) -> Output:
    """How far it is."""
    name = _qualified(ctx, params)
    found = ctx.state.provisioned.get(*_key(name))
    if found is None:
        raise AwsError(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            http_status=404,
            fields={"Type": "User"},
        )
    return _describe(found)


@OPERATIONS.operation(
    "DeleteProvisionedConcurrencyConfig", checks=on_function("DeleteProvisionedConcurrencyConfig")
)
def delete_provisioned_concurrency_config(ctx: Ctx, params: Params) -> Output:
    """Ask for none any more."""
    name = _qualified(ctx, params)
    ctx.state.provisioned.delete(*_key(name))
    return {}


@OPERATIONS.operation(
    "ListProvisionedConcurrencyConfigs",
    checks=on_function("ListProvisionedConcurrencyConfigs", qualified=False),
)
def list_provisioned_concurrency_configs(ctx: Ctx, params: Params) -> Output:
    """Of all versions and aliases of a function."""
    name = named(ctx, params)
    ctx.state.latest(name)
    found = [
        {"FunctionArn": replace(name, qualifier=one.qualifier).qualified_arn, **_describe(one)}
        for one in ctx.state.provisioned.values(*name.key)
    ]
    shown, marker = page(found, params)
    return {"ProvisionedConcurrencyConfigs": shown, "NextMarker": marker}


def _qualified(ctx: Ctx, params: Params) -> FunctionName:
    name = named(ctx, params)
    if name.qualifier == LATEST:
        raise _unpublished()
    ctx.state.version(name)
    return name


def _unpublished() -> AwsError:
    # Observed: hashicorp/terraform-provider-aws#12120 on GitHub.
    return errors.invalid(
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )


def _key(name: FunctionName) -> tuple[str, str, str, str]:
    return (*name.key, name.qualifier or "")


def _describe(record: ProvisionedConcurrency) -> dict[str, Any]:
    described: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": record.requested,
        "AvailableProvisionedConcurrentExecutions": record.allocated,
        "AllocatedProvisionedConcurrentExecutions": record.allocated,
        "Status": record.status,
        "StatusReason": record.reason,
        "LastModified": timestamp(record.modified),
    }
    return {member: value for member, value in described.items() if value is not None}
