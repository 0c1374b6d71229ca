"""Hot statements look at the rows they need, however full the tables are.

Connections keep plans: the worst are those made for tables that were nearly empty.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import Filter, Sort
from kinto.core.storage.postgresql import Storage
from kinto.core.storage.protocols import ContextQuery, PageQuery
from kinto.core.types import BoundPermission, ListKey, ObjectKey
from tests.core.storage.postgresql.conftest import make_storage, request_transaction


RECORDS = ListKey("record", "/buckets/b/collections/c")
COLLECTION = ObjectKey("collection", "/buckets/b", "c")
PAGE = 20
# Rows looked at: those of the page, every tenth one deleted, and some found by keys.
FEW = PAGE + 15

_PERMISSION_TABLES = """
CREATE TABLE user_principals (
    user_id TEXT COLLATE "C", principal TEXT, PRIMARY KEY (user_id, principal)
);
CREATE TABLE access_control_entries (
    object_id TEXT COLLATE "C", permission TEXT, principal TEXT,
    PRIMARY KEY (object_id, permission, principal)
);
ALTER TABLE objects SET (autovacuum_enabled = off);
ALTER TABLE timestamps SET (autovacuum_enabled = off);
"""

_FILL = """
INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
SELECT 'r' || number, '/buckets/b/collections/c', 'record', from_epoch(10000 + number),
       jsonb_build_object('n', number), mod(number, 10) = 0
  FROM generate_series(1, 5000) AS number;
INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
SELECT 'r9', '/buckets/b/collections/c' || number, 'record', from_epoch(1), '{}', false
  FROM generate_series(1, 3000) AS number;
INSERT INTO timestamps (parent_id, resource_name, last_modified)
SELECT '/buckets/b/collections/c' || number, 'record', from_epoch(1)
  FROM generate_series(1, 3000) AS number
    ON CONFLICT DO NOTHING;
INSERT INTO access_control_entries
SELECT '/buckets/b' || number, 'read', 'system.Everyone' FROM generate_series(1, 3000) AS number;
INSERT INTO user_principals
SELECT 'user' || number, 'group' FROM generate_series(1, 3000) AS number
"""

# Counted by this connection, within functions too.
_ROWS_LOOKED_AT = """
SELECT sum(seq_tup_read) + sum(coalesce(idx_tup_fetch, 0))
  FROM pg_stat_xact_user_tables
 WHERE relname <> 'metadata'
"""

_NEWEST_FIRST = [Sort("last_modified", -1)]
_CONTEXT = ContextQuery(
    userid="user7",
    principals=("user7", "system.Everyone"),
    uris=("/buckets/b", "/buckets/b/collections/c"),
    target=RECORDS,
    object_id="r9",
    object_uri="/buckets/b/collections/c/records/r9",
    owner=COLLECTION,
)

HOT_CALLS: dict[str, Callable[[Storage], Any]] = {
    "get": lambda storage: storage.get(*RECORDS, "r9"),
    "context": lambda storage: storage.fetch_context(_CONTEXT, for_write=True),
    "newest page": lambda storage: storage.list_page(*RECORDS, sorting=_NEWEST_FIRST, limit=PAGE),
    "following page": lambda storage: storage.list_page(
        *RECORDS,
        sorting=_NEWEST_FIRST,
        limit=PAGE,
        pagination_rules=[[Filter("last_modified", 12000, COMPARISON.LT)]],
    ),
    "changes": lambda storage: storage.list_page(
        *RECORDS,
        filters=[Filter("last_modified", 14990, COMPARISON.GT)],
        include_deleted=True,
        limit=PAGE,
    ),
    "create": lambda storage: storage.create(*RECORDS, {}, owner=COLLECTION),
    "update": lambda storage: storage.update(*RECORDS, "r9", {"n": 1}, owner=COLLECTION),
    "delete": lambda storage: storage.delete(*RECORDS, storage.create(*RECORDS, {})["id"]),
    "count": lambda storage: storage.count_all(*RECORDS),
    "new list": lambda storage: storage.add_lists([ListKey("record", "/buckets/new")]),
    "subtree": lambda storage: storage.remove_subtree("/buckets/b/collections/c7"),
}


@pytest.fixture(scope="module")
def warm(new_database: Callable[[], str]) -> Storage:
    """A storage whose only connection planned everything on tables nearly empty."""
    url = new_database()
    make_storage(url)
    storage = make_storage(
        f"{url}?application_name=warm",
        initialize=False,
        storage_pool_size="1",
        storage_max_overflow="0",
    )
    run_sql(storage, _PERMISSION_TABLES)
    storage.create("collection", "/buckets/b", {"id": "c"})
    storage.create(*RECORDS, {"id": "r9", "last_modified": 1})
    run_sql(storage, "ANALYZE objects, timestamps, access_control_entries, user_principals")
    for call in HOT_CALLS.values():
        for _ in range(8):
            call(storage)
    run_sql(storage, "DELETE FROM objects WHERE resource_name = 'record'")
    run_sql(storage, _FILL)
    run_sql(storage, "UPDATE timestamps SET object_count = 4500 WHERE object_count IS NULL")
    return storage


def run_sql(storage: Storage, sql: str) -> Any:
    """Run SQL on the connection of the storage."""
    with storage.client.connect() as session:
        result = session.connection().exec_driver_sql(sql)
        return result.scalar() if result.returns_rows else None


@pytest.mark.parametrize("name", HOT_CALLS)
def test_a_hot_call_looks_at_few_rows(warm: Storage, name: str) -> None:
    with request_transaction():
        warm.add_lists([RECORDS])  # Begins the transaction.
        before = run_sql(warm, _ROWS_LOOKED_AT)
        HOT_CALLS[name](warm)
        after = run_sql(warm, _ROWS_LOOKED_AT)
    assert after - before <= FEW


_GRANTED_BY = (BoundPermission("/buckets/b7", "read"),)
_TEXT = PageQuery(
    filters=[],
    sorting=_NEWEST_FIRST,
    pagination_rules=None,
    limit=PAGE,
    include_deleted=False,
    as_text=True,
    granted_by=_GRANTED_BY,
)


@pytest.mark.parametrize(
    "page",
    [
        _TEXT,
        replace(_TEXT, as_text=False),
        replace(_TEXT, sorting=[Sort("n", 1)]),
        replace(_TEXT, sorting=[Sort("n", 1)], as_text=False),
        replace(_TEXT, filters=[Filter("n", 7, COMPARISON.MIN)], counts=True),
    ],
    ids=["newest", "newest objects", "sorted", "sorted objects", "count"],
)
def test_a_list_is_looked_at_for_who_may_read_it(warm: Storage, page: PageQuery) -> None:
    def rows_looked_at(query: ContextQuery) -> int:
        with request_transaction():
            warm.add_lists([RECORDS])  # Begins the transaction.
            before = run_sql(warm, _ROWS_LOOKED_AT)
            warm.fetch_context(query, page=page)
            return int(run_sql(warm, _ROWS_LOOKED_AT) - before)

    context = _CONTEXT._replace(object_id=None, object_uri=None)
    assert rows_looked_at(context) < PAGE / 2
    assert PAGE <= rows_looked_at(context._replace(uris=("/buckets/b7",))) < 2 * 5000


# As random as what people write: with a rhythm, samples of it would mislead the planner.
_STATUSES = """
INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
SELECT 'r' || n, '/filters', 'record', from_epoch(10000 + n),
       jsonb_build_object(
           'n', n, 'status', 's' || mod(abs(hashint4(n)), 20), 'odd', mod(n, 2) = 1,
           'place', jsonb_build_object('x', mod(n, 40)), 'tags', jsonb_build_array(n)
       ), false
  FROM generate_series(1, 20000) AS n
