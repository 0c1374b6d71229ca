"""The storage backend in PostgreSQL."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinto.core.decorators import deprecate_kwargs
from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.limits import without_time_limits
from kinto.core.postgresql.migrator import MigratorMixin
from kinto.core.postgresql.statements import Statement
from kinto.core.protocol import json_codec
from kinto.core.storage import (
    DEFAULT_DELETED_FIELD,
    DEFAULT_ID_FIELD,
    DEFAULT_MODIFIED_FIELD,
    Filters,
    PaginationRules,
    Sorting,
    StorageBase,
)
from kinto.core.storage.exceptions import (
    ObjectNotFoundError,
    ReadonlyError,
    UnicityError,
    UnsuitableDatabaseError,
)
from kinto.core.storage.matching import FieldNames
from kinto.core.storage.postgresql import (
    counts,
    lists,
    reads,
    removal,
    takeover,
    version,
    writes,
)
from kinto.core.storage.postgresql.finer import FinerProtocols
from kinto.core.storage.postgresql.rows import one_object, tombstone
from kinto.core.storage.postgresql.selection import Criteria
from kinto.core.storage.postgresql.writes import Existing, WriteConditions
from kinto.core.types import KintoObject, ListKey, ObjectEntries, ObjectKey


_HERE = Path(__file__).parent
_OLD_LIST_NAME = {"collection_id": "resource_name"}
_OLD_NAMES = {"collection_id": "resource_name", "record": "obj"}
_NAMES = FieldNames()
_DELETE_OBJECTS = Statement("kinto_flush_objects", "DELETE FROM objects")
_DELETE_TIMESTAMPS = Statement("kinto_flush_timestamps", "DELETE FROM timestamps")


class Storage(MigratorMixin, FinerProtocols, StorageBase):
    """Objects in a PostgreSQL database.

    Writers of one list queue on its row of ``timestamps`` until they commit, so that objects
    become visible in the order of their timestamps. Reads write nothing.

    :param max_fetch_size: the most objects that :meth:`list_all` gives without a limit.
    """

    name = "storage"
    schema_version = 31
    schema_file = str(_HERE / "schema.sql")
    migrations_directory = str(_HERE / "migrations")

    supports_conditional_writes = True

    def __init__(
        self,
        client: PostgreSQLClient,
        max_fetch_size: int,
        *args: Any,
        readonly: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, readonly=readonly, **kwargs)
        self.client = client
        self._max_fetch_size = max_fetch_size
        client.on_first_connect(self.report_outdated_schema)

    # -- Schema ----------------------------------------------------------------------------

    def initialize_schema(self, dry_run: bool = False) -> None:
        self.create_or_migrate_schema(dry_run)
        if not dry_run:
            with without_time_limits():
                takeover.learn_missing_counts(self.client)

    def find_installed_version(self, connection: Connection) -> int | None:
        return version.find_version(connection)

    def migrate_schema(self, start_version: int, dry_run: bool = False) -> None:
        with self.client.read() as connection:
            # Only the row of the version was lost: making what is missing brings it back.
            is_ours = start_version < self.schema_version and version.has_functions(connection)
            is_known = version.is_known(connection)
        if is_ours:
            self.create_schema(dry_run)
            return
        if not is_known:
            start_version = self._recognize_version(start_version, dry_run=dry_run)
        super().migrate_schema(start_version, dry_run)

    def _migrate_one_step(self, version: int, *, dry_run: bool) -> None:
        if version == takeover.VERSION and not dry_run:
            with without_time_limits():
                takeover.add_missing_lists(self.client)
        super()._migrate_one_step(version, dry_run=dry_run)

    def _recognize_version(self, start_version: int, *, dry_run: bool) -> int:
        """Where to start when the recorded version is lost, or older than what we know."""
        with self.client.write(force_commit=True) as connection:
            recognized = version.recognize_version(connection)
            if recognized is None:
                raise UnsuitableDatabaseError(
                    message=f"PostgreSQL storage schema version {start_version} is older than"
                    f" Kinto 3.0 ({version.OLDEST_VERSION}). Migrate it with Kinto 3.0 first."
                )
            if not dry_run:
                version.record_version(connection, recognized)
        return recognized

    def flush(self) -> None:
        with self.client.write(force_commit=True) as connection, counts.kept_counts(connection):
            connection.defer(_DELETE_OBJECTS, {})
            connection.execute(_DELETE_TIMESTAMPS, {})

    # -- Timestamps ------------------------------------------------------------------------

    def resource_timestamp(self, resource_name: str, parent_id: str) -> int:
        key = ListKey(resource_name, parent_id)
        with self.client.read() as connection:
            timestamp = reads.find_timestamp(connection, key)
        if timestamp is not None:
            return timestamp
        if self.readonly:
            raise ReadonlyError(message="Cannot initialize the timestamp: read-only mode")
        # The request may fail for another reason; others saw this timestamp meanwhile.
        with self.client.write(force_commit=True) as connection:
            return lists.start_list(connection, key)

    def all_resources_timestamps(self, resource_name: str) -> dict[str, int]:
        with self.client.read() as connection:
            return reads.fetch_timestamps(connection, resource_name)

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
        entries: ObjectEntries | None = None,
    ) -> KintoObject:
        names = FieldNames(id_field, modified_field)
        object_id = obj.get(id_field)
        if object_id is None:
            object_id = (id_generator or self.id_generator)()
        key = ObjectKey(resource_name, parent_id, object_id)
        data, given = _stored_form(obj, names)
        if given is None and (planned := self.plan_put(key, data, expected=None, owner=owner)):
            return one_object(data, object_id, planned, names=names)
        with self.client.write_once() as connection:
            done = writes.put_object(
                connection,
                key,
                data,
                conditions=WriteConditions(given=given, owner=owner),
                only_create=True,
                entries=entries,
            )
        if isinstance(done, Existing):
            existing = one_object(done.data, object_id, done.epoch, names=names)
            raise UnicityError(id_field, existing)
        return one_object(data, object_id, done, names=names)

    @deprecate_kwargs(_OLD_LIST_NAME)
    def get(
        self,
        resource_name: str,
        parent_id: str,
        object_id: str,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
    ) -> KintoObject:
        key, names = ListKey(resource_name, parent_id), FieldNames(id_field, modified_field)
        with self.client.read() as connection:
            obj = reads.find_object(connection, key, object_id, names=names)
        if obj is None:
            raise ObjectNotFoundError(object_id)
        return obj

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
        entries: ObjectEntries | None = None,
    ) -> KintoObject:
        names = FieldNames(id_field, modified_field)
        key = ObjectKey(resource_name, parent_id, object_id)
        data, given = _stored_form(obj, names)
        if given is None and expected is not None:
            planned = self.plan_put(key, data, expected=expected, owner=owner)
            if planned is not None:
                return one_object(data, object_id, planned, names=names)
        conditions = WriteConditions(given=given, expected=expected, owner=owner)
        with self.client.write_once() as connection:
            done = writes.put_object(connection, key, data, conditions=conditions, entries=entries)
        assert isinstance(done, int)
        return one_object(data, object_id, done, names=names)

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
        entries: ObjectEntries | None = None,
    ) -> KintoObject:
        key = ObjectKey(resource_name, parent_id, object_id)
        names = FieldNames(id_field, modified_field, deleted_field)
        given = _as_timestamp(last_modified)
        if given is None and expected is not None and with_deleted:
            planned = self.plan_delete(key, expected=expected)
            if planned is not None:
                return tombstone(object_id, planned, names=names)
        conditions = WriteConditions(given=given, expected=expected)
        with self.client.write_once() as connection:
            epoch = writes.delete_object(
                connection,
                key,
                conditions=conditions,
                with_deleted=with_deleted,
                entries=entries,
            )
        if epoch is None:
            raise ObjectNotFoundError(object_id)
        return tombstone(object_id, epoch, names=names)

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
        criteria = Criteria(
            resource_name,
            parent_id,
            filters=filters,
            sorting=sorting,
            rules=pagination_rules,
            limit=limit or None,
            names=FieldNames(id_field, modified_field, deleted_field),
        )
        with self.client.write() as connection:
            return removal.delete_objects(connection, criteria, with_deleted=with_deleted)

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
        criteria = Criteria(resource_name, parent_id)
        with self.client.write(force_commit=force_commit) as connection:
            limits = {"before": before, "max_retained": max_retained}
            purged = removal.purge_tombstones(connection, criteria, **limits)
        if force_commit:  # Not in the middle of a request.
            counts.learn_counts(self.client, criteria)
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
        criteria = Criteria(resource_name, parent_id, filters=filters, names=names)
        with self.client.write() as connection:
            return removal.trim_objects(connection, criteria, max_objects=max_objects)

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
        criteria = Criteria(
            resource_name,
            parent_id,
            filters=filters,
            sorting=sorting,
            rules=pagination_rules,
            limit=self._fetch_limit(limit),
            include_deleted=include_deleted,
            names=FieldNames(id_field, modified_field, deleted_field),
        )
        with self.client.read() as connection:
            return reads.fetch_objects(connection, criteria)

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
        criteria = Criteria(
            resource_name,
            parent_id,
            filters=filters,
            include_deleted=include_deleted,
            names=FieldNames(id_field, modified_field, deleted_field),
        )
        with self.client.read() as connection:
            return reads.count_objects(connection, criteria)


def _stored_form(obj: KintoObject, names: FieldNames) -> tuple[str, int | None]:
    """JSON text of the fields that have no column, and the timestamp asked for.

    :raises TypeError: something that has no JSON form.
    :raises ValueError: something that PostgreSQL cannot hold.
    """
    others = {
        field: value for field, value in obj.items() if field not in (names.id, names.modified)
    }
    return json_codec.dumps_storable(others), _as_timestamp(obj.get(names.modified))


def _as_timestamp(value: Any) -> int | None:
    """The value if it can be a timestamp."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
