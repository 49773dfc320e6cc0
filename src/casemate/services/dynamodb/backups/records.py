"""A backup as the store keeps it, and its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from casemate.model.arns import Arn
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.names import NAME, TableRef
from casemate.services.dynamodb.records import TableRecord

SYSTEM_SECONDS = 35 * 24 * 3600
"""Developer Guide, "Point-in-time recovery": the backup of a deleted table is kept for 35 days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupRef:
    """Which backup is meant, whether it exists or not."""

    table: TableRef
    backup_id: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Its key in the store."""
        return (*self.table.key, self.backup_id)

    @property
    def arn(self) -> str:
        return self.table.backup_arn(self.backup_id)


@dataclass(frozen=True, kw_only=True)
class BackupRecord:
    """A backup. Its items are in the engine under `copy_id`."""

    backup_id: str
    """Milliseconds since the epoch and eight hexadecimal digits, as AWS writes them."""
    name: str
    kind: Literal["USER", "SYSTEM"]
    copy_id: str
    """Thirty-two hexadecimal digits."""
    created: float
    table: TableRecord
    """The table as it was."""
    items: int
    size: int

    @property
    def ref(self) -> BackupRef:
        return BackupRef(table=self.table.ref, backup_id=self.backup_id)

    @property
    def id_bytes(self) -> bytes:
        """The id as the engine knows it."""
        return bytes.fromhex(self.copy_id)

    @property
    def expires(self) -> float | None:
        return self.created + SYSTEM_SECONDS if self.kind == "SYSTEM" else None

    def is_gone(self, now: float) -> bool:
        return self.expires is not None and now >= self.expires


def backup_ref(text: str) -> BackupRef:
    """Read a BackupArn (what is said of others: ack-api-quirks, DDB-BACKUP-012)."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise validation("Invalid Backup ARN") from None
    match arn.resource.split("/"):
        case ["table", name, "backup", backup_id] if arn.service == "dynamodb" and NAME.fullmatch(name):
            table = TableRef(account=arn.account, region=arn.region, name=name)
            return BackupRef(table=table, backup_id=backup_id)
        case _:
            raise validation("Invalid Backup ARN")
