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

__all__ = [
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
