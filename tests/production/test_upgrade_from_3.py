"""A database of Kinto 3.0, or of any version since, keeps all it holds (operations 3.9, 9.6)."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pyramid import testing

from kinto.cli.migrate import initialize_schemas
from kinto.core.storage.exceptions import UnsuitableDatabaseError
from kinto.core.storage.postgresql import Storage
from kinto.core.storage.postgresql.client import create_from_config
from tests.support.api import Client, memory_app, postgresql_app
from tests.support.old_databases import (
    NEWEST,
    OLDEST,
    Facts,
    assert_is_kept,
    make_database_of,
    run_sql,
)


CATALOG = """
SELECT 'function', proname || '(' || pg_get_function_arguments(oid) || ')', prosrc
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
 UNION ALL
SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger
 WHERE NOT tgisinternal AND tgrelid <> coalesce(to_regclass('deleted'), 0)
 UNION ALL
SELECT 'index', '', indexdef FROM pg_indexes
 WHERE schemaname = 'public' AND tablename <> 'deleted' AND indexname NOT LIKE '%_pkey'
 UNION ALL
SELECT 'key', conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE contype = 'p' AND conrelid <> coalesce(to_regclass('deleted'), 0)
 UNION ALL
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, collation_name, is_nullable)
  FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'deleted'
