"""What storages without a query language have in common."""

from collections.abc import Iterable
from typing import Any, ClassVar

from kinto.core.protocol import json_codec
from kinto.core.protocol.clock import msec_time
from kinto.core.storage import (
    DEFAULT_DELETED_FIELD,
    DEFAULT_ID_FIELD,
    DEFAULT_MODIFIED_FIELD,
    Filters,
    PaginationRules,
    Sorting,
    StorageBase,
)
from kinto.core.storage.matching import FieldNames, Row, keep, keep_page, ordered
from kinto.core.types import KintoObject


class MemoryBasedStorage(StorageBase):
    """A storage that filters, sorts, stamps its objects in Python."""

    json: ClassVar[Any] = json_codec

    def __init__(self, *args: Any, readonly: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, readonly=readonly, **kwargs)

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Nothing is needed."""

    def strip_deleted_object(
        self,
        resource_name: str,
        parent_id: str,
        obj: KintoObject,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        deleted_field: str = DEFAULT_DELETED_FIELD,
    ) -> KintoObject:
        """The tombstone of an object."""
        kept = {field: obj[field] for field in (id_field, modified_field) if field in obj}
        return {**kept, deleted_field: True}

    def set_object_timestamp(
        self,
        resource_name: str,
        parent_id: str,
        obj: KintoObject,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
        last_modified: int | None = None,
    ) -> KintoObject:
        """Draw the timestamp of an object, which is altered."""
        obj[modified_field] = self.bump_and_store_timestamp(
            resource_name, parent_id, obj, modified_field, last_modified=last_modified
        )
        return obj

    def bump_and_store_timestamp(
        self,
        resource_name: str,
        parent_id: str,
        obj: KintoObject | None = None,
        modified_field: str | None = None,
        last_modified: int | None = None,
    ) -> int:
        """Draw a timestamp, and store what becomes of that of the list.

        :returns: the timestamp of the object, see :meth:`bump_timestamp`.
        """
        raise NotImplementedError

    def bump_timestamp(
        self,
        resource_timestamp: int,
        obj: KintoObject | None,
        modified_field: str | None,
        last_modified: int | None,
    ) -> tuple[int, int]:
        """The timestamps of an object to be written, then of its list.

        :param resource_timestamp: that of the list so far; 0: none.
        :param obj: holds the timestamp that the client wants, unless ``last_modified`` does.
        """
        given = last_modified
        if given is None and obj is not None and modified_field is not None:
            given = obj.get(modified_field)
        is_timestamp = isinstance(given, int) and not isinstance(given, bool)
        # What was written back as it had been read is a change like others.
        if given is None or not is_timestamp or given == resource_timestamp:
            drawn = max(msec_time(), resource_timestamp + 1)
            return drawn, drawn
        return given, max(given, resource_timestamp) if resource_timestamp else given

    def extract_object_set(
        self,
        objects: Iterable[KintoObject],
        filters: Filters | None,
        sorting: Sorting | None,
        include_deleted: bool = False,
        id_field: str = DEFAULT_ID_FIELD,
        deleted_field: str = DEFAULT_DELETED_FIELD,
        pagination_rules: PaginationRules | None = None,
        limit: int | None = None,
    ) -> tuple[list[KintoObject], int]:
        """See the function of that name."""
        return extract_object_set(
            objects,
            filters,
            sorting,
            pagination_rules=pagination_rules,
            limit=limit,
            include_deleted=include_deleted,
            id_field=id_field,
            deleted_field=deleted_field,
        )


def extract_object_set(
    objects: Iterable[KintoObject],
    filters: Filters | None,
    sorting: Sorting | None,
    pagination_rules: PaginationRules | None = None,
    limit: int | None = None,
    include_deleted: bool = False,
    id_field: str = DEFAULT_ID_FIELD,
    deleted_field: str = DEFAULT_DELETED_FIELD,
) -> tuple[list[KintoObject], int]:
    """A page of a plain list of objects; tombstones among them are listed too.

    :returns: the page; and how many objects match the filters, without tombstones unless
        ``include_deleted``.
    """
    names = FieldNames(id=id_field, deleted=deleted_field)
    rows = [Row(obj, is_deleted=obj.get(deleted_field) is True) for obj in objects]
    kept = keep(rows, filters, names)
    count = sum(include_deleted or not row.is_deleted for row in kept)
    page = ordered(keep_page(kept, pagination_rules, names), sorting, names)
    return [row.obj for row in page[: limit or None]], count
