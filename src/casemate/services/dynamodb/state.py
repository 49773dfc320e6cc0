"""DynamoDB's state: table records in the store, items in the engine, and how the two stay of one mind.

A record is committed before its items can exist and deleted before they are: whatever a crash leaves in the engine
without a record (a dropped table, a half-built index) is purged at the next start.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from casemate.servicekit.parsed import ParsedPolicies
from casemate.servicekit.ports import Keys, ServiceLinkedRoles
from casemate.servicekit.service import Context
from casemate.servicekit.store import Store
from casemate.services.dynamodb.backups.records import BackupRecord
from casemate.services.dynamodb.errors import resource_not_found, table_not_found
from casemate.services.dynamodb.names import TableRef, table_ref
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.streams.records import StreamRecord
from casemate.services.dynamodb.table_keys import TableKeys
from casemate.tables.engine import TablesEngine
from casemate.tables.schema import TableSchema


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """An existing table: its record and its schema."""

    record: TableRecord
    schema: TableSchema
    is_usable: bool
    """Whether items can be read and written."""


class DynamoState:
    """Tables, and the engine that holds their items."""

    def __init__(self, store: Store, engine: TablesEngine, keys: Keys | None = None) -> None:
        self.tables = store.collection("dynamodb.tables", TableRecord)
        self.streams = store.collection("dynamodb.streams", StreamRecord)
        self.backups = store.collection("dynamodb.backups", BackupRecord)
        self.engine = engine
        self.policies = ParsedPolicies()
        self.table_keys = TableKeys(keys)
        self.linked_roles: ServiceLinkedRoles | None = None
        """None: nobody asks for roles of DynamoDB's own."""
        self._known: dict[tuple[str, str, str], Table] = {}
        with store.transaction():
            for record in self.tables.values():
                if record.deleting:
                    self.tables.put(record.ref.key, replace(record, deleting=False))
        engine.purge(
            {
                record.id_bytes: {0, *(index.number for index in record.indexes)}
                for record in self.tables.values()
            }
        )
        engine.undo.purge(
            {record.id_bytes for record in self.tables.values() if record.recovery_since is not None}
        )
        engine.replication.purge({record.id_bytes for record in self.tables.values()})
        engine.backups.purge({backup.id_bytes for backup in self.backups.values()})
        engine.changes.purge({stream.id_bytes for stream in self.streams.values()})
        for stream in self.streams.values():
            # The record was durable first: a crash may have come before the engine followed it.
            if stream.disabled is None:
                engine.changes.open(stream.id_bytes)
            else:
                engine.changes.close(stream.id_bytes)

    @staticmethod
    def is_usable(record: TableRecord) -> bool:
        """Whether a table is neither being created nor deleted, nor archived."""
        return not (record.is_being_created or record.deleting or record.archived)

    def find(self, ref: TableRef) -> Table | None:
        """The table, or None."""
        record = self.tables.get(*ref.key)
        if record is None:
            return None
        known = self._known.get(ref.key)
        if known is None or known.record is not record:
            known = Table(record=record, schema=record.schema(), is_usable=self.is_usable(record))
            self._known[ref.key] = known
        return known

    def others(self, record: TableRecord) -> list[TableRecord]:
        """The other replicas of a global table, by Region."""
        replica = record.replica
        if replica is None:
            return []
        found = (
            other
            for other in self.tables.values(record.account)
            if other.replica is not None
            and other.replica.group == replica.group
            and other.region != record.region
        )
        return sorted(found, key=lambda other: other.region)

    def described(self, ref: TableRef) -> TableRecord:
        """For operations on tables."""
        record = self.tables.get(*ref.key)
        if record is None:
            raise table_not_found(ref.name)
        return record

    def table(self, ctx: Context[Any], name: str) -> Table:
        """For operations on items: the caller must be able to use the table's key, where it has one."""
        return self.usable(ctx, self.find(table_ref(ctx, name)))

    def usable(self, ctx: Context[Any], found: Table | None) -> Table:
        """As `table`, of what `find` found."""
        if found is None or not found.is_usable:
            raise resource_not_found()
        if found.record.encryption is not None:
            self.table_keys.open(ctx, found.record)
        return found

    def forget(self, ref: TableRef) -> None:
        """Of a deleted table."""
        self._known.pop(ref.key, None)