"""
ROWS = tuple(
    f"SELECT * FROM {table} ORDER BY 1, 2"
    for table in ("objects", "timestamps", "metadata", "user_principals", "access_control_entries")
)


@pytest.fixture(scope="module")
def user() -> str:
    """The user id that every server with the same secret gives to the owner."""
    return Client(memory_app()).principal


@pytest.fixture(scope="module")
def new_catalog(new_database: Callable[[], str]) -> set[tuple[str, ...]]:
    url = new_database()
    postgresql_app(url)
    return set(run_sql(url, CATALOG))


@pytest.mark.guide("upgrade the database")
@pytest.mark.parametrize("version", range(OLDEST, NEWEST + 1))
def test_objects_tombstones_timestamps_permissions_are_kept(
    version: int, new_database: Callable[[], str], user: str, new_catalog: set[tuple[str, ...]]
) -> None:
    url = new_database()
    facts = make_database_of(version, url, user=user)

    client = Client(postgresql_app(url))

    assert_is_kept(client, facts)
    assert set(run_sql(url, CATALOG)) == new_catalog
    recorded = run_sql(
        url,
        "SELECT value::INT FROM metadata WHERE name = 'storage_schema_version' ORDER BY 1",
    )
    assert recorded == [(number,) for number in range(10, Storage.schema_version + 1)]
    # And it takes new changes, later than all that there is.
    records = "/buckets/b0/collections/c0/records"
    known = facts.timestamps[records]
    assert client.put(f"{records}/t1", {"n": 1}).status == 201
    assert client.delete(f"{records}/r1").status == 200
    changed = client.get(records, _since=known).data
    assert [obj["id"] for obj in changed] == ["r1", "t1"]


@pytest.fixture
def old(new_database: Callable[[], str], user: str) -> tuple[str, Facts]:
    """URL of a database of Kinto 3.0, and what is in there."""
    url = new_database()
    return url, make_database_of(OLDEST, url, user=user)


def test_log_has_a_line_for_each_step(old: tuple[str, Facts], caplog: Any) -> None:
    caplog.set_level(logging.INFO)
    postgresql_app(old[0])

    lines = [line for line in caplog.messages if "storage" in line and "/" not in line]
    assert lines == [
        "Detected PostgreSQL storage schema version 11.",
        *(
            f"Migrate PostgreSQL storage schema from version {n} to {n + 1}."
            for n in range(11, Storage.schema_version)
        ),
        "PostgreSQL storage schema migration done",
    ]


def test_a_tombstone_whose_timestamp_is_taken_comes_last(old: tuple[str, Facts]) -> None:
    url, facts = old
    records = "/buckets/b0/collections/c0/records"
    taken = [facts.objects[records][name]["last_modified"] for name in ("r3", "r5")]
    for name, epoch in zip(("z", "a"), taken, strict=True):
        run_sql(
            url,
            "ALTER TABLE deleted DISABLE TRIGGER USER; INSERT INTO deleted VALUES"
            f" ('{name}', '/buckets/b0/collections/c0', 'record', from_epoch({epoch}))",
        )

    client = Client(postgresql_app(url))

    newest = facts.timestamps[records]
    changes = client.get(records, _since=newest)
    assert changes.data == [
        {"id": "a", "last_modified": newest + 2, "deleted": True},
        {"id": "z", "last_modified": newest + 1, "deleted": True},
    ]
    assert changes.timestamp == newest + 2


def test_an_object_that_was_made_again_is_alive(old: tuple[str, Facts]) -> None:
    url, facts = old
    run_sql(
        url,
        "ALTER TABLE deleted DISABLE TRIGGER USER; INSERT INTO deleted VALUES"
        " ('r3', '/buckets/b0/collections/c0', 'record', from_epoch(1461834000999))",
    )

    assert_is_kept(Client(postgresql_app(url)), facts)


@pytest.mark.parametrize("version", [11, 16, 17, 20, 21, 26])
@pytest.mark.parametrize("lost", ["storage_schema_version", "%"], ids=["version", "everything"])
def test_a_database_whose_version_is_lost_is_recognized(
    version: int, lost: str, new_database: Callable[[], str], user: str
) -> None:
    url = new_database()
    facts = make_database_of(version, url, user=user)
    run_sql(url, f"DELETE FROM metadata WHERE name LIKE '{lost}'")

    assert_is_kept(Client(postgresql_app(url)), facts)


def test_a_database_older_than_3_is_refused_in_one_line(old: tuple[str, Facts]) -> None:
    url, _ = old
    run_sql(
        url,
        "DELETE FROM metadata WHERE value = '11';"
        "ALTER TABLE records RENAME COLUMN collection_id TO resource_name",
    )
    before = run_sql(url, CATALOG)

    with pytest.raises(UnsuitableDatabaseError) as caught, _storage(url) as storage:
        storage.initialize_schema()

    assert str(caught.value) == (
        "PostgreSQL storage schema version 10 is older than Kinto 3.0 (11)."
        " Migrate it with Kinto 3.0 first."
    )
    assert run_sql(url, CATALOG) == before


def test_a_dry_run_shows_the_steps_and_changes_nothing(
    old: tuple[str, Facts], caplog: Any
) -> None:
    url, _ = old
    before = [run_sql(url, CATALOG), run_sql(url, "SELECT * FROM metadata")]
    caplog.set_level(logging.INFO)

    with _storage(url) as storage:
        storage.initialize_schema(dry_run=True)

    assert [run_sql(url, CATALOG), run_sql(url, "SELECT * FROM metadata")] == before
    assert (
        sum("Execute PostgreSQL storage migration" in line for line in caplog.messages)
        == Storage.schema_version - 11
    )
    assert "PostgreSQL storage schema migration simulated" in caplog.messages


@contextmanager
def _storage(url: str) -> Iterator[Storage]:
    config = testing.setUp(settings={"storage_url": url})
    client = create_from_config(config, "storage_")
    yield Storage(client, 10000)
    client.engine.dispose()


def test_migrating_twice_changes_nothing(old: tuple[str, Facts], caplog: Any) -> None:
    url, facts = old
    app = postgresql_app(url)
    before = [run_sql(url, sql) for sql in (CATALOG, *ROWS)]
    caplog.set_level(logging.INFO)

    initialize_schemas(app.registry)

    assert [run_sql(url, sql) for sql in (CATALOG, *ROWS)] == before
    assert "PostgreSQL storage schema is up-to-date." in caplog.messages
    assert_is_kept(Client(app), facts)
