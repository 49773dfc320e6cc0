"""The operations, by what they are about. Importing this registers them."""

from casemate.services.dynamodb.operations import (
    backups,
    batches,
    contributor_insights,
    items,
    kinesis_destinations,
    legacy_global_tables,
    partiql,
    policies,
    queries,
    recovery,
    settings,
    table_updates,
    tables,
    tags,
    transactions,
)

__all__ = [
    "backups",
    "batches",
    "contributor_insights",
    "items",
    "kinesis_destinations",
    "legacy_global_tables",
    "partiql",
    "policies",
    "queries",
    "recovery",
    "settings",
    "table_updates",
    "tables",
    "tags",
    "transactions",
]
