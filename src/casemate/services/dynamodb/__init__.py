"""Amazon DynamoDB.

Modelled: tables with their indexes, billing modes, tags, deletion protection, TTL settings, encryption settings and
resource policies; items with conditions, updates, queries, scans, batches and transactions. A table is ready as soon
as CreateTable has answered: that answer says CREATING and DeleteTable's DELETING, as AWS's do, and the next
DescribeTable shows what is, so that waiters return at their first look. A table of another account is named by its ARN.

Not modelled: streams, backups and restores, global tables, export and import, PartiQL, Kinesis destinations,
throttling, expiry of items by TTL, encryption of the items themselves (a table with a KMS key has a table key under it,
and callers must be allowed to use that; the items are kept in plaintext, in files that only their owner reads).
"""

from __future__ import annotations

from casemate.model.arns import Arn
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.servicekit.ports import Keys
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services.dynamodb import operations as _registered
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.engine import TablesEngine

__all__ = ["build", "operations"]

assert _registered.__all__, "importing the operations registers them"


def build(store: Store, engine: TablesEngine, keys: Keys | None = None) -> Service[DynamoState]:
    """The service. What a crash left in `engine` without a record in `store` is purged here.

    `keys` None: tables cannot be encrypted with KMS keys.
    """
    state = DynamoState(store, engine, keys)

    def resource_policy(arn: str) -> Policy | None:
        """The policy of a table; it speaks for the table's indexes too."""
        try:
            parsed = Arn.parse(arn)
        except ValueError:
            return None
        kind, _, rest = parsed.resource.partition("/")
        record = state.tables.get(parsed.account, parsed.region, rest.partition("/")[0])
        if kind != "table" or record is None or record.policy is None:
            return None
        return state.policies.policy(record.policy, kind=PolicyType.RESOURCE, label=record.ref.arn)

    return Service(operations=operations, state=state, resource_policies=resource_policy)
