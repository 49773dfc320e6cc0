"""Amazon DynamoDB.

Modelled: tables with their indexes, billing modes, tags, deletion protection, TTL settings, encryption settings and
resource policies; global tables across the Regions of one Casemate (`global_tables`); backups, and point-in-time recovery
to any second since it was switched on; items with conditions, updates, queries, scans, batches, transactions and PartiQL;
streams, and expiry of items by time to live; throttling where it is asked for (`throttling`). A table is ready as soon as
CreateTable has answered: that answer says CREATING and DeleteTable's DELETING, as AWS's do, and the next DescribeTable
shows what is, so that waiters return at their first look. New indexes and new replicas take the time that filling them
takes (`building`). A table of another account is named by its ARN.

Kept and described, without effect: contributor insights, Kinesis destinations, table classes, warm throughput.

Not modelled: strong consistency across Regions, export and import, encryption of the items themselves (a table with a KMS
key has a table key under it, and callers must be allowed to use that; the items are kept in plaintext, in files that only
their owner reads).
"""

from __future__ import annotations

from casemate.model.arns import Arn
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.servicekit.ports import Keys
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.dynamodb.registry import operations as registered
from casemate.services.dynamodb.registry import until_seen_durable
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.operations import operations as stream_operations
from casemate.services.dynamodb.streams.records import parse_stream_arn
from casemate.tables.engine import TablesEngine

__all__ = ["build", "build_streams"]


def build(store: Store, engine: TablesEngine, keys: Keys | None = None) -> Service[DynamoState]:
    """The service. What a crash left in `engine` without a record in `store` is purged here.

    `keys` None: tables cannot be encrypted with KMS keys.
    """
    state = DynamoState(store, engine, keys)
    return Service(
        operations=registered,
        state=state,
        resource_policies=lambda arn: _resource_policy(state, arn),
        seen=until_seen_durable,
    )


def build_streams(service: Service[DynamoState]) -> Service[DynamoState]:
    """The API of `streams.dynamodb`: another endpoint of the same service, under the same IAM prefix."""
    return Service(
        operations=stream_operations,
        state=service.state,
        resource_policies=service.resource_policies,
        seen=service.seen,
    )


def _resource_policy(state: DynamoState, arn: str) -> Policy | None:
    """The policy of a table, which speaks for the table's indexes too, or that of a stream."""
    stream = parse_stream_arn(arn)
    if stream is not None:
        record = state.streams.get(*stream.key)
    else:
        try:
            parsed = Arn.parse(arn)
        except ValueError:
            return None
        kind, _, rest = parsed.resource.partition("/")
        if kind != "table" or "/backup/" in rest:
            return None
        record = state.tables.get(parsed.account, parsed.region, rest.partition("/")[0])
    if record is None or record.policy is None:
        return None
    return state.policies.policy(record.policy, kind=PolicyType.RESOURCE, label=record.ref.arn)
