"""Create, Get, List, Update and DeleteEventSourceMapping, for DynamoDB streams.

A mapping is at work when the call that asked for it returns; the answer says Creating, Updating, Deleting, as Lambda's
does, and the next look shows what is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from casemate.model.arns import Arn
from casemate.model.errors import AwsError
from casemate.servicekit.constraints import message, violations
from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.event_sources.mappings import Checkpoint, EventSourceMapping
from casemate.services.lambda_.event_sources.settings import check_members, settings
from casemate.services.lambda_.names import FunctionName
from casemate.services.lambda_.operations.functions import role_principal
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx, named, page

_ROLE_ACTIONS = ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")


def _check_bounds(operation: str, params: Params) -> None:
    found = violations("lambda", operation, params)
    if found:
        raise AwsError("ValidationException", message(found))


def _create_checks(ctx: Ctx, params: Params) -> Iterable[Check]:
    _check_bounds("CreateEventSourceMapping", params)
    context: dict[str, str | tuple[str, ...]] = {"lambda:FunctionArn": named(ctx, params).qualified_arn}
    tags: Mapping[str, str] = params.get("Tags") or {}
    if tags:
        context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        context["aws:TagKeys"] = tuple(tags)
    yield Check(action="lambda:CreateEventSourceMapping", context=context)


def _checks_on(ctx: Ctx, params: Params, action: str) -> Iterable[Check]:
    """A check on the mapping, with the function it is for; of an Update that names another one, that one too."""
    _check_bounds(action, params)
    mapping = ctx.state.event_sources.get(ctx.account, ctx.region, params["UUID"])
    arn = ctx.arn("lambda", f"event-source-mapping:{params['UUID']}")
    functions = [] if mapping is None else [mapping.name.qualified_arn]
    if action == "UpdateEventSourceMapping" and params.get("FunctionName"):
        functions.append(named(ctx, params).qualified_arn)
    for function in functions or [None]:
        context = {} if function is None else {"lambda:FunctionArn": function}
        yield Check(action=f"lambda:{action}", resource=arn, context=context)


@OPERATIONS.operation("CreateEventSourceMapping", checks=_create_checks)
def create_event_source_mapping(ctx: Ctx, params: Params) -> Output:
    """Begin to read a stream for a function."""
    source = _source(params)
    check_members(params)
    position = _starting_position(params, source)
    name = _function(ctx, params)
    _check_stream(ctx, name, source)
    _check_new(ctx, name, source)
    mapping = EventSourceMapping(
        uuid=ctx.new_uuid(),
        account=ctx.account,
        region=ctx.region,
        function=name.name,
        qualifier=name.qualifier,
        source=source,
        starting_position=position,
        modified=ctx.now,
        tags=dict(params.get("Tags") or {}),
        **settings(params),
    )
    _check_lanes(mapping)
    ctx.state.event_sources.put(mapping.key, mapping)
    if position == "LATEST":
        _begin_at_the_end(ctx, mapping)
    return _describe(mapping, "Creating")


def _source(params: Params) -> str:
    arn: str | None = params.get("EventSourceArn")
    if not arn:
        raise errors.invalid("Casemate reads DynamoDB streams only: EventSourceArn must be the ARN of one.")
    service = Arn.parse(arn).service
    if service != "dynamodb":
        raise errors.invalid(f"Casemate does not support {service} as an event source yet.")
    return arn


def _starting_position(params: Params, source: str) -> str:
    position: str | None = params.get("StartingPosition")
    if position is None:
        raise errors.invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must "
            "not be null."
        )
    if position == "AT_TIMESTAMP" or params.get("StartingPositionTimestamp") is not None:
        # API reference: AT_TIMESTAMP is for Kinesis, DocumentDB and Kafka.
        raise errors.invalid(f"Unsupported starting position for arn type: {source}")
    return position


def _check_lanes(mapping: EventSourceMapping) -> None:
    if mapping.tumbling and mapping.factor > 1:
        # A window's state is handed on from batch to batch of a shard: there is one at a time.
        raise errors.invalid(
            "TumblingWindowInSeconds cannot be combined with a ParallelizationFactor above 1."
        )


def _function(ctx: Ctx, params: Params) -> FunctionName:
    name = named(ctx, params)
    if name.account != ctx.account:
        raise AwsError(
            "AccessDeniedException", "Cross-account event source mappings are not allowed.", http_status=403
        )
    ctx.state.version(name)
    return name


def _check_stream(ctx: Ctx, name: FunctionName, source: str) -> None:
    role = role_principal(ctx, ctx.state.version(name).role)
    for action in _ROLE_ACTIONS:
        try:
            ctx.authorize(Check(action=f"dynamodb:{action}", resource=source), principal=role)
        except AwsError as error:
            # Observed: awslabs/dynamodb-continuous-backup#39 on GitHub.
            raise errors.invalid(
                f"Cannot access stream {source}. Please ensure the role can perform the GetRecords, GetShardIterator, "
                "DescribeStream, and ListStreams Actions on your stream in IAM."
            ) from error
    if not ctx.state.streams.stream_exists(source):
        raise errors.invalid(f"Stream not found: {source}")


def _check_new(ctx: Ctx, name: FunctionName, source: str) -> None:
    for one in ctx.state.event_sources.values(ctx.account, ctx.region):
        if one.source == source and one.name == name:
            # Observed: aws/serverless-application-model#1320 on GitHub.
            raise errors.conflict(
                f'The event source arn (" {source} ") and function (" {name.name} ") provided mapping already exists. '
                f"Please update or delete the existing mapping with UUID {one.uuid}"
            )


def _begin_at_the_end(ctx: Ctx, mapping: EventSourceMapping) -> None:
    """LATEST: what is written after this call has answered is handed over, nothing before."""
    streams = ctx.state.streams
    places = [
        (
            shard.shard_id,
            Checkpoint(next=streams.latest(mapping.source, shard.shard_id), done=shard.closed),
        )
        for shard in streams.shards(mapping.source)
    ]
    ctx.state.checkpoints.begin(mapping, places)


@OPERATIONS.operation(
    "GetEventSourceMapping", checks=lambda ctx, params: _checks_on(ctx, params, "GetEventSourceMapping")
)
def get_event_source_mapping(ctx: Ctx, params: Params) -> Output:
    """The mapping."""
    return _describe(_mapping(ctx, params))


@OPERATIONS.operation("ListEventSourceMappings")
def list_event_source_mappings(ctx: Ctx, params: Params) -> Output:
    """Mappings of the account in this Region, of a function or of a stream."""
    found = ctx.state.event_sources.values(ctx.account, ctx.region)
    if params.get("FunctionName"):
        name = named(ctx, params)
        ctx.state.version(name)
        found = [one for one in found if one.name == name]
    if params.get("EventSourceArn"):
        found = [one for one in found if one.source == params["EventSourceArn"]]
    shown, marker = page(sorted(found, key=lambda one: one.uuid), {"MaxItems": 100, **params})
    return {"EventSourceMappings": [_describe(one) for one in shown], "NextMarker": marker}


@OPERATIONS.operation(
    "UpdateEventSourceMapping",
    checks=lambda ctx, params: _checks_on(ctx, params, "UpdateEventSourceMapping"),
)
def update_event_source_mapping(ctx: Ctx, params: Params) -> Output:
    """What is not given stays. The batch that is being handed over is finished as it was begun."""
    mapping = _mapping(ctx, params)
    check_members(params)
    changes: dict[str, Any] = settings(params)
    if params.get("FunctionName"):
        name = _function(ctx, params)
        if name != mapping.name:
            _check_stream(ctx, name, mapping.source)
            _check_new(ctx, name, mapping.source)
            changes |= {"function": name.name, "qualifier": name.qualifier}
    new = replace(mapping, **changes, modified=ctx.now, revision=mapping.revision + 1)
    _check_lanes(new)
    ctx.state.event_sources.put(new.key, new)
    if new.enabled == mapping.enabled:
        return _describe(new, "Updating")
    return _describe(new, "Enabling" if new.enabled else "Disabling")


@OPERATIONS.operation(
    "DeleteEventSourceMapping",
    checks=lambda ctx, params: _checks_on(ctx, params, "DeleteEventSourceMapping"),
)
def delete_event_source_mapping(ctx: Ctx, params: Params) -> Output:
    """Read no more."""
    mapping = _mapping(ctx, params)
    ctx.state.event_sources.delete(*mapping.key)
    ctx.state.checkpoints.forget(mapping.uuid)
    return _describe(mapping, "Deleting")


def _mapping(ctx: Ctx, params: Params) -> EventSourceMapping:
    found = ctx.state.event_sources.get(ctx.account, ctx.region, params["UUID"])
    if found is None:
        raise errors.not_found_here("The resource you requested does not exist.")
    return found


def _describe(mapping: EventSourceMapping, state: str | None = None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": mapping.arn,
        "EventSourceArn": mapping.source,
        "FunctionArn": mapping.name.qualified_arn,
        "StartingPosition": mapping.starting_position,
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": mapping.window,
        "ParallelizationFactor": mapping.factor,
        "BisectBatchOnFunctionError": mapping.bisect,
        "MaximumRetryAttempts": mapping.retries,
        "MaximumRecordAgeInSeconds": mapping.max_age,
        "TumblingWindowInSeconds": mapping.tumbling,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if mapping.reports_failures else [],
        "LastModified": mapping.modified,
        "LastProcessingResult": mapping.result,
        "State": state or ("Enabled" if mapping.enabled else "Disabled"),
        "StateTransitionReason": "User action",
    }
    if mapping.filters:
        described["FilterCriteria"] = {"Filters": [{"Pattern": text} for text in mapping.filters]}
    return described
