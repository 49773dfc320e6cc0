"""The registry of EC2 operations, and the one place for what they all share.

Each operation declares the resources it is authorized on; around its handler come the default VPC (made at an
account's first call in a Region) and DryRun. Source: Service Authorization Reference, "Actions, resources, and
condition keys for Amazon EC2".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

from msgspec import Struct

from casemate.model.regions import REGIONS
from casemate.servicekit.service import Check, Checks, Context, Operations, Output, Params
from casemate.services.ec2 import errors
from casemate.services.ec2.default_vpc import ensure_home
from casemate.services.ec2.records import Instance
from casemate.services.ec2.state import ClientToken, Ec2State
from casemate.services.ec2.tags import RESOURCE_TYPES

operations: Operations[Ec2State] = Operations("ec2", package="casemate.services.ec2.operations")

Ctx = Context[Ec2State]
OperationHandler = Callable[[Ctx, Params], Output]


class Target(Struct, frozen=True, kw_only=True):
    """A resource an operation is authorized on."""

    kind: str
    """Resource type of the ARN: `subnet`."""
    param: str
    """Parameter with its id, or with a list of ids. Absent: not part of this request."""
    find: Callable[[Ctx, str], str | None] | None = None
    """From the id of an association to the id of the resource; None when there is no such association."""


def on(kind: str, param: str) -> Target:
    """Authorized on the `kind` that `param` names."""
    return Target(kind=kind, param=param)


def behind(kind: str, param: str, find: Callable[[Ctx, str], str | None]) -> Target:
    """Authorized on the `kind` that belongs to the association (or attachment) that `param` names."""
    return Target(kind=kind, param=param, find=find)


def operation(
    name: str,
    *,
    on: tuple[Target, ...] = (),
    creates: tuple[str, ...] = (),
    checks: Checks[Ec2State] | None = None,
    moves_machines: bool = False,
) -> Callable[[OperationHandler], OperationHandler]:
    """Register an operation; `creates` are the resource types it makes, authorized as `type/*`.

    `checks` instead where that is not enough. One that `moves_machines` returns when they have followed.
    """
    asked = checks or (_checks(name, on, creates) if on or creates else None)

    def register(handler: OperationHandler) -> OperationHandler:
        @wraps(handler)
        def wrapped(ctx: Ctx, params: Params) -> Output:
            if ctx.region not in REGIONS:
                raise errors.region_unknown()
            # The pipeline has authorized the caller by now, which is all that DryRun asks.
            if params.get("DryRun"):
                raise errors.dry_run()
            ensure_home(ctx.state, ctx, ctx.random_bytes)
            return handler(ctx, params)

        async def followed(ctx: Ctx, params: Params) -> Output:
            with ctx.store.transaction():
                output = wrapped(ctx, params)
            await ctx.state.settled()
            return output

        register_as = operations.operation(name, checks=asked, runs_async=moves_machines)
        register_as(followed if moves_machines else wrapped)
        return wrapped

    return register


def _checks(name: str, on: tuple[Target, ...], creates: tuple[str, ...]) -> Checks[Ec2State]:
    def checks(ctx: Ctx, params: Params) -> Iterator[Check]:
        named = [(target.kind, each) for target in on for each in _ids(ctx, target, params)]
        for kind, resource_id in named:
            context = {**resource_context(ctx, resource_id), **_tag_context(params.get("Tags"))}
            yield Check(action=f"ec2:{name}", resource=_arn(ctx, kind, resource_id), context=context)
        tagged = request_tags(params)
        for kind in creates:
            context = {"ec2:Region": ctx.region, **tagged.get(kind, {})}
            if kind == "vpc-endpoint":
                context["ec2:VpceServiceName"] = str(params.get("ServiceName") or "")
            yield Check(action=f"ec2:{name}", resource=_arn(ctx, kind, "*"), context=context)
        for kind, context in tagged.items():
            # Tagging on creation needs ec2:CreateTags too. Source: EC2 User Guide, "Grant permission to tag on creation".
            yield Check(
                action="ec2:CreateTags",
                resource=_arn(ctx, kind, "*"),
                context={"ec2:Region": ctx.region, "ec2:CreateAction": name, **context},
            )
        if not named and not creates:
            yield Check(action=f"ec2:{name}", context={"ec2:Region": ctx.region})

    return checks


def _ids(ctx: Ctx, target: Target, params: Params) -> list[str]:
    value = params.get(target.param)
    if not value:
        return []
    ids = [str(value)] if isinstance(value, str) else [str(each) for each in value]
    if target.find is None:
        return ids
    found = [target.find(ctx, each) for each in ids]
    return [each for each in found if each is not None]


def _arn(ctx: Ctx, kind: str, resource_id: str) -> str:
    """The ARN; `*` for an id that tells no resource type, which the operation refuses."""
    known = kind or RESOURCE_TYPES.get(resource_id.partition("-")[0] + "-")
    return ctx.arn("ec2", f"{known}/{resource_id}") if known else "*"


Keys = dict[str, str | tuple[str, ...]]


def request_tags(params: Params) -> dict[str, Keys]:
    """Condition keys of the tags asked for, by resource type."""
    made: dict[str, Keys] = {}
    for specification in params.get("TagSpecifications") or ():
        context = _tag_context(specification.get("Tags"))
        if context:
            made[specification.get("ResourceType", "")] = context
    return made


def _tag_context(tags: Sequence[Mapping[str, str]] | None) -> Keys:
    if not tags:
        return {}
    context: Keys = {f"aws:RequestTag/{tag.get('Key', '')}": tag.get("Value", "") for tag in tags}
    context["aws:TagKeys"] = tuple(tag.get("Key", "") for tag in tags)
    return context


def resource_context(ctx: Ctx, resource_id: str) -> dict[str, str | tuple[str, ...]]:
    """Keys that describe an existing resource: its tags and its VPC (which an endpoint does not have as a key)."""
    state = ctx.state
    made: dict[str, str | tuple[str, ...]] = {"ec2:Region": ctx.region}
    for key, value in state.tags_of(ctx, resource_id).items():
        made[f"aws:ResourceTag/{key}"] = value
        made[f"ec2:ResourceTag/{key}"] = value
    instance = state.instances.find(ctx, resource_id)
    if instance is not None:
        made |= instance_context(instance)
    for shelf in (state.subnets, state.route_tables, state.groups, state.acls, state.interfaces):
        found = shelf.find(ctx, resource_id)
        if found is not None:
            made["ec2:Vpc"] = ctx.arn("ec2", f"vpc/{found.vpc_id}")
    return made


def instance_context(instance: Instance) -> Keys:
    """Keys that describe an instance."""
    made: Keys = {
        "ec2:AvailabilityZone": instance.zone,
        "ec2:EbsOptimized": "true" if instance.ebs_optimized else "false",
        "ec2:InstanceType": instance.kind,
        "ec2:MetadataHttpEndpoint": instance.metadata.endpoint,
        "ec2:MetadataHttpPutResponseHopLimit": str(instance.metadata.hop_limit),
        "ec2:MetadataHttpTokens": instance.metadata.tokens,
        "ec2:RootDeviceType": "ebs",
        "ec2:Tenancy": instance.tenancy,
    }
    if instance.profile is not None:
        made["ec2:InstanceProfile"] = instance.profile.arn
    return made


def replayed(ctx: Ctx, name: str, params: Params) -> str | None:
    """Id of what the same ClientToken made before; AwsError when the parameters differ."""
    token = params.get("ClientToken")
    known = ctx.state.tokens.get(ctx.account, ctx.region, name, token) if token else None
    if known is None:
        return None
    if known.fingerprint != _fingerprint(params):
        raise errors.token_mismatch(str(token))
    return known.resource_id


def remember(ctx: Ctx, name: str, params: Params, resource_id: str) -> None:
    """Keep what a ClientToken made."""
    token = params.get("ClientToken")
    if token:
        record = ClientToken(fingerprint=_fingerprint(params), resource_id=resource_id)
        ctx.state.tokens.put((ctx.account, ctx.region, name, str(token)), record)


def _fingerprint(params: Params) -> str:
    return json.dumps(dict(params), sort_keys=True, default=str)


def required(params: Params, name: str) -> str:
    """A parameter that must be there; AwsError MissingParameter."""
    value = params.get(name)
    if value is None or value == "":
        raise errors.missing_parameter(name[0].lower() + name[1:])
    return str(value)


def section(params: Params, name: str) -> Mapping[str, Any]:
    """A structure of the request; empty when it is not there."""
    found: Mapping[str, Any] | None = params.get(name)
    return found or {}


def refuse(params: Params, names: Sequence[str]) -> None:
    """AwsError UnsupportedOperation when the request has a parameter that Casemate does not model."""
    for name in names:
        if params.get(name):
            raise errors.unsupported(f"the parameter {name} of this operation")
