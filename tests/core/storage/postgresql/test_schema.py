"""The tables of the storage: made, taken over from 26, made again where somebody dropped them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from kinto.core.storage.postgresql import Storage
from tests.core.storage.postgresql.conftest import make_storage
from tests.support.old_databases import DATA


STEPS = (
    "migration_026_027.sql",
    "migration_027_028.sql",
    "migration_028_029.sql",
    "migration_029_030.sql",
    "migration_030_031.sql",
)
OLD, NEWER = 1_700_000_000_000, 1_700_000_000_500

_TABLES_OF_26 = (DATA / "kinto_26_storage.sql").read_text(encoding="utf-8")

_ROWS_OF_26 = f"""
INSERT INTO objects VALUES
    ('b', '', 'bucket', from_epoch({OLD}), '{{"n": 1}}', false),
    ('gone', '', 'bucket', from_epoch({OLD + 1}), '{{"deleted": true}}', true),
    ('c', '/buckets/b', 'collection', from_epoch({OLD}), '{{}}', false),
    ('empty', '/buckets/b', 'collection', from_epoch({OLD + 1}), '{{}}', false),
    ('r', '/buckets/b/collections/c', 'record', from_epoch({OLD}), '{{"t": "é"}}', false),
    ('x', '/buckets/b/collections/c', 'record', from_epoch({NEWER}), '{{"deleted": true}}', true);
INSERT INTO timestamps VALUES
    ('/buckets/b/collections/c', 'record', from_epoch({OLD})),
    ('/buckets/b', 'collection', from_epoch({NEWER}));
CREATE TRIGGER tgr_objects_last_modified BEFORE INSERT OR UPDATE OF data ON objects
    FOR EACH ROW EXECUTE FUNCTION bump_timestamp();
"""

_CATALOG = """
SELECT 'function', proname || '(' || pg_get_function_arguments(oid) || ')', prosrc, proconfig::text
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
 UNION ALL
SELECT 'trigger', tgname, pg_get_triggerdef(oid), NULL FROM pg_trigger WHERE NOT tgisinternal
 UNION ALL
SELECT 'index', indexname, indexdef, NULL FROM pg_indexes WHERE schemaname = 'public'
 UNION ALL
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, collation_name, is_nullable, column_default), NULL
  FROM information_schema.columns WHERE table_schema = 'public'
