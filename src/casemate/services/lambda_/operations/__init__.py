"""The operations of Lambda."""

from casemate.services.lambda_.operations import (
    account,
    aliases,
    concurrency,
    event_invoke,
    event_source_mappings,
    functions,
    invocation,
    layer_permissions,
    layers,
    permissions,
    provisioned,
    runtime_settings,
    tags,
    updates,
    urls,
    versions,
)
from casemate.services.lambda_.operations.registry import OPERATIONS

__all__ = [
    "OPERATIONS",
    "account",
    "aliases",
    "concurrency",
    "event_invoke",
    "event_source_mappings",
    "functions",
    "invocation",
    "layer_permissions",
    "layers",
    "permissions",
    "provisioned",
    "runtime_settings",
    "tags",
    "updates",
    "urls",
    "versions",
]
