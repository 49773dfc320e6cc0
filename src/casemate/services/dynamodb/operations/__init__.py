"""The operations, by what they are about. Importing this registers them."""

from casemate.services.dynamodb.operations import (
    batches,
    items,
    partiql,
    policies,
    queries,
    settings,
    table_updates,
    tables,
    tags,
    transactions,
)

__all__ = [
    "batches",
    "items",
    "partiql",
    "policies",
    "queries",
    "settings",
    "table_updates",
    "tables",
    "tags",
    "transactions",
]
