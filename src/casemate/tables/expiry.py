"""Time to live: which items of a table have expired. A little of the table at a time, so that nobody waits for it.

Source: Developer Guide, "Using time to live (TTL) in DynamoDB": the attribute is a Number, seconds since the epoch;
items whose attribute has another type do not expire, nor do those that expired more than five years ago.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from casemate.tables.records import wire_of
from casemate.tables.schema import TableSchema
from casemate.tables.storage import Storage
from casemate.tables.stretches import after, items_from
from casemate.tables.values import Item, item_from_wire

FIVE_YEARS = 5 * 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """What expires when."""

    attribute: str
    now: float
    """Seconds since the epoch."""

    def has_passed(self, text: str) -> bool:
        """Whether a number's text is a time that is over, and not so long that DynamoDB distrusts it."""
        return self.now - FIVE_YEARS <= float(text) < self.now


def find_expired(
    storage: Storage, table: TableSchema, expiry: Expiry, place: bytes | None
) -> tuple[list[Item], bytes | None]:
    """Keys of the expired among the next items after `place`, and the new place; None: there were none left."""
    # As it stands in a record: JSON escapes quotes.
    name = msgspec.json.encode(expiry.attribute)[1:-1]
    entries = items_from(storage, table.table_id, place)
    found: list[Item] = []
    for _, record in entries:
        # Most items without the attribute are passed over undecoded.
        if name in record:
            item = wire_of(record)
            text = item.get(expiry.attribute, {}).get("N")
            if text is not None and expiry.has_passed(text):
                found.append(item_from_wire({each.name: item[each.name] for each in table.key.attributes}))
    return found, after(entries)
