"""What costs the same from a thousand to a million objects, and beside a million permissions.

A list of a million records, with an entry of permissions for each, is made by SQL in about ten
seconds; one of a thousand in the same tables is what it is compared with.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pytest

from kinto.core.permission.postgresql import Permission
from kinto.core.postgresql.limits import without_time_limits
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.resource.listing import count_query
from kinto.core.storage import Filter, Sort
from kinto.core.storage.postgresql import Storage
from kinto.core.storage.protocols import ContextQuery, PageQuery, SharedQuery
from kinto.core.types import BoundPermission, ListKey, ObjectKey
from tests.core.storage.postgresql.conftest import make_storage, request_transaction


BUCKET = "/buckets/b"
SMALL, BIG = 1_000, 1_000_000
PAGE = 20
SHARED = 10
START = 1_700_000_000_000
# A page more on the way down each index of a big table, and a page of the table for each row
# where its neighbours are full.
MORE_PAGES = 2 * PAGE

_OBJECTS_KEY = "objects_pkey"
_LISTS = "idx_objects_parent_id_resource_name_last_modified"
_TIMESTAMPS = "timestamps_pkey"
_MEMBERS = "user_principals_pkey"
_ACES = "access_control_entries_pkey"
_GRANTS = "idx_access_control_entries_principal_object_id"

# Without indexes, which are made anew afterwards as they were.
_WITHOUT_INDEXES = """
CREATE TABLE index_definitions AS
SELECT tablename, indexname, indexdef, indexname LIKE '%pkey' AS is_key FROM pg_indexes
 WHERE schemaname = 'public' AND tablename IN ('objects', 'access_control_entries');
ALTER TABLE objects DROP CONSTRAINT objects_pkey;
ALTER TABLE access_control_entries DROP CONSTRAINT access_control_entries_pkey;
DO $$
DECLARE each RECORD;
BEGIN
    FOR each IN SELECT * FROM index_definitions WHERE NOT is_key LOOP
        EXECUTE format('DROP INDEX %I', each.indexname);
    END LOOP;
END
$$;
"""
_FILL = f"""
SET LOCAL session_replication_role = replica;
INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
SELECT 'r' || n, '{BUCKET}/collections/c' || total, 'record', from_epoch({START} + n),
       jsonb_build_object('n', n), n % 10 = 0
  FROM (VALUES ({SMALL}), ({BIG})) AS lists (total), generate_series(1, total) AS n;
INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
SELECT 'c' || total, '{BUCKET}', 'collection', from_epoch({START} + total), '{{}}', false
  FROM (VALUES ({SMALL}), ({BIG})) AS lists (total);
INSERT INTO timestamps (parent_id, resource_name, last_modified, object_count)
SELECT '{BUCKET}/collections/c' || total, 'record', from_epoch({START} + total), total * 9 / 10
  FROM (VALUES ({SMALL}), ({BIG})) AS lists (total);
INSERT INTO access_control_entries (object_id, permission, principal)
SELECT '{BUCKET}/collections/c{BIG}/records/r' || n, 'write', 'alice'
  FROM generate_series(1, {BIG}) AS n;
INSERT INTO access_control_entries (object_id, permission, principal)
SELECT '{BUCKET}/collections/c' || total || '/records/r' || total / {SHARED} * n - 1, 'read', 'bob'
  FROM (VALUES ({SMALL}), ({BIG})) AS lists (total), generate_series(1, {SHARED}) AS n;
INSERT INTO access_control_entries (object_id, permission, principal)
SELECT '{BUCKET}/collections/c' || total, 'read', 'carol'
  FROM (VALUES ({SMALL}), ({BIG})) AS lists (total);
"""
_WITH_INDEXES = """
SET LOCAL maintenance_work_mem = '256MB';
ALTER TABLE objects ADD PRIMARY KEY (id, parent_id, resource_name);
ALTER TABLE access_control_entries ADD PRIMARY KEY (object_id, permission, principal);
DO $$
DECLARE each RECORD;
BEGIN
    FOR each IN SELECT * FROM index_definitions WHERE NOT is_key LOOP
        EXECUTE each.indexdef;
    END LOOP;
END
$$;
ANALYZE objects, timestamps, access_control_entries;
"""

# Of the transaction at hand: scans of each index or (sequential ones) table; pages looked at.
_USED = """
SELECT relname, pg_stat_get_xact_numscans(oid), pg_stat_get_xact_blocks_fetched(oid),
       pg_stat_get_xact_tuples_returned(oid)
  FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND relname <> 'metadata'
