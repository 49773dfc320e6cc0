"""What one UpdateTable may change: one thing. Only BillingMode goes together with others.

Source: AWS's answers as recorded by ack-api-quirks, DDB-TABLE-015, 174, 224, 359, 382 and 433 (of 35 pairs of changes 33 are
refused; which complaint comes first).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casemate.services.dynamodb.errors import validation
from casemate.tables.errors import INVALID

_CHANGES = (
    "BillingMode",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexUpdates",
    "SSESpecification",
    "TableClass",
    "DeletionProtectionEnabled",
    "StreamSpecification",
    "OnDemandThroughput",
    "WarmThroughput",
    "ReplicaUpdates",
)
_ALONE = {
    "ReplicaUpdates": "Replica modification",
    "SSESpecification": "Server-Side Encryption modification",
    "TableClass": "TableClass modification",
    "DeletionProtectionEnabled": "DeletionProtection modification",
}
"""In the order in which they are complained of."""
_NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
    "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
    "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
)


def check_single(params: Mapping[str, Any]) -> None:
    """ValidationException when a request changes nothing, or things that cannot be changed together."""
    given = {member for member in _CHANGES if params.get(member) is not None}
    indexes: list[Mapping[str, Any]] | None = params.get("GlobalSecondaryIndexUpdates")
    if not given or (given == {"GlobalSecondaryIndexUpdates"} and not indexes):
        raise validation(_NOTHING)
    if indexes is not None and not indexes:
        raise validation(f"{INVALID}List of GlobalSecondaryIndexUpdates is empty")
    if len(given) == 1:
        return
    for member, what in _ALONE.items():
        if member in given:
            raise validation(f"{INVALID}{what} must be the only operation in the request")
    if "OnDemandThroughput" in given and given != {"OnDemandThroughput", "BillingMode"}:
        raise validation(
            f"{INVALID}OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"
        )
    kinds = {kind for update in indexes or () for kind in update}
    if "WarmThroughput" in given:
        if "Create" in kinds:
            raise validation(
                f"{INVALID}Create global secondary index cannot be specified when updating WarmThroughput"
            )
        raise validation(f"{INVALID}WarmThroughput must be the only operation in the request")
    _check_pairs(params, given, comes_or_goes=bool(kinds & {"Create", "Delete"}))


def _check_pairs(params: Mapping[str, Any], given: set[str], *, comes_or_goes: bool) -> None:
    """Throughput, streams and the coming and going of indexes, of which no two go together."""
    units, stream = "ProvisionedThroughput" in given, "StreamSpecification" in given
    if stream and (units or params.get("BillingMode") == "PROVISIONED"):
        raise validation(f"{INVALID}You cannot modify stream status while updating table IOPS")
    if comes_or_goes and units:
        raise validation(f"{INVALID}You cannot create or delete index while updating table IOPS")
    if comes_or_goes and stream:
        raise validation(f"{INVALID}You cannot create or delete index while changing stream status")