"""
FILTERED = ListKey("record", "/filters")
FILTERS: dict[str, list[Filter]] = {
    "one": [Filter("status", "s7", COMPARISON.EQ)],
    "several": [Filter("status", "s7", COMPARISON.EQ), Filter("odd", True, COMPARISON.EQ)],
    "object": [Filter("place", {"x": 7}, COMPARISON.EQ)],
    "nested": [Filter("place.x", 7, COMPARISON.EQ)],
    "member": [Filter("tags", [7], COMPARISON.CONTAINS)],
}


@pytest.fixture(scope="module")
def filtered(new_database: Callable[[], str]) -> Storage:
    """A storage with a list of 20,000, one in twenty of a status."""
    storage = make_storage(new_database(), storage_pool_size="1", storage_max_overflow="1")
    run_sql(storage, _STATUSES)
    run_sql(storage, "ANALYZE objects")
    return storage


def test_the_newest_matches_of_a_filter_are_found_without_reading_the_list(
    filtered: Storage,
) -> None:
    with request_transaction():
        filtered.add_lists([FILTERED])  # Begins the transaction.
        before = run_sql(filtered, _ROWS_LOOKED_AT)
        page = filtered.list_page(
            *FILTERED, filters=FILTERS["one"], sorting=_NEWEST_FIRST, limit=PAGE
        )
        after = run_sql(filtered, _ROWS_LOOKED_AT)
    assert len(page.objects) == PAGE
    assert after - before < 1000


@pytest.mark.parametrize("name", FILTERS)
def test_filters_are_served_by_the_index_that_an_operator_may_add(
    filtered: Storage, name: str
) -> None:
    run_sql(
        filtered,
        "CREATE INDEX IF NOT EXISTS by_content ON objects USING gin (data jsonb_path_ops)",
    )
    scans = "SELECT pg_stat_get_xact_numscans('by_content'::regclass)"
    with request_transaction():
        filtered.add_lists([FILTERED])
        before = run_sql(filtered, scans)
        page = filtered.list_page(*FILTERED, filters=FILTERS[name], sorting=[Sort("n", -1)])
        assert run_sql(filtered, scans) > before
    assert page.objects


def test_no_plan_is_compiled_for_a_list_that_never_had_a_timestamp(filtered: Storage) -> None:
    unknown = "SELECT kinto_list_timestamp('record', '/buckets/nowhere')"
    start = time.monotonic()
    with request_transaction():
        filtered.add_lists([FILTERED])
        run_sql(filtered, "SET LOCAL jit = on")
        for _ in range(20):
            run_sql(filtered, unknown)

    # Compiling takes 40 ms or more at each call.
    assert time.monotonic() - start < 0.4


def test_plans_are_not_compiled(filtered: Storage) -> None:
    # By us, not by how the server of the tests is set.
    assert run_sql(filtered, "SELECT source FROM pg_settings WHERE name = 'jit'") == "client"
    assert run_sql(filtered, "SHOW jit") == "off"
