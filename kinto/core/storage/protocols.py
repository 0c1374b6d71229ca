"""What a backend may offer beyond the public contracts, to save round trips.

Each protocol is used when the backends at hand offer it; the generic way through the
public methods gives the same answers otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from kinto.core.types import (
    KintoObject,
    ListKey,
    ObjectKey,
    Permissions,
    Timestamp,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Objects of a list, and the timestamp of that list, from one snapshot."""

    objects: list[KintoObject]
    timestamp: Timestamp


@dataclass(frozen=True, slots=True)
class TextPage:
    """The same, for who sends the objects on without looking into them.

    :param text: JSON array of at most one object less than asked for.
    :param last: JSON of the last one of them, or of what orders it, where more follow.
    """

    text: str
    timestamp: Timestamp
    last: str | None


class ContextQuery(NamedTuple):
    """What one request has to know before it can be decided.

    :param userid: with its policy prefix; ``None`` for an anonymous request.
    :param principals: those known without the database: the user id and ``system.*``.
    :param uris: objects whose ACEs may grant the request (the object and its ancestors).
    :param target: the list addressed, or the one that holds the object addressed.
    :param object_id: the object addressed, if any.
    :param object_uri: its URI.
    :param owner: the object that must exist for the list to exist (the collection of records).
    :param consulted: a further object whose content decides (the bucket, for its schemas).
    :param others: further objects of the list, id and URI of each, that requests of the same kind
        are about; for :meth:`WritePlanner.plan_requests` only.
    """

    userid: str | None
    principals: tuple[str, ...]
    uris: tuple[str, ...]
    target: ListKey
    object_id: str | None = None
    object_uri: str | None = None
    owner: ObjectKey | None = None
    consulted: ObjectKey | None = None
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PageQuery:
    """The page of a list that a request is going to ask for, if it is allowed to.

    :param counts: the request asks how many live objects match, and for no page.
    :param granted_by: the page is read when one of these ACEs (URI, permission) is held, so that
        the time which a refusal takes tells nothing about the list.
    """

    filters: Sequence[Any]  # kinto.core.storage.Filter
    sorting: Sequence[Any]  # kinto.core.storage.Sort
    pagination_rules: Sequence[Sequence[Any]] | None
    limit: int
    include_deleted: bool
    as_text: bool
    counts: bool = False
    granted_by: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def for_holders_of(self, granted_by: tuple[tuple[str, str], ...]) -> "PageQuery":
        """The same page, read when one of these ACEs is held."""
        return PageQuery(
            self.filters,
            self.sorting,
            self.pagination_rules,
            self.limit,
            self.include_deleted,
            self.as_text,
            self.counts,
            granted_by,
        )


@dataclass(slots=True)
class StoredContext:
    """The answer to a :class:`ContextQuery`, from one snapshot of the database.

    :param groups: principals of the groups that hold the user (or every authenticated user).
    :param granted: the ACEs on ``uris`` held by ``principals`` or ``groups``, each as a
        :class:`~kinto.core.types.BoundPermission` or a tuple that equals one.
    :param obj: the object addressed, live; ``None`` when missing or deleted.
    :param permissions: every ACE of the object addressed.
    :param owner: ``None`` when there is none, or none was asked for.
    :param consulted: the same.
    :param timestamp: of the list; the same at each read until something is written. ``None``
        where it was not asked for: beside an object that exists.
    :param page: the page that was asked for along with it. Whether the user may see it is
        for the reader of this context to decide.
    :param count: the same, where a number was asked for.
    """

    groups: frozenset[str] = frozenset()
    granted: frozenset[tuple[str, str]] = frozenset()
    obj: KintoObject | None = None
    permissions: Permissions = field(default_factory=dict)
    owner: KintoObject | None = None
    consulted: KintoObject | None = None
    timestamp: Timestamp | None = None
    page: Page | TextPage | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class SharedQuery:
    """The objects of a list on which somebody was given a permission.

    :param prefix: the URIs of its objects are this with an id.
    :param permissions: those of which one is enough.
    """

    target: ListKey
    prefix: str
    permissions: tuple[str, ...]
    principals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedObjects:
    """The answer to a :class:`SharedQuery`, from one snapshot of the database.

    :param ids: of everything shared, in the order of code points; objects that have gone included.
    :param timestamp: of the list.
    :param page: those that match the :class:`PageQuery`, unless it asks for their number.
    """

    ids: list[str]
    timestamp: Timestamp
    page: Page | None = None
    count: int | None = None


@runtime_checkable
class ContextReader(Protocol):
    """Storage and permissions in one database: everything a request needs in one round trip."""

    def fetch_context(
        self,
        query: ContextQuery,
        *,
        for_write: bool = False,
        with_timestamp: bool = True,
        page: PageQuery | None = None,
    ) -> StoredContext:
        """Answer ``query`` with one statement, with a page of the list along with it.

        :param for_write: the request will write: read within its transaction (which begins
            with this very round trip), so that what follows commits with it.
        :param with_timestamp: of the list; it may be left out otherwise where the object exists.
        :raises BackendError: the database is unreachable.
        """
        ...


