"""What the PostgreSQL storage offers beyond its contract, to save round trips.

See :mod:`kinto.core.storage.protocols`.
"""

from collections.abc import Sequence
from dataclasses import replace

from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.connection import Connection
from kinto.core.storage import Filters, PaginationRules, Sorting
from kinto.core.storage.matching import FieldNames
from kinto.core.storage.postgresql import lists, reads, removal
from kinto.core.storage.postgresql.context import (
    fetch_context,
    fetch_context_with_page,
    groups_of,
)
from kinto.core.storage.postgresql.plan import WritePlan
from kinto.core.storage.postgresql.planned import WRITES, read_snapshot
from kinto.core.storage.postgresql.puts import PlannedPuts
from kinto.core.storage.postgresql.selection import Criteria
from kinto.core.storage.postgresql.shared import fetch_shared
from kinto.core.storage.protocols import (
    ContextQuery,
    Page,
    PageQuery,
    SharedObjects,
    SharedQuery,
    StoredContext,
)
from kinto.core.types import ListKey, ObjectKey


_NAMES = FieldNames()


class FinerProtocols:
    """Methods of the storage, which has a client and a limit."""

    client: PostgreSQLClient
    _max_fetch_size: int

    def fetch_context(
        self,
        query: ContextQuery,
        *,
        for_write: bool = False,
        with_timestamp: bool = True,
        page: PageQuery | None = None,
    ) -> StoredContext:
        """What a request has to know, with the page it may ask for.

        The permissions must be in the same database.
        """
        client = self.client
        with client.read_for_write() if for_write else client.read() as connection:
            if page is None:
                return fetch_context(
                    connection, query, names=_NAMES, with_timestamp=with_timestamp
                )
            limit = self._fetch_limit(page.limit)
            if limit != page.limit:
                page = replace(page, limit=limit)
            return fetch_context_with_page(connection, query, page)

    def fetch_shared(self, query: SharedQuery, page: PageQuery) -> SharedObjects:
        """What was shared in a list, with the page that is asked for, in one round trip.

        The permissions must be in the same database.
        """
        with self.client.read() as connection:
            limited = replace(page, limit=self._fetch_limit(page.limit))
            return fetch_shared(connection, query, limited)

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
        """Objects of one list as :meth:`list_all` gives them, with the timestamp of the list.

        A list that never had a timestamp has the same one at each read.
        """
        criteria = Criteria(
            resource_name,
            parent_id,
            filters=filters,
            sorting=sorting,
            rules=pagination_rules,
            limit=self._fetch_limit(limit),
            include_deleted=include_deleted,
        )
        with self.client.read() as connection:
            return reads.fetch_page(connection, criteria, as_text=as_text)

    def lock_lists(self, keys: Sequence[ListKey], *, known_only: bool = False) -> None:
        """Keep other writers away from these lists until the transaction ends.

        It travels with the next statement.
        """
        with self.client.write() as connection:
            lists.lock_lists(connection, keys, known_only=known_only)

    def remove_subtree(self, parent_uri: str) -> None:
        """Remove every list at or below a URI; it travels with the next statement."""
        with self.client.write() as connection:
            removal.remove_subtree(connection, parent_uri)

    def add_lists(self, keys: Sequence[ListKey]) -> None:
        """Give each list its first timestamp (now), where it has none.

        It travels with the next statement.
        """
        with self.client.write() as connection:
            lists.add_lists(connection, keys)

    @property
    def supports_entries(self) -> bool:
        """Whether a write needs no transaction, as no level of isolation was asked for."""
        return self.client.has_usual_isolation

    # -- Writes whose outcome is known beforehand ------------------------------------------

    def plan_requests(
        self, queries: Sequence[ContextQuery], *, written: Sequence[ListKey]
    ) -> None:
        """Lock the lists that will be written to, and read all the contexts, at once."""
        user_ids = groups_of(queries[0].userid)

        def make(connection: Connection) -> WritePlan:
            lists.lock_lists(connection, written, known_only=True)
            snapshot = read_snapshot(connection, queries, written=written, user_ids=user_ids)
            return WritePlan(snapshot)

        self.client.plan(make)

    def plan_put(
        self, key: ObjectKey, data: str, *, expected: int | None, owner: ObjectKey | None
    ) -> int | None:
        """The timestamp of a write that needs no answer; ``None`` when it has to be made now.

        :param expected: the timestamp of the live object to replace; ``None``: there is none.
        """
        return self._plan(key, data, expected=expected, owner=owner)

    def plan_delete(self, key: ObjectKey, *, expected: int) -> int | None:
        """The same, for a tombstone."""
        return self._plan(key, None, expected=expected, owner=None)

    def _plan(
        self, key: ObjectKey, data: str | None, *, expected: int | None, owner: ObjectKey | None
    ) -> int | None:
        found = self.client.find_plan()
        if found is None or not isinstance(found[0], WritePlan):
            return None
        plan, connection = found
        write = plan.plan(key, data, expected=expected, owner=owner)
        if write is None:
            return None
        connection.defer_merged(WRITES, (write,))
        return int(write.epoch)

    def plan_puts(self, query: ContextQuery) -> PlannedPuts | None:
        """What to put objects of a list with; ``None`` where the database has to be asked."""
        found = self.client.find_plan()
        if found is None or not isinstance(found[0], WritePlan):
            return None
        plan, connection = found
        context = plan.find_context(query, names=_NAMES) if plan.is_locked(query.target) else None
        if context is None or (query.owner is not None and context.owner is None):
            return None
        return PlannedPuts(plan, connection, query=query, context=context)

    def find_planned(self, query: ContextQuery) -> StoredContext | None:
        """The answer that was read for a plan, if it still holds."""
        found = self.client.find_plan()
        if found is None or not isinstance(found[0], WritePlan):
            return None
        return found[0].find_context(query, names=_NAMES)

    def _fetch_limit(self, limit: int | None) -> int:
        """How many objects to fetch: one more than a page may be asked for."""
        return min(limit, self._max_fetch_size + 1) if limit else self._max_fetch_size
