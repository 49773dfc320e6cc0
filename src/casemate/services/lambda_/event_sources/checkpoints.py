"""How far the lanes of a shard have come, durably: each batch is handed over at least once, whatever happens."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable

from casemate.servicekit.store import Collection, Store
from casemate.services.lambda_.event_sources.mappings import Checkpoint, EventSourceMapping

Key = tuple[str, str, str, str]


class Checkpoints:
    """The checkpoints of all mappings."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: Collection[Checkpoint] = store.collection("lambda.event_source_checkpoints", Checkpoint)

    def get(self, mapping: EventSourceMapping, shard_id: str, lane: int) -> Checkpoint | None:
        """None: the lane has not begun."""
        return self._kept.get(*_key(mapping, shard_id, lane))

    def put(self, mapping: EventSourceMapping, shard_id: str, lane: int, checkpoint: Checkpoint) -> None:
        """Remember; durable when this returns."""
        with self._store.transaction():
            self._kept.put(_key(mapping, shard_id, lane), checkpoint)

    def begin(self, mapping: EventSourceMapping, positions: Iterable[tuple[str, Checkpoint]]) -> None:
        """Where the shards of a new mapping begin. Inside the transaction that makes it."""
        for shard_id, checkpoint in positions:
            for lane in range(mapping.factor):
                self._kept.put(_key(mapping, shard_id, lane), checkpoint)

    def is_done(self, mapping: EventSourceMapping, shard_id: str) -> bool:
        """Whether every lane of a shard has come to its end."""
        found = [self.get(mapping, shard_id, lane) for lane in range(mapping.factor)]
        return all(one is not None and one.done for one in found)

    def adopt(self, mapping: EventSourceMapping) -> None:
        """Give the lanes of a changed ParallelizationFactor the places of the old ones: the least advanced of each shard."""
        shards: dict[str, list[tuple[Key, Checkpoint]]] = {}
        for key, checkpoint in self._kept.items(mapping.uuid):
            _, shard_id, factor, lane = key
            if factor != str(mapping.factor):
                shards.setdefault(shard_id, []).append(((mapping.uuid, shard_id, factor, lane), checkpoint))
        if not shards:
            return
        with self._store.transaction():
            for shard_id, found in shards.items():
                unfinished = [one.next for _, one in found if not one.done]
                last = max(one.next for _, one in found)
                place = Checkpoint(next=min(unfinished, default=last), done=not unfinished)
                for key, _ in found:
                    self._kept.delete(*key)
                self.begin(mapping, [(shard_id, place)])

    def forget(self, uuid: str, *, but: Names[str] = ()) -> None:
        """Of a deleted mapping, or of shards that are gone."""
        gone = [key for key, _ in self._kept.items(uuid) if key[1] not in but]
        if gone:
            with self._store.transaction():
                for key in gone:
                    self._kept.delete(*key)

    def forget_others(self, uuids: Names[str]) -> None:
        """Of mappings that were deleted while a poller still had something to remember."""
        for uuid in {key[0] for key, _ in self._kept.items()}:
            if uuid not in uuids:
                self.forget(uuid)


def _key(mapping: EventSourceMapping, shard_id: str, lane: int) -> Key:
    return (mapping.uuid, shard_id, str(mapping.factor), str(lane))
