"""The contract of storage backends: objects, tombstones, timestamps of lists."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from pyramid.settings import asbool

from kinto.core.decorators import deprecate_kwargs
from kinto.core.deprecation import deprecated_name
from kinto.core.protocol.criteria import MISSING, Filter, Missing, Sort
from kinto.core.storage import exceptions, generators
from kinto.core.types import KintoObject, Request


__all__ = [
    "DEFAULT_DELETED_FIELD",
    "DEFAULT_ID_FIELD",
    "DEFAULT_MODIFIED_FIELD",
    "MISSING",
    "Filter",
    "KintoObject",
    "Missing",
    "Sort",
    "StorageBase",
    "exceptions",
    "generators",
    "heartbeat",
    "logger",
]

logger = structlog.get_logger(__name__)

DEFAULT_ID_FIELD = "id"
DEFAULT_MODIFIED_FIELD = "last_modified"
DEFAULT_DELETED_FIELD = "deleted"

Filters = Sequence[Filter]
Sorting = Sequence[Sort]
PaginationRules = Sequence[Sequence[Filter]]

_HEARTBEAT = "__heartbeat__"


class StorageBase:
    """What every storage backend offers.

    A list is a set of sibling objects: those of one ``resource_name`` and ``parent_id``.
    It has one timestamp, the highest ``last_modified`` that it ever held.

    Each method raises :class:`~kinto.core.storage.exceptions.BackendError` when the service
    behind the backend fails.
    """

    id_generator: Callable[[], str] = generators.UUID4()
    id_field = DEFAULT_ID_FIELD
    modified_field = DEFAULT_MODIFIED_FIELD

    def __init__(self, *args: Any, readonly: bool = False, **kwargs: Any) -> None:
        self.readonly = readonly

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Make what the backend needs; idempotent, also on a database in use.

        :param dry_run: change nothing.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Remove every object, tombstone, timestamp; committed at once."""
        raise NotImplementedError

    def resource_timestamp(self, resource_name: str, parent_id: str) -> int:
        """The timestamp of a list.

        A list that never had one gets the current time, which is stored.

        :raises ReadonlyError: it never had one, in read-only mode.
        """
        raise NotImplementedError

    def all_resources_timestamps(self, resource_name: str) -> dict[str, int]:
        """The timestamp of each parent that has one for this resource; never cut short."""
        raise NotImplementedError

    def create(
        self,
        resource_name: str,
        parent_id: str,
        obj: KintoObject,
        id_generator: Callable[[], str] | None = None,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
    ) -> KintoObject:
        """Store a new object; it may stand in for a tombstone.

        :param obj: left unchanged; its identifier is used if it has one.
        :param id_generator: called without arguments for an identifier otherwise.
        :returns: the object with its identifier and timestamp.
        :raises UnicityError: a live object has that identifier.
        :raises IntegrityError: another object holds the given timestamp.
        """
        raise NotImplementedError

    def get(
        self,
        resource_name: str,
        parent_id: str,
        object_id: str,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
    ) -> KintoObject:
        """One live object.

        :raises ObjectNotFoundError: there is none of that identifier.
        """
        raise NotImplementedError

    def update(
        self,
        resource_name: str,
        parent_id: str,
        object_id: str,
        obj: KintoObject,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
    ) -> KintoObject:
        """Replace the whole object, or create it.

        :param object_id: wins over the identifier in ``obj``.
        :returns: the object with its identifier and timestamp.
        :raises IntegrityError: another object holds the given timestamp.
        """
        raise NotImplementedError

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
    ) -> KintoObject:
        """Remove one object.

        :param with_deleted: keep a tombstone.
        :param last_modified: timestamp of the tombstone, instead of a new one.
        :returns: the tombstone ``{id, last_modified, deleted: True}``.
        :raises ObjectNotFoundError: there is no live object of that identifier.
        :raises IntegrityError: another object holds the given timestamp.
        """
        raise NotImplementedError

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
        """Remove the live objects that :meth:`list_all` would give.

        :param resource_name: ``None``: those of every resource.
        :param parent_id: may hold ``*``: any run of characters.
        :param with_deleted: keep tombstones.
        :returns: their tombstones, stamped in the order of ``sorting``.
        """
        raise NotImplementedError

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
        """Remove tombstones.

        :param resource_name: ``None``: those of every resource; the timestamps of matching
            lists that hold nothing any more go too, unless tombstones were selected.
        :param parent_id: may hold ``*``: any run of characters.
        :param before: only those older than this timestamp.
        :param max_retained: keep this many of the newest in each list.
        :param force_commit: commit at once, even within a request.
        :returns: how many were removed.
        :raises ValueError: ``before`` and ``max_retained`` were both given.
        """
        raise NotImplementedError

    def trim_objects(
        self,
        resource_name: str,
        parent_id: str,
        filters: Filters | None,
        max_objects: int,
        id_field: str = DEFAULT_ID_FIELD,
        modified_field: str = DEFAULT_MODIFIED_FIELD,
    ) -> int:
        """Remove all but the newest of the live objects that match, without tombstones.

        :returns: how many were removed.
        """
        raise NotImplementedError

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
        """The objects that match, oldest first unless ``sorting`` says otherwise.

        :param parent_id: may hold ``*``: any run of characters.
        :param filters: all of them must hold.
        :param pagination_rules: lists of filters, of which one at least must hold.
        :param limit: ``None`` or 0: no limit.
        :param include_deleted: tombstones too.
        """
        raise NotImplementedError

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
        """How many objects match.

        :param parent_id: may hold ``*``: any run of characters.
        :param include_deleted: tombstones too.
        """
        raise NotImplementedError

    def collection_timestamp(self, collection_id: str, parent_id: str) -> int:
        """The timestamp of a list (deprecated name)."""
        deprecated_name("collection_timestamp()", "resource_timestamp()")
        return self.resource_timestamp(resource_name=collection_id, parent_id=parent_id)

    @deprecate_kwargs({"collection_id": "resource_name"})
    def get_all(self, *args: Any, **kwargs: Any) -> tuple[list[KintoObject], int]:
        """A page of objects, with the number of all live ones that match (deprecated)."""
        text = "Use either self.list_all() or self.count_all()"
        warnings.warn(text, DeprecationWarning)  # noqa: B028 # suites compare the arguments

        objects = self.list_all(*args, **kwargs)
        given = dict(zip(("resource_name", "parent_id", "filters"), args, strict=False)) | kwargs
        count = self.count_all(
            resource_name=given["resource_name"],
            parent_id=given["parent_id"],
            filters=given.get("filters"),
        )
        return objects, count


def heartbeat(backend: StorageBase) -> Callable[[Request], bool]:
    """A check of a storage: whether it can be written, or read in read-only mode."""

    def ping(request: Request) -> bool:
        """Whether the storage works; never raises."""
        try:
            if asbool(request.registry.settings.get("readonly")):
                backend.list_all(_HEARTBEAT, _HEARTBEAT)
            else:
                backend.create(_HEARTBEAT, _HEARTBEAT, {"alive": True})
                # Every object, not only that one: a process killed half-way left its own.
                backend.delete_all(_HEARTBEAT, _HEARTBEAT, with_deleted=False)
        except Exception:
            logger.exception("Heartbeat failure")
            return False
        return True

    return ping