"""


def run_sql(url: str, sql: str) -> list[Any]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.fixture
def database_of_26(new_database: Callable[[], str]) -> str:
    url = new_database()
    run_sql(url, _TABLES_OF_26)
    run_sql(url, _ROWS_OF_26)
    return url


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.mark.guide("upgrade the database")
def test_a_database_of_26_keeps_every_object_tombstone_timestamp(database_of_26: str) -> None:
    storage = make_storage(database_of_26)

    assert storage.get_installed_version() == 31
    assert storage.list_all("record", "/buckets/b/collections/c", include_deleted=True) == [
        {"id": "r", "t": "é", "last_modified": OLD},
        {"id": "x", "deleted": True, "last_modified": NEWER},
    ]
    records = storage.all_resources_timestamps("record")
    assert records.pop("/buckets/b/collections/empty") > NEWER
    assert records == {"/buckets/b/collections/c": NEWER}
    assert storage.all_resources_timestamps("collection") == {"/buckets/b": NEWER}
    assert storage.all_resources_timestamps("bucket") == {"": OLD + 1}
    assert storage.all_resources_timestamps("group").keys() == {"/buckets/b"}
    assert storage.all_resources_timestamps("history").keys() == {"/buckets/b"}


def test_a_database_taken_over_ends_as_a_new_one(database_of_26: str, url: str) -> None:
    make_storage(database_of_26)
    make_storage(url)
    assert set(run_sql(database_of_26, _CATALOG)) == set(run_sql(url, _CATALOG))


def test_a_database_taken_over_takes_writes(database_of_26: str) -> None:
    storage = make_storage(database_of_26)
    created = storage.create("record", "/buckets/b/collections/c", {"id": "x"})
    assert created["last_modified"] > NEWER


@pytest.mark.parametrize("step", STEPS)
def test_a_step_may_be_run_again(database_of_26: str, step: str) -> None:
    storage = make_storage(database_of_26)
    before = run_sql(database_of_26, "SELECT * FROM timestamps ORDER BY 1, 2")
    run_sql(database_of_26, _read(step))
    assert run_sql(database_of_26, "SELECT * FROM timestamps ORDER BY 1, 2") == before
    assert storage.get_installed_version() == 31


def test_the_counts_of_lists_are_filled_in(database_of_26: str) -> None:
    make_storage(database_of_26)
    counts = run_sql(
        database_of_26, "SELECT resource_name, parent_id, object_count FROM timestamps"
    )
    assert sorted(counts) == [
        ("bucket", "", 1),
        ("collection", "/buckets/b", 2),
        ("group", "/buckets/b", 0),
        ("history", "/buckets/b", 0),
        ("record", "/buckets/b/collections/c", 1),
        ("record", "/buckets/b/collections/empty", 0),
    ]


def test_a_dry_run_changes_nothing(database_of_26: str, url: str) -> None:
    of_26 = make_storage(database_of_26, initialize=False)
    before = run_sql(database_of_26, _CATALOG)
    of_26.initialize_schema(dry_run=True)
    assert run_sql(database_of_26, _CATALOG) == before
    assert of_26.get_installed_version() == 26

    new = make_storage(url, initialize=False)
    new.initialize_schema(dry_run=True)
    assert new.get_installed_version() is None


@pytest.mark.parametrize(
    ("step", "start"),
    [
        (STEPS[1], "-- The count of a list that"),
        (STEPS[2], "-- Lock lists"),
        (STEPS[3], "-- Whether a user"),
        (STEPS[4], "-- What a request has to know"),
    ],
)
def test_what_the_last_steps_make_is_in_the_schema(step: str, start: str) -> None:
    """A function is the same in a new database and in one taken over."""
    schema = Path(Storage.schema_file or "").read_text(encoding="utf-8")
    replaced = {name for later in STEPS[STEPS.index(step) + 1 :] for name in _made(_read(later))}
    text = _read(step)
    parts = text[text.index(start) : text.rindex("INSERT INTO metadata")].split("\n\n")
    kept = [part for part in parts if replaced.isdisjoint(_made(part))]
    assert [part for part in kept if part not in schema] == []


def _read(step: str) -> str:
    path = Path(Storage.migrations_directory or "") / step
    return path.read_text(encoding="utf-8")


def _made(sql: str) -> list[str]:
    """The functions that are created or replaced."""
    return re.findall(r"CREATE OR REPLACE FUNCTION (\w+)", sql)


@pytest.mark.parametrize("table", ["objects", "timestamps", "metadata"])
def test_a_table_that_was_dropped_is_made_again(url: str, table: str) -> None:
    storage = make_storage(url)
    storage.create("record", "/p", {})
    run_sql(url, f"DROP TABLE {table}")
    assert storage.get_installed_version() is None

    storage.initialize_schema()

    assert storage.get_installed_version() == 31
    created = storage.create("record", "/p", {})
    assert storage.list_page("record", "/p").objects[-1] == created
    assert storage.get("record", "/p", created["id"]) == created


@pytest.mark.parametrize(
    ("lost", "assumed"), [("storage_schema_version", 1), ("", 20)], ids=["version", "everything"]
)
def test_a_lost_version_is_found_again(url: str, lost: str, assumed: int) -> None:
    storage = make_storage(url)
    known = storage.create("record", "/p", {})
    run_sql(url, f"DELETE FROM metadata WHERE name LIKE '{lost}%'")
    assert storage.get_installed_version() == assumed

    storage.initialize_schema()

    assert storage.get_installed_version() == 31
    assert storage.get("record", "/p", known["id"]) == known


@pytest.mark.guide("SQL files")
def test_the_schema_is_run_by_hand(url: str) -> None:
    run_sql(url, Path(Storage.schema_file or "").read_text(encoding="utf-8"))
    storage = make_storage(url, initialize=False)
    assert storage.get_installed_version() == 31
    assert storage.create("bucket", "", {})


def test_flushing_keeps_the_version_and_the_age_of_the_database(url: str) -> None:
    storage = make_storage(url)
    before = storage.list_page("record", "/never").timestamp
    storage.create("record", "/p", {})
    storage.flush()
    assert storage.get_installed_version() == 31
    assert storage.list_page("record", "/p").timestamp == before
