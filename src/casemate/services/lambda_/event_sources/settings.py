"""The members of Create- and UpdateEventSourceMapping, read and refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from casemate.servicekit.service import Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.event_sources.patterns import InvalidPatternError, parse_pattern

_MOST_FILTERS = 5
"""Lambda Developer Guide, "Control which events Lambda sends to your function": five by default."""
_YOUNGEST = 60
_OF_OTHER_SOURCES = (
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "SelfManagedEventSource",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "ScalingConfig",
    "ProvisionedPollerConfig",
)
"""API reference: each of them belongs to queues, brokers, Kafka or DocumentDB."""
_NOT_MODELLED = ("KMSKeyArn", "MetricsConfig", "LoggingConfig")


def check_members(params: Params) -> None:
    """Refuse what a DynamoDB stream does not have, and what Casemate does not."""
    for member in _OF_OTHER_SOURCES:
        if params.get(member):
            raise errors.invalid(f"{member} is not supported for event sources of type DynamoDB.")
    for member in _NOT_MODELLED:
        given: Any = params.get(member)
        if isinstance(given, dict):
            given = any(cast("dict[str, Any]", given).values())
        if given:
            raise errors.invalid(f"Casemate does not support {member} of event source mappings yet.")
    destinations: Mapping[str, Mapping[str, str]] = params.get("DestinationConfig") or {}
    for kind, given in destinations.items():
        destination = given.get("Destination")
        if destination and kind == "OnSuccess":
            raise errors.invalid(
                "Unsupported DestinationConfig parameter for given event source mapping type."
            )
        if destination:
            raise errors.invalid(
                f"Casemate has no queues, topics or buckets: {destination} cannot be an OnFailure destination of an "
                "event source mapping."
            )


def settings(params: Params) -> dict[str, Any]:
    """Members of `EventSourceMapping`, of what is given."""
    found: dict[str, Any] = {}
    for member, attribute in (
        ("Enabled", "enabled"),
        ("BatchSize", "batch_size"),
        ("MaximumBatchingWindowInSeconds", "window"),
        ("ParallelizationFactor", "factor"),
        ("TumblingWindowInSeconds", "tumbling"),
        ("BisectBatchOnFunctionError", "bisect"),
        ("MaximumRetryAttempts", "retries"),
        ("MaximumRecordAgeInSeconds", "max_age"),
    ):
        if params.get(member) is not None:
            found[attribute] = params[member]
    if 0 <= found.get("max_age", -1) < _YOUNGEST:
        raise errors.invalid(
            f"MaximumRecordAgeInSeconds must be -1 or between {_YOUNGEST} and 604800: {found['max_age']} is not."
        )
    if params.get("FunctionResponseTypes") is not None:
        found["reports_failures"] = "ReportBatchItemFailures" in params["FunctionResponseTypes"]
    if params.get("FilterCriteria") is not None:
        found["filters"] = _filters(params["FilterCriteria"])
    return found


def _filters(criteria: Mapping[str, Any]) -> tuple[str, ...]:
    patterns = tuple(one.get("Pattern") or "" for one in criteria.get("Filters") or ())
    if len(patterns) > _MOST_FILTERS:
        raise errors.invalid(
            f"The number of filters ({len(patterns)}) exceeds the limit of {_MOST_FILTERS} filters per event source mapping."
        )
    for text in patterns:
        try:
            parse_pattern(text)
        except InvalidPatternError as error:
            raise errors.invalid("Invalid filter pattern definition.") from error
    return patterns
