"""Lists of objects with their timestamps, each change of which can be undone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from kinto.core.storage import wildcards
from kinto.core.storage.undo import AtomicWrites
from kinto.core.types import KintoObject, ListKey


@dataclass(frozen=True, slots=True)
class Entry:
    """What is stored under one identifier.

    :param data: without identifier or timestamp; ``None`` for a tombstone.
    """

    last_modified: int
    data: KintoObject | None


@dataclass(slots=True)
class ObjectList:
    """Sibling objects with their tombstones, by identifier.

    :param holders: timestamp -> identifier; no two objects share one.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    holders: dict[int, str] = field(default_factory=dict)


class Lists:
    """Every list of a storage. The caller holds the lock of ``writes``."""

    def __init__(self, writes: AtomicWrites) -> None:
        self._writes = writes
        self._lists: dict[ListKey, ObjectList] = {}
        self._timestamps: dict[ListKey, int] = {}

    def select(self, resource_name: str | None, parent_id: str) -> list[ListKey]:
        """Keys of the lists that hold something, by parent.

        :param resource_name: ``None``: every resource.
        :param parent_id: may hold ``*``.
        """
        if resource_name is not None and "*" not in parent_id:
            key = ListKey(resource_name, parent_id)
            return [key] if key in self._lists else []
        found = (key for key in self._lists if _matches(key, resource_name, parent_id))
        return sorted(found, key=lambda key: (key.parent_id, key.resource_name))

    def select_below(self, parent_id: str) -> list[ListKey]:
        """Keys of the lists whose parent is, or is below, this one."""
        below = f"{parent_id}/"
        return [
            key
            for key in {**self._lists, **self._timestamps}
            if key.parent_id == parent_id or key.parent_id.startswith(below)
        ]

    def find(self, key: ListKey, object_id: str) -> Entry | None:
        """The object or tombstone of that identifier."""
        objects = self._lists.get(key)
        return objects.entries.get(object_id) if objects else None

    def find_live(self, key: ListKey, object_id: str) -> Entry | None:
        """The object of that identifier."""
        entry = self.find(key, object_id)
        return entry if entry and entry.data is not None else None

    def find_holder(self, key: ListKey, timestamp: int) -> str | None:
        """Identifier of the object or tombstone that holds a timestamp."""
        objects = self._lists.get(key)
        return objects.holders.get(timestamp) if objects else None

    def entries(self, key: ListKey) -> Iterator[tuple[str, Entry]]:
        """Objects with tombstones, by identifier; changes meanwhile are not seen."""
        objects = self._lists.get(key)
        return iter(list(objects.entries.items()) if objects else [])

    def put(self, key: ListKey, object_id: str, entry: Entry | None) -> None:
        """Store under one identifier, whatever was there; ``None`` removes."""
        previous = self._put(key, object_id, entry)
        self._writes.record(partial(self._take_back, key, object_id, entry, previous))

    def _put(self, key: ListKey, object_id: str, entry: Entry | None) -> Entry | None:
        objects = self._lists.setdefault(key, ObjectList())
        previous = objects.entries.pop(object_id, None)
        if previous is not None and objects.holders.get(previous.last_modified) == object_id:
            del objects.holders[previous.last_modified]
        if entry is not None:
            objects.entries[object_id] = entry
            objects.holders[entry.last_modified] = object_id
        if not objects.entries:
            del self._lists[key]
        return previous

    def _take_back(
        self, key: ListKey, object_id: str, written: Entry | None, previous: Entry | None
    ) -> None:
        if self.find(key, object_id) is written:
            self._put(key, object_id, previous)

    def timestamp(self, key: ListKey) -> int | None:
        """``None`` when the list never had one."""
        return self._timestamps.get(key)

    def timestamps(self, resource_name: str) -> dict[str, int]:
        """Timestamps of every list of a resource, by parent."""
        return {
            key.parent_id: timestamp
            for key, timestamp in self._timestamps.items()
            if key.resource_name == resource_name
        }

    def put_timestamp(self, key: ListKey, timestamp: int | None) -> None:
        """Store the timestamp of a list; ``None`` removes it."""
        previous = self._put_timestamp(key, timestamp)
        self._writes.record(partial(self._take_back_timestamp, key, timestamp, previous))

    def _put_timestamp(self, key: ListKey, timestamp: int | None) -> int | None:
        previous = self._timestamps.pop(key, None)
        if timestamp is not None:
            self._timestamps[key] = timestamp
        return previous

    def _take_back_timestamp(
        self, key: ListKey, written: int | None, previous: int | None
    ) -> None:
        if self._timestamps.get(key) == written:
            self._put_timestamp(key, previous)

    def forget_empty(self, parent_id: str) -> None:
        """Remove the timestamps of lists that hold nothing.

        :param parent_id: may hold ``*``.
        """
        for key in [key for key in self._timestamps if _matches(key, None, parent_id)]:
            if key not in self._lists:
                self.put_timestamp(key, None)


def _matches(key: ListKey, resource_name: str | None, parent_id: str) -> bool:
    return resource_name in (None, key.resource_name) and wildcards.matches(
        parent_id, key.parent_id
    )
