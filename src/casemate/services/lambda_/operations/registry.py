"""How inputs name functions, and what operations are authorized on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Params
from casemate.services.lambda_ import configuration, errors, names, registry
from casemate.services.lambda_.state import Function, LambdaState

OPERATIONS = registry.OPERATIONS
Ctx = Context[LambdaState]
_PAGE = 50


def named(ctx: Ctx, params: Params) -> names.FunctionName:
    """The function an input names, with its qualifier."""
    return names.parse(
        params["FunctionName"], account=ctx.account, region=ctx.region, qualifier=params.get("Qualifier")
    )


def on_function(action: str, *, qualified: bool = True) -> Callable[[Ctx, Params], Iterable[Check]]:
    """One check of `lambda:<action>` on the function the input names."""

    def checks(ctx: Ctx, params: Params) -> Iterable[Check]:
        name = named(ctx, params)
        yield Check(action=f"lambda:{action}", resource=name.qualified_arn if qualified else name.arn)

    return checks


def on_configuration(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    """As `on_function`, for operations that set a configuration: the VPC is in the context, passing the role is asked.

    Source: Service Authorization Reference, "AWS Lambda": condition keys lambda:VpcIds, SubnetIds, SecurityGroupIds of
    CreateFunction and UpdateFunctionConfiguration; dependent action iam:PassRole.
    """

    def checks(ctx: Ctx, params: Params) -> Iterable[Check]:
        name = named(ctx, params)
        context = _vpc_context(ctx, params, name)
        if params.get("Layers"):
            context["lambda:Layer"] = tuple(params["Layers"])
        yield Check(action=f"lambda:{action}", resource=name.arn, context=context)
        # What is no ARN of this account's the operation refuses: "Cross-account pass role is not allowed".
        if str(params.get("Role") or "").split(":")[4:5] == [ctx.account]:
            yield Check(
                action="iam:PassRole",
                resource=params["Role"],
                context={
                    "iam:PassedToService": "lambda.amazonaws.com",
                    "iam:AssociatedResourceArn": name.arn,
                },
            )

    return checks


def _vpc_context(ctx: Ctx, params: Params, name: names.FunctionName) -> dict[str, str | tuple[str, ...]]:
    """Of the place that is asked for, or of the one that the function has and keeps.

    "If your function already includes a VPC configuration from a previous API request, you can send an
    UpdateFunctionConfiguration request without the VPC configuration" ("Using IAM condition keys for VPC settings").
    """
    if "VpcConfig" not in params:
        with contextlib.suppress(AwsError):  # no such function: the operation says so
            network = ctx.state.latest(name).network
            if network is not None:
                return {
                    "lambda:VpcIds": network.vpc_id,
                    "lambda:SubnetIds": network.subnet_ids,
                    "lambda:SecurityGroupIds": network.group_ids,
                }
    config: Mapping[str, list[str]] = params.get("VpcConfig") or {}
    subnets, groups = config.get("SubnetIds") or [], config.get("SecurityGroupIds") or []
    found: dict[str, str | tuple[str, ...]] = {}
    if subnets:
        found["lambda:SubnetIds"] = tuple(subnets)
        with contextlib.suppress(AwsError):  # no such subnet: the operation says so, to whoever may ask
            found["lambda:VpcIds"] = ctx.state.interfaces.vpc_of(
                account=ctx.account, region=ctx.region, subnet_id=subnets[0]
            )
    if groups:
        found["lambda:SecurityGroupIds"] = tuple(groups)
    return found


def shown(ctx: Ctx, function: Function, *, qualified: bool = False) -> dict[str, Any]:
    """`FunctionConfiguration` as the caller gets to see it."""
    described = configuration.describe_qualified(function, qualified=qualified)
    return ctx.state.variable_keys.hide(ctx, function, described)


_MARKER_DIGITS = 9
"""More than a marker of ours has; int() would refuse a few thousand."""


def page(items: list[Any], params: Params) -> tuple[list[Any], str | None]:
    """One page of a list operation, and the marker of the next."""
    marker = params.get("Marker") or "0"
    if not (marker.isascii() and marker.isdigit() and len(marker) <= _MARKER_DIGITS):
        raise errors.invalid("Invalid marker")
    start, size = int(marker), min(params.get("MaxItems", _PAGE), _PAGE)
    more = start + size < len(items)
    return items[start : start + size], str(start + size) if more else None
