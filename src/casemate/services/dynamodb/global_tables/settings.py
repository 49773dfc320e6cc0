"""Which settings the replicas of a global table share.

Source: Developer Guide, "Global tables settings". Always the same: capacity mode, write capacity and its on-demand limit, warm
throughput, global indexes, streams, time to live. The same until a replica overrides them: read capacity and table class. Never:
deletion protection, point-in-time recovery, tags, policies, contributor insights, Kinesis destinations.
"""

from __future__ import annotations

from dataclasses import replace

from casemate.services.dynamodb.records import IndexRecord, TableRecord, Throughput


def followed(old: TableRecord, new: TableRecord, other: TableRecord) -> TableRecord:
    """Another replica after a change from `old` to `new`: what it shared before it shares still."""
    changed = replace(
        other.with_indexes(tuple(_index(old, index, other) for index in new.indexes)),
        attributes=new.attributes,
        next_index=new.next_index,
        billing_mode=new.billing_mode,
        billing_changed=new.billing_changed,
        throughput=_units(old.throughput, new.throughput, other.throughput),
        on_demand=new.on_demand,
        warm=new.warm,
        table_class=new.table_class if other.table_class == old.table_class else other.table_class,
    )
    if new.ttl_attribute == old.ttl_attribute:
        return changed
    assert other.replica is not None
    # Whoever switched it on looks after it.
    told = replace(other.replica, expires_items=False)
    return replace(changed, ttl_attribute=new.ttl_attribute, ttl_changed=new.ttl_changed, replica=told)


def _index(old: TableRecord, index: IndexRecord, other: TableRecord) -> IndexRecord:
    """An index has the same number in every replica; its items are added in each."""
    before, present = old.index(index.name), other.index(index.name)
    if before is None or present is None or before.number != index.number:
        return index
    units = _units(before.throughput, index.throughput, present.throughput)
    return replace(present, throughput=units, on_demand=index.on_demand, warm=index.warm)


def _units(before: Throughput, after: Throughput, present: Throughput) -> Throughput:
    """Write units are shared; read units where they were not overridden."""
    read = after.read if present.read == before.read else present.read
    return Throughput(read=read if after.read else 0, write=after.write)