"""


class Used(NamedTuple):
    """Of one table or index; rows are entries of an index."""

    scans: int
    pages: int
    rows: int


@dataclass(frozen=True, slots=True)
class Use:
    """What one call has looked at.

    :param names: indexes that were searched, tables that were read from end to end.
    :param rows: entries of these.
    """

    names: set[str]
    pages: int
    rows: int


def records(total: int) -> ListKey:
    return ListKey("record", f"{BUCKET}/collections/c{total}")


def context(total: int, user: str = "carol", object_id: str | None = None) -> ContextQuery:
    key = records(total)
    uri = object_id and f"{key.parent_id}/records/{object_id}"
    return ContextQuery(
        userid=user,
        principals=(user, "system.Authenticated", "system.Everyone"),
        uris=(BUCKET, key.parent_id, *([uri] if uri else [])),
        target=key,
        object_id=object_id,
        object_uri=uri,
        owner=ObjectKey("collection", BUCKET, f"c{total}"),
    )


def page(total: int, **changes: Any) -> PageQuery:
    asked: dict[str, Any] = {
        "filters": [],
        "sorting": [Sort("last_modified", -1)],
        "pagination_rules": None,
        "limit": PAGE,
        "include_deleted": False,
        "as_text": True,
        "granted_by": (BoundPermission(records(total).parent_id, "read"),),
    }
    return PageQuery(**{**asked, **changes})


def shared(total: int) -> SharedQuery:
    prefix = f"{records(total).parent_id}/records/"
    who = ("bob", "system.Authenticated", "system.Everyone")
    return SharedQuery(records(total), prefix, ("read", "write"), who)


def older_than(total: int) -> list[list[Filter]]:
    return [[Filter("last_modified", START + total // 2, COMPARISON.LT)]]


CONTEXT = {_MEMBERS, _ACES, _OBJECTS_KEY, _LISTS, _TIMESTAMPS}
WRITE = {_OBJECTS_KEY, _LISTS, _TIMESTAMPS}
SHARED_LIST = {_GRANTS, _OBJECTS_KEY, _LISTS, _TIMESTAMPS}

# What is called for a list of so many objects, and the indexes that are meant for it.
CALLS: dict[str, tuple[set[str], Callable[[Storage, int], Any]]] = {
    "get": (CONTEXT, lambda storage, total: storage.fetch_context(context(total, "bob", "r99"))),
    "first page": (
        CONTEXT,
        lambda storage, total: storage.fetch_context(context(total), page=page(total)),
    ),
    "deep page": (
        CONTEXT,
        lambda storage, total: storage.fetch_context(
            context(total), page=page(total, pagination_rules=older_than(total))
        ),
    ),
    "oldest first": (
        CONTEXT,
        lambda storage, total: storage.fetch_context(
            context(total), page=page(total, sorting=[Sort("last_modified", 1)])
        ),
    ),
    "changes": (
        CONTEXT,
        lambda storage, total: storage.fetch_context(
            context(total),
            page=page(
                total,
                filters=[Filter("last_modified", START + total - 5, COMPARISON.GT)],
                include_deleted=True,
            ),
        ),
    ),
    "head": (
        CONTEXT,
        lambda storage, total: storage.fetch_context(
            context(total), page=replace(count_query([]), granted_by=page(total).granted_by)
        ),
    ),
    "count": ({_TIMESTAMPS}, lambda storage, total: storage.count_all(*records(total))),
    "shared list": (
        SHARED_LIST,
        lambda storage, total: storage.fetch_shared(shared(total), page(total)),
    ),
    "head of a shared list": (
        SHARED_LIST,
        lambda storage, total: storage.fetch_shared(shared(total), count_query([])),
    ),
    "what is shared": (
        {_GRANTS},
        lambda storage, total: Permission(storage.client).get_accessible_objects(
            shared(total).principals,
            [(f"{shared(total).prefix}*", "read"), (f"{shared(total).prefix}*", "write")],
            with_children=False,
        ),
    ),
    "create": (
        WRITE,
        lambda storage, total: storage.create(
            *records(total), {"id": "new"}, owner=context(total).owner
        ),
    ),
    "update": (WRITE, lambda storage, total: storage.update(*records(total), "r99", {"n": 1})),
    "delete": (WRITE, lambda storage, total: storage.delete(*records(total), "r98")),
}


@pytest.fixture(scope="module")
def million(new_database: Callable[[], str]) -> Storage:
    """A storage with one connection, filled."""
    url = new_database()
    Permission(make_storage(url).client).initialize_schema()
    storage = make_storage(
        f"{url}?application_name=million",
        initialize=False,
        storage_pool_size="1",
        storage_max_overflow="0",
    )
    with without_time_limits(), storage.client.write(force_commit=True) as connection:
        for sql in (_WITHOUT_INDEXES, _FILL, _WITH_INDEXES):
            connection.execute_script(sql)
    return storage


class _Undone(Exception):
    pass


def measure(storage: Storage, call: Callable[[Storage, int], Any], total: int) -> Use:
    """What a call looks at; it is undone."""
    for _ in range(2):  # The first one prepares its statements.
        with suppress(_Undone), request_transaction():
            storage.add_lists([records(total)])  # Begins the transaction.
            before = _read_use(storage)
            call(storage, total)
            after = _read_use(storage)
            raise _Undone
    used = {
        name: Used(*(new - old for new, old in zip(now, before[name], strict=True)))
        for name, now in after.items()
    }
    return Use(
        {name for name, each in used.items() if each.scans},
        sum(each.pages for each in used.values()),
        sum(each.rows for each in used.values()),
    )


def _read_use(storage: Storage) -> dict[str, "Used"]:
    with storage.client.connect() as session:
        rows = session.connection().exec_driver_sql(_USED).fetchall()
    return {name: Used(*counts) for name, *counts in rows}


@pytest.mark.parametrize("name", CALLS)
def test_the_cost_of_a_call_does_not_grow_with_its_list(million: Storage, name: str) -> None:
    indexes, call = CALLS[name]
    small, big = (measure(million, call, total) for total in (SMALL, BIG))
    assert big.names <= indexes
    assert big.rows <= small.rows
    assert big.pages <= small.pages + MORE_PAGES


def test_what_was_shared_is_listed(million: Storage) -> None:
    for total in (SMALL, BIG):
        found = million.fetch_shared(shared(total), page(total))
        assert len(found.ids) == SHARED
        assert found.page is not None
        assert len(found.page.objects) == SHARED


def test_the_counts_that_were_filled_in_are_right(million: Storage) -> None:
    assert million.count_all(*records(SMALL)) == SMALL * 9 // 10
    live = [Filter("last_modified", 0, COMPARISON.GT)]
    assert million.count_all(*records(BIG), filters=live) == million.count_all(*records(BIG))
