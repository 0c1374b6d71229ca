"""The storage backend in memory."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kinto.core.decorators import deprecate_kwargs
from kinto.core.protocol import json_codec
from kinto.core.storage import (
    DEFAULT_DELETED_FIELD,
    DEFAULT_ID_FIELD,
    DEFAULT_MODIFIED_FIELD,
    Filters,
    PaginationRules,
    Sorting,
)
from kinto.core.storage.exceptions import (
    ConcurrentWriteError,
    IntegrityError,
    ObjectNotFoundError,
    ReadonlyError,
    UnicityError,
)
from kinto.core.storage.matching import FieldNames, Row, keep, keep_page, ordered
from kinto.core.storage.memory.base import MemoryBasedStorage
from kinto.core.storage.memory.lists import Entry, Lists
from kinto.core.storage.memory.locks import ListLocks
from kinto.core.storage.memory.rows import as_object, copied, located, rows_of, tombstones_of
from kinto.core.storage.protocols import Page
from kinto.core.storage.undo import AtomicWrites
from kinto.core.types import KintoObject, ListKey, ObjectKey, Timestamp


_OLD_LIST_NAME = {"collection_id": "resource_name"}
_OLD_NAMES = {"collection_id": "resource_name", "record": "obj"}


class Storage(MemoryBasedStorage):
    """Objects in memory: gone with the process, unknown to other processes.

    Threads may share an instance. What a request wrote is undone when it fails.
    """

    supports_conditional_writes = True

    def __init__(self, *args: Any, readonly: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, readonly=readonly, **kwargs)
        self._writes = AtomicWrites()
        self._locks = ListLocks(self._writes)
        self._lists = Lists(self._writes)

    def flush(self) -> None:
        # A new instance: steps that undo earlier writes go on with the former one.
        with self._writes.lock:
            self._lists = Lists(self._writes)

    # -- Timestamps ------------------------------------------------------------------------

    def resource_timestamp(self, resource_name: str, parent_id: str) -> int:
        key = ListKey(resource_name, parent_id)
        if self.readonly and self._lists.timestamp(key) is None:
            raise ReadonlyError(message="Cannot initialize the timestamp: read-only mode")
        return self._timestamp_of(key)

    def _timestamp_of(self, key: ListKey) -> int:
        # The request may fail later on; others saw a first timestamp meanwhile.
        with self._writes.write(force_commit=True):
            timestamp = self._lists.timestamp(key)
            return self.bump_and_store_timestamp(*key) if timestamp is None else timestamp

    def all_resources_timestamps(self, resource_name: str) -> dict[str, int]:
        with self._writes.lock:
            return self._lists.timestamps(resource_name)

    def bump_and_store_timestamp(
        self,
        resource_name: str,
        parent_id: str,
        obj: KintoObject | None = None,
        modified_field: str | None = None,
        last_modified: int | None = None,
    ) -> int:
        key = ListKey(resource_name, parent_id)
        with self._writes.write():
            current = self._lists.timestamp(key)
            drawn, highest = self.bump_timestamp(current or 0, obj, modified_field, last_modified)
            if highest != current:
                self._lists.put_timestamp(key, highest)
        return drawn

    # -- One object ------------------------------------------------------------------------

    @deprecate_kwargs(_OLD_NAMES)
    def create(
        self,
        resource_name: str,
        parent_id: str,
        obj: KintoObject,
        id_generator: Callable[[], str] | None = None,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        *,
        owner: ObjectKey | None = None,
    ) -> KintoObject:
        key = ListKey(resource_name, parent_id)
        names = FieldNames(id_field, modified_field)
        new = json_codec.loads_stored(json_codec.dumps_storable(obj))
        if new.get(id_field) is None:
            new[id_field] = (id_generator or self.id_generator)()

        with self._writing(lambda: [key], owner=owner):
            existing = self._lists.find_live(key, new[id_field])
            if existing is not None:
                stored = as_object(new[id_field], existing, names)
                raise UnicityError(id_field, copied(stored))
            return self._store(key, new, names)

    @deprecate_kwargs(_OLD_LIST_NAME)
    def get(
        self,
        resource_name: str,
        parent_id: str,
        object_id: str,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
    ) -> KintoObject:
        with self._writes.lock:
            entry = self._lists.find_live(ListKey(resource_name, parent_id), object_id)
        if entry is None:
            raise ObjectNotFoundError(object_id)
        return copied(as_object(object_id, entry, FieldNames(id_field, modified_field)))

    @deprecate_kwargs(_OLD_NAMES)
    def update(
        self,
        resource_name: str,
        parent_id: str,
        object_id: str,
        obj: KintoObject,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        *,
        expected: int | None = None,
        owner: ObjectKey | None = None,
    ) -> KintoObject:
        key = ListKey(resource_name, parent_id)
        new = json_codec.loads_stored(json_codec.dumps_storable({**obj, id_field: object_id}))
        with self._writing(lambda: [key], owner=owner):
            self._check_unchanged(key, object_id, expected)
            return self._store(key, new, FieldNames(id_field, modified_field))

    @deprecate_kwargs(_OLD_LIST_NAME)
    def delete(
        self,
        resource_name: str,
        parent_id: str,
        object_id: str,
        id_field: str = DEFAULT_ID_FIELD,
        with_deleted: bool = True,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        deleted_field: str = DEFAULT_DELETED_FIELD,
        last_modified: int | None = None,
        *,
        expected: int | None = None,
    ) -> KintoObject:
        key = ListKey(resource_name, parent_id)
        names = FieldNames(id_field, modified_field, deleted_field)
        with self._writing(lambda: [key]):
            self._check_unchanged(key, object_id, expected)
            if self._lists.find_live(key, object_id) is None:
                raise ObjectNotFoundError(object_id)
            return self._bury(
                key, object_id, names, with_deleted=with_deleted, last_modified=last_modified
            )

    # -- Many objects ----------------------------------------------------------------------

    @deprecate_kwargs(_OLD_LIST_NAME)
    def delete_all(
        self,
        resource_name: str | None,
        parent_id: str,
        filters: Filters | None = None,
        sorting: Sorting | None = None,
        pagination_rules: PaginationRules | None = None,
        limit: int | None = None,
        id_field: str = DEFAULT_ID_FIELD,
        with_deleted: bool = True,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        deleted_field: str = DEFAULT_DELETED_FIELD,
    ) -> list[KintoObject]:
        names = FieldNames(id_field, modified_field, deleted_field)
        with self._writing(lambda: self._lists.select(resource_name, parent_id)):
            rows = self._rows(resource_name, parent_id, names)
            kept = keep_page(keep(rows, filters, names), pagination_rules, names)
            tombstones = [
                self._bury(key, row.obj[id_field], names, with_deleted=with_deleted)
                for key, row in located(ordered(kept, sorting, names)[: limit or None])
            ]
        return sorted(tombstones, key=lambda tombstone: int(tombstone[modified_field]))

    @deprecate_kwargs(_OLD_LIST_NAME)
    def purge_deleted(
        self,
        resource_name: str | None,
        parent_id: str,
        before: int | None = None,
        max_retained: int | None = None,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        force_commit: bool = False,
    ) -> int:
        if before is not None and max_retained is not None:
            raise ValueError("`before` and `max_retained` cannot be given together")
        purged = 0
        with self._writes.write(force_commit=force_commit):
            for key in self._lists.select(resource_name, parent_id):
                for object_id in tombstones_of(
                    self._lists, key, before=before, max_retained=max_retained
                ):
                    self._lists.put(key, object_id, None)
                    purged += 1
            if resource_name is None and before is None and max_retained is None:
                self._lists.forget_empty(parent_id)
        return purged

    def trim_objects(
        self,
        resource_name: str,
        parent_id: str,
        filters: Filters | None,
        max_objects: int,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
    ) -> int:
        names = FieldNames(id_field, modified_field)
        key = ListKey(resource_name, parent_id)
        with self._writes.write():
            kept = keep(rows_of(self._lists, key, names), filters, names)
            oldest = ordered(kept, None, names)[: max(len(kept) - max_objects, 0)]
            for row in oldest:
                self._lists.put(key, row.obj[id_field], None)
        return len(oldest)

    def list_all(
        self,
        resource_name: str,
        parent_id: str,
        filters: Filters | None = None,
        sorting: Sorting | None = None,
        pagination_rules: PaginationRules | None = None,
        limit: int | None = None,
        include_deleted: bool = False,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        deleted_field: str = DEFAULT_DELETED_FIELD,
    ) -> list[KintoObject]:
        names = FieldNames(id_field, modified_field, deleted_field)
        rows = self._rows(resource_name, parent_id, names, include_deleted=include_deleted)
        kept = keep_page(keep(rows, filters, names), pagination_rules, names)
        return copied([row.obj for row in ordered(kept, sorting, names)[: limit or None]])

    def count_all(
        self,
        resource_name: str,
        parent_id: str,
        filters: Filters | None = None,
        include_deleted: bool = False,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        deleted_field: str = DEFAULT_DELETED_FIELD,
    ) -> int:
        names = FieldNames(id_field, modified_field, deleted_field)
        rows = self._rows(resource_name, parent_id, names, include_deleted=include_deleted)
        return len(keep(rows, filters, names))

    # -- Finer protocols -------------------------------------------------------------------

    def list_page(
        self,
        resource_name: str,
        parent_id: str,
        *,
        filters: Filters | None = None,
        sorting: Sorting | None = None,
        pagination_rules: PaginationRules | None = None,
        limit: int | None = None,
        include_deleted: bool = False,
        as_text: bool = False,
    ) -> Page:
        """Objects of a list with the timestamp that it has at the same moment.

        A list that never had a timestamp gets one, in read-only mode too.
        """
        with self._writes.lock:
            timestamp = self._timestamp_of(key := ListKey(resource_name, parent_id))
            objects = type(self).list_all(  # without a timer: the page has its own
                self,
                *key,
                filters=filters,
                sorting=sorting,
                pagination_rules=pagination_rules,
                limit=limit,
                include_deleted=include_deleted,
            )
        return Page(objects, Timestamp(timestamp))

    def lock_lists(self, keys: Sequence[ListKey], *, known_only: bool = False) -> None:
        """Keep other writers away from these lists until the request ends.

        Locking stores nothing, so that it does not matter which lists are known.

        :raises ConcurrentWriteError: another request holds one of them for too long.
        """
        self._locks.acquire(keys)

    def remove_subtree(self, parent_uri: str) -> None:
        """Remove every list at or below a parent, with its timestamp."""
        with self._writing(lambda: self._lists.select_below(parent_uri)):
            for key in self._lists.select_below(parent_uri):
                for object_id, _ in self._lists.entries(key):
                    self._lists.put(key, object_id, None)
                self._lists.put_timestamp(key, None)

    def add_lists(self, keys: Sequence[ListKey]) -> None:
        """Give each list its first timestamp (now), where it has none."""
        with self._writing(lambda: keys):
            for key in keys:
                if self._lists.timestamp(key) is None:
                    self.bump_and_store_timestamp(*key)

    # -- Helpers ---------------------------------------------------------------------------

    @contextmanager
    def _writing(
        self, keys: Callable[[], Collection[ListKey]], *, owner: ObjectKey | None = None
    ) -> Iterator[None]:
        """One write, all or nothing, once no other request has locked these lists."""
        with self._writes.write():
            self._locks.wait_until_free(keys)
            if owner is not None and not self._is_live(owner):
                raise ConcurrentWriteError(message=f"{owner.object_id} was deleted meanwhile")
            yield

    def _is_live(self, key: ObjectKey) -> bool:
        entry = self._lists.find_live(ListKey(key.resource_name, key.parent_id), key.object_id)
        return entry is not None

    def _check_unchanged(self, key: ListKey, object_id: str, expected: int | None) -> None:
        if expected is None:
            return
        entry = self._lists.find_live(key, object_id)
        if entry is None or entry.last_modified != expected:
            raise ConcurrentWriteError(message=f"{object_id} was changed meanwhile")

    def _store(self, key: ListKey, new: KintoObject, names: FieldNames) -> KintoObject:
        """Stamp an object that belongs to us, then store it in the place of what is there."""
        stamped = self.set_object_timestamp(*key, new, names.modified)
        object_id, last_modified = stamped.pop(names.id), stamped.pop(names.modified)
        self._check_timestamp_is_free(key, object_id, last_modified)
        entry = Entry(last_modified, stamped)
        self._lists.put(key, object_id, entry)
        return copied(as_object(object_id, entry, names))

    def _bury(
        self,
        key: ListKey,
        object_id: str,
        names: FieldNames,
        *,
        with_deleted: bool,
        last_modified: int | None = None,
    ) -> KintoObject:
        """Remove an object; its tombstone."""
        tombstone = self.strip_deleted_object(*key, {names.id: object_id}, *names)
        self.set_object_timestamp(*key, tombstone, names.modified, last_modified)
        timestamp = tombstone[names.modified]
        if with_deleted:
            self._check_timestamp_is_free(key, object_id, timestamp)
        self._lists.put(key, object_id, Entry(timestamp, None) if with_deleted else None)
        return tombstone

    def _check_timestamp_is_free(self, key: ListKey, object_id: str, timestamp: int) -> None:
        if self._lists.find_holder(key, timestamp) not in (None, object_id):
            raise IntegrityError(message=f"Another object has the timestamp {timestamp}")

    def _rows(
        self,
        resource_name: str | None,
        parent_id: str,
        names: FieldNames,
        *,
        include_deleted: bool = False,
    ) -> list[Row]:
        with self._writes.lock:
            return [
                row
                for key in self._lists.select(resource_name, parent_id)
                for row in rows_of(self._lists, key, names, include_deleted=include_deleted)
            ]
