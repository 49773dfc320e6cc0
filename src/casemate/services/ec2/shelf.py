"""A collection of one kind of resource, which knows how AWS says that one is missing and which VPCs a change touches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from casemate.servicekit.store import Collection
from casemate.services.ec2.errors import Noun
from casemate.services.ec2.records import Place, Record

R = TypeVar("R", bound=Record)


class Shelf(Generic[R]):
    """Keys are (account, Region, id): nobody sees another account's resources."""

    def __init__(
        self,
        collection: Collection[R],
        noun: Noun,
        vpcs_of: Callable[[R], Iterable[str]],
        dirty: set[str],
    ) -> None:
        self._collection = collection
        self._noun = noun
        self._vpcs_of = vpcs_of
        self._dirty = dirty

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._collection.name

    def find(self, place: Place, resource_id: str) -> R | None:
        """The resource, or None."""
        return self._collection.get(place.account, place.region, resource_id)

    def get(self, place: Place, resource_id: str) -> R:
        """The resource; AwsError `...NotFound` or `...Malformed`."""
        found = self.find(place, resource_id)
        if found is not None:
            return found
        if not resource_id.startswith(self._noun.prefix):
            raise self._noun.malformed(resource_id)
        raise self._noun.missing(resource_id)

    def all(self, place: Place) -> list[R]:
        """Of one account and Region, oldest first."""
        return self._collection.values(place.account, place.region)

    def everywhere(self) -> list[R]:
        """Of every account and Region, oldest first."""
        return self._collection.values()

    def put(self, record: R) -> R:
        """Insert or replace; gives the record back."""
        key = (record.account, record.region, record.id)
        old = self._collection.get(*key)
        # A record may leave one VPC and enter another (an internet gateway): both have changed. A transaction that
        # fails leaves VPCs marked that did not change; projecting them again gives an equal value, which is dropped.
        if old is not None:
            self._dirty.update(self._vpcs_of(old))
        self._dirty.update(self._vpcs_of(record))
        self._collection.put(key, record)
        return record

    def remove(self, record: R) -> None:
        """Delete it."""
        self._dirty.update(self._vpcs_of(record))
        self._collection.delete(record.account, record.region, record.id)