@runtime_checkable
class SharedReader(Protocol):
    """Storage and permissions in one database: what was shared with somebody in a list."""

    def fetch_shared(self, query: SharedQuery, page: PageQuery) -> SharedObjects:
        """Answer ``query`` with one statement, with the page of these objects along with it."""
        ...


@runtime_checkable
class PageReader(Protocol):
    """Objects and timestamp of a list from one snapshot."""

    def list_page(
        self,
        resource_name: str,
        parent_id: str,
        *,
        filters: Sequence[Any] | None = None,  # kinto.core.storage.Filter
        sorting: Sequence[Any] | None = None,  # kinto.core.storage.Sort
        pagination_rules: Sequence[Sequence[Any]] | None = None,
        limit: int | None = None,
        include_deleted: bool = False,
        as_text: bool = False,
    ) -> Page:
        """A page.

        :param as_text: nobody is going to look into the objects: they may be JSON text, as
            :func:`~kinto.core.protocol.json_codec.raw_json` wraps it.
        """
        ...


@runtime_checkable
class ListLocker(Protocol):
    """Lists that can be locked before they are read, until the transaction ends."""

    def lock_lists(self, keys: Sequence[ListKey], *, known_only: bool = False) -> None:
        """Take the write lock of each list, in one sorted order, so that no two requests deadlock.

        :param known_only: leave out the lists that never had a timestamp.
        """
        ...


class PlannedObject(NamedTuple):
    """What is known beforehand of an object that may be put.

    :param timestamp: of the live object; ``None``: there is none.
    :param permissions: every ACE of the object.
    :param granted: the ACEs on it and on its ancestors that the user holds.
    """

    key: ObjectKey
    timestamp: int | None
    permissions: Permissions
    granted: frozenset[tuple[str, str]]


class PlannedPuts(Protocol):
    """Objects of one list, put one after the other, as writes whose outcome is known."""

    def find(self, object_id: str, object_uri: str) -> PlannedObject | None:
        """What was read of an object; ``None`` where it may have changed since."""
        ...

    def put(self, obj: PlannedObject, data: str) -> int:
        """The timestamp of a write that :meth:`send` is going to make.

        :param data: JSON text of the attributes that have no column.
        """
        ...

    def send(self) -> None:
        """Have the writes be made with those that were planned before."""
        ...


@runtime_checkable
class WritePlanner(Protocol):
    """Writes of a batch whose outcome is known beforehand, so that they need no round trip."""

    def plan_requests(
        self, queries: Sequence[ContextQuery], *, written: Sequence[ListKey]
    ) -> None:
        """Lock the lists that will be written to, and read the answers to all queries, at once.

        :meth:`find_planned` gives these answers afterwards. Should something turn out not to
        be as it was read, the transaction fails with
        :class:`~kinto.core.storage.exceptions.ConcurrentWriteError`.

        :param queries: of one user; at least one. None asks for a page.
        """
        ...

    def find_planned(self, query: ContextQuery) -> StoredContext | None:
        """The answer that was read; ``None`` where the request may have changed what it tells."""
        ...

    def plan_puts(self, query: ContextQuery) -> PlannedPuts | None:
        """What to put objects of a list with; ``None`` where that takes asking.

        :param query: about the list.
        """
        ...


@runtime_checkable
class ConditionalWriter(Protocol):
    """Writes that check what they rest on.

    The plain methods ``create``, ``update`` and ``delete`` then take further keyword arguments:

    ``expected``
        (update, delete) timestamp that the live object must still have; ``None``: no condition.
        Otherwise :class:`~kinto.core.storage.exceptions.ConcurrentWriteError`.
    ``owner``
        (create, update) an :class:`ObjectKey` that must still be live once the list is locked.
        Otherwise :class:`~kinto.core.storage.exceptions.ConcurrentWriteError`.
    """

    supports_conditional_writes: bool


@runtime_checkable
class EntryWriter(Protocol):
    """Storage and permissions in one database: objects written together with their entries.

    The plain methods ``create``, ``update`` and ``delete`` then take a further keyword argument,
    ``entries``: :class:`~kinto.core.types.ObjectEntries`. When the object is written, those of
    the permissions named are replaced; when it is deleted, all of the object are removed. Both
    happen in one statement, which commits by itself outside of a transaction.
    """

    supports_entries: bool


@runtime_checkable
class SubtreeRemover(Protocol):
    """Whole subtrees removed without listing them."""

    def remove_subtree(self, parent_uri: str) -> None:
        """Remove the objects, tombstones and timestamps of every list at or below ``parent_uri``.

        ``/buckets/a`` covers the parents ``/buckets/a`` and ``/buckets/a/…``, not ``/buckets/ab``.
        """
        ...

    def add_lists(self, keys: Sequence[ListKey]) -> None:
        """Give each list its first timestamp (now), where it has none."""
        ...
