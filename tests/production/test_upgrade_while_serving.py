"""`kinto migrate` among servers that write, killed, run twice at once (issue 4, upgrading)."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import pytest

from kinto.core.storage.postgresql import Storage
from tests.support.api import Client, memory_app, postgresql_app
from tests.support.old_databases import (
    OLDEST,
    Facts,
    assert_is_kept,
    make_database_of,
    make_database_of_26_5,
    run_sql,
)
from tests.support.services import postgresql_settings, write_ini


VERSION = "SELECT max(value::int) FROM metadata WHERE name = 'storage_schema_version'"
WRITERS = 4
COLLECTION = "/buckets/notes/collections/w{}"


@pytest.fixture(scope="module")
def user() -> str:
    return Client(memory_app()).principal


@pytest.fixture
def old(new_database: Callable[[], str], user: str) -> tuple[str, Facts]:
    """URL of a database of Kinto 3.0, and what is in there."""
    url = new_database()
    return url, make_database_of(OLDEST, url, user=user)


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """URL of a database of Kinto 26.5, with many more records."""
    url = new_database()
    make_database_of_26_5(url)
    run_sql(
        url,
        f"""
        INSERT INTO objects SELECT 'w' || n, '/buckets/notes', 'collection',
               now() + n * INTERVAL '1 millisecond', '{{}}', FALSE
          FROM generate_series(0, {WRITERS - 1}) AS n;
        INSERT INTO objects SELECT 'r' || n, '{COLLECTION.format(0)}', 'record',
               TIMESTAMP '2020-01-01' + n * INTERVAL '1 millisecond', '{{"a": 1}}', FALSE
          FROM generate_series(1, 20000) AS n
        """,
    )
    return url


@contextmanager
def start_migrating(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs `kinto migrate`, killed at the end if it still does."""
    ini = write_ini(folder / "kinto.ini", postgresql_settings(url))
    process = subprocess.Popen(
        [sys.executable, "-m", "kinto", "migrate", "--ini", str(ini)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Writer(threading.Thread):
    """Writes as a server of Kinto 26 does: reads what it needs, then writes, then commits."""

    def __init__(self, url: str, number: int) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.parent_id = COLLECTION.format(number)
        self.stopped = threading.Event()
        self.acknowledged: list[str] = []
        self.failures: list[Exception] = []
        self.longest_seconds = 0.0

    def run(self) -> None:
        with closing(psycopg2.connect(self.url)) as connection:
            while not self.stopped.is_set():
                started = time.monotonic()
                object_id = f"x{len(self.acknowledged)}"
                try:
                    self._write(connection, object_id)
                except psycopg2.errors.UniqueViolation:  # 409: two in one millisecond
                    connection.rollback()
                except Exception as error:  # noqa: BLE001  # shown by the assertion
                    self.failures.append(error)
                    return
                else:
                    self.acknowledged.append(object_id)
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - started)

    def _write(self, connection: Any, object_id: str) -> None:
        with connection, connection.cursor() as cursor:
            key = {"id": object_id, "parent_id": self.parent_id}
            cursor.execute("SELECT last_modified FROM timestamps WHERE parent_id = %(id)s", key)
            cursor.execute("SELECT data FROM objects WHERE id = 'notes' AND NOT deleted", key)
            cursor.execute("SELECT data FROM objects WHERE id = %(id)s", key)
            cursor.execute(
                "INSERT INTO objects VALUES (%(id)s, %(parent_id)s, 'record', NULL, '{}', FALSE)",
                key,
            )

    def stop(self) -> None:
        self.stopped.set()
        self.join(60)


@pytest.fixture
def writers(url: str) -> Iterator[list[Writer]]:
    with ExitStack() as stack:
        started = [Writer(url, number) for number in range(WRITERS)]
        for writer in started:
            writer.start()
            stack.callback(writer.stop)
        wait_until(lambda: all(writer.acknowledged for writer in started))
        yield started


@pytest.mark.guide("upgrade the database")
def test_no_write_is_lost_or_refused_meanwhile(
    url: str, writers: list[Writer], tmp_path: Path
) -> None:
    with start_migrating(url, tmp_path) as process:
        _, output = process.communicate(timeout=120)
    assert process.returncode == 0, output
    counts = [len(writer.acknowledged) for writer in writers]
    wait_until(lambda: all(len(w.acknowledged) > n + 2 for w, n in zip(writers, counts)))  # noqa: B905
    for writer in writers:
        writer.stop()

    client = Client(postgresql_app(url), "alice")
    for number, writer in enumerate(writers):
        assert writer.failures == []
        path = f"{COLLECTION.format(number)}/records"
        rows = run_sql(
            url, f"SELECT id FROM objects WHERE parent_id = '{writer.parent_id}' AND id LIKE 'x%'"
        )
        assert {row[0] for row in rows} == set(writer.acknowledged)
        total = len(writer.acknowledged) + (20_000 if number == 0 else 0)
        head = client.head(path)
        assert head.headers["Total-Objects"] == str(total)
        newest = client.get(path, _sort="-last_modified", _limit=1)
        assert newest.data[0]["last_modified"] == newest.timestamp


def test_requests_do_not_queue_behind_a_migration_that_waits(
    url: str, writers: list[Writer], tmp_path: Path
) -> None:
    with closing(psycopg2.connect(url)) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM objects")  # and does not commit
        with start_migrating(url, tmp_path) as process:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%$locking$%'"
            wait_until(lambda: run_sql(url, f"{waiting} AND pid <> pg_backend_pid()") == [(1,)])
            counts = [len(writer.acknowledged) for writer in writers]
            wait_until(lambda: all(len(w.acknowledged) > n + 10 for w, n in zip(writers, counts)))  # noqa: B905
            assert process.poll() is None
            assert run_sql(url, VERSION) == [(26,)]
            reader.rollback()
            _, output = process.communicate(timeout=120)

    assert process.returncode == 0, output
    assert [writer.failures for writer in writers] == [[]] * WRITERS
    assert max(writer.longest_seconds for writer in writers) < 5


def test_a_migration_that_was_killed_is_resumed(
    old: tuple[str, Facts], user: str, tmp_path: Path
) -> None:
    url, facts = old
    with closing(psycopg2.connect(url)) as reader, reader.cursor() as cursor:
        # The step from 19 to 20 waits for that.
        cursor.execute("SELECT count(*) FROM timestamps")
        with start_migrating(url, tmp_path) as process:
            wait_until(lambda: run_sql(url, VERSION) == [(19,)])
            process.kill()
            process.wait()

    client = Client(postgresql_app(url))

    assert run_sql(url, VERSION) == [(Storage.schema_version,)]
    assert_is_kept(client, facts)


def test_two_migrations_at_once_take_turns(old: tuple[str, Facts], tmp_path: Path) -> None:
    url, facts = old
    with ExitStack() as stack:
        folders = [tmp_path / "a", tmp_path / "b"]
        for folder in folders:
            folder.mkdir()
        started = [stack.enter_context(start_migrating(url, folder)) for folder in folders]
        done = [(process.communicate(timeout=120)[1], process.returncode) for process in started]

    assert [code for _, code in done] == [0, 0], done
    shown = "".join(output for output, _ in done)
    for version in range(OLDEST, Storage.schema_version):
        assert shown.count(f"storage schema from version {version} to {version + 1}.") == 1
    assert shown.count("PostgreSQL storage schema is up-to-date.") == 1
    assert_is_kept(Client(postgresql_app(url)), facts)


def test_counts_that_an_interrupted_migration_left_out_are_made_up_for(url: str) -> None:
    app = postgresql_app(url)
    run_sql(url, "UPDATE timestamps SET object_count = NULL")

    postgresql_app(url)

    assert run_sql(url, "SELECT count(*) FROM timestamps WHERE object_count IS NULL") == [(0,)]
    head = Client(app, "alice").head(f"{COLLECTION.format(0)}/records")
    assert head.headers["Total-Objects"] == "20000"
