"""The operations of Lambda."""

from casemate.services.lambda_.operations import (
    account,
    aliases,
    concurrency,
    event_source_mappings,
    functions,
    invocation,
    permissions,
    tags,
    updates,
    versions,
)
from casemate.services.lambda_.operations.registry import OPERATIONS

__all__ = [
    "OPERATIONS",
    "account",
    "aliases",
    "concurrency",
    "event_source_mappings",
    "functions",
    "invocation",
    "permissions",
    "tags",
    "updates",
    "versions",
]
