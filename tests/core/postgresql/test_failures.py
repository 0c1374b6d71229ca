"""What happens when PostgreSQL breaks, stops or is slow; what is sent over the wire."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import psycopg2.extensions
import pytest
import sqlalchemy.exc
import structlog.testing
import transaction
from sqlalchemy import text

from kinto.core.postgresql import source
from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.exceptions import BackendError, ReadonlyError
from kinto.core.storage.transactions import begin_request_scope
from tests.core.postgresql.statements import (
    COUNT,
    FIND,
    INSERT,
    LIMIT,
    LONG_LIMIT,
    LONG_SLEEP,
    NAMES,
    SLEEP,
)
from tests.support.proxy import Action, Proxy


MakeClient = Callable[..., PostgreSQLClient]


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def begin_request() -> None:
    transaction.begin()
    begin_request_scope()


def count(client: PostgreSQLClient) -> int:
    with client.read() as connection:
        row = connection.fetch_one(COUNT, {})
    assert row is not None
    return int(row[0])


def insert(client: PostgreSQLClient, *numbers: int) -> None:
    """Each with a round trip of its own, in one transaction."""
    with client.write() as connection:
        for number in numbers:
            connection.execute(INSERT, {"id": number, "name": "x"})


def insert_then_fail(client: PostgreSQLClient, number: int) -> None:
    with client.write() as connection:
        connection.execute(INSERT, {"id": number, "name": "x"})
        raise ZeroDivisionError


def sleep(client: PostgreSQLClient, *statements: Statement, seconds: float) -> None:
    with client.write() as connection:
        for statement in statements:
            connection.fetch_one(statement, {"seconds": seconds})


def warm(client: PostgreSQLClient, proxy: Proxy) -> None:
    """Have a connection with everything prepared, and nothing counted."""
    with client.write() as connection:
        connection.execute(INSERT, {"id": 0, "name": "x"})
        connection.fetch_one(COUNT, {})
        connection.fetch_one(FIND, {"id": 0})
    proxy.queries.clear()


# Round trips.


def test_read_is_one_round_trip(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    with client.read() as connection:
        connection.fetch_one(FIND, {"id": 0})

    assert proxy.queries == ['EXECUTE "items_find"(0)']


def test_statement_is_prepared_with_its_first_use(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url)
    with client.read() as connection:
        connection.fetch_all(NAMES, {})
        proxy.queries.clear()
        connection.fetch_one(COUNT, {})
        connection.fetch_one(COUNT, {})

    assert proxy.queries == [
        'PREPARE "items_count" AS SELECT COUNT(*) FROM items;\nEXECUTE "items_count"',
        'EXECUTE "items_count"',
    ]


def test_statements_are_plain_text_where_that_is_set(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client(proxy.url, prepared_statements="false")
    warm(client, proxy)
    with client.read() as connection:
        assert connection.fetch_one(FIND, {"id": 0}) == ("x",)

    assert proxy.queries == ["SELECT name FROM items WHERE id = CAST(0 AS int) AND 7 % 2 = 1"]


def test_request_that_writes_is_as_many_round_trips_as_results_and_one(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    begin_request()
    transaction.savepoint()
    with client.write() as connection:
        connection.defer(INSERT, {"id": 1, "name": "a"})
        assert connection.fetch_one(COUNT, {}) == (2,)
        connection.defer(INSERT, {"id": 2, "name": "b"})
    place = transaction.savepoint()
    with client.write() as connection:
        connection.defer(INSERT, {"id": 3, "name": "c"})
    transaction.commit()

    assert place
    assert proxy.queries == [
        'BEGIN;\nEXECUTE "items_insert"(1, \'a\');\nEXECUTE "items_count"',
        "EXECUTE \"items_insert\"(2, 'b');\nSAVEPOINT kinto_1;\n"
        "EXECUTE \"items_insert\"(3, 'c');\nCOMMIT",
    ]


def test_savepoint_that_nobody_can_come_back_to_is_not_sent(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    begin_request()
    with client.write() as connection:
        connection.defer(INSERT, {"id": 1, "name": "a"})
    transaction.savepoint()
    transaction.commit()

    assert proxy.queries == ["BEGIN;\nEXECUTE \"items_insert\"(1, 'a');\nCOMMIT"]


def test_sessions_send_what_was_queued_too(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    begin_request()
    with client.write() as connection:
        connection.defer(INSERT, {"id": 1, "name": "a"})
    with client.connect() as session:
        assert session.execute(text("SELECT COUNT(*) FROM items")).scalar() == 2
    transaction.commit()

    assert len(proxy.queries) == 2
    assert proxy.queries[0].startswith("BEGIN;\nEXECUTE")


@pytest.mark.parametrize("ends", ["commit", "abort"])
def test_request_that_sent_nothing_ends_without_round_trip(
    make_client: MakeClient, proxy: Proxy, ends: str
) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    begin_request()
    with client.write() as connection:
        if ends == "abort":
            connection.defer(INSERT, {"id": 1, "name": "a"})
    savepoint = transaction.savepoint()
    with client.write() as connection:
        connection.defer(INSERT, {"id": 2, "name": "a"})
    savepoint.rollback()
    getattr(transaction, ends)()

    assert proxy.queries == []


def test_limits_travel_with_statements_behind_pgbouncer(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client(
        proxy.url, poolclass="sqlalchemy.pool.NullPool", statement_timeout="7", lock_timeout=0.5
    )
    with client.read() as connection:
        assert connection.fetch_one(LIMIT, {}) == ("5750ms",)
        assert connection.fetch_one(LONG_LIMIT, {}) == ("28750ms",)
    with client.write() as connection:
        assert connection.fetch_one(LONG_LIMIT, {}) == ("28750ms",)
        assert connection.fetch_one(LIMIT, {}) == ("5750ms",)
    with client.connect() as session:
        assert session.execute(text("SHOW lock_timeout")).scalar() == "500ms"


def test_prepared_statement_survives_a_failure_of_its_first_use(client: PostgreSQLClient) -> None:
    with client.read() as connection:
        driver = connection.driver
    for _ in range(2):
        with pytest.raises(BackendError):
            insert(client, 1, 1)
    with pytest.raises(BackendError), client.autocommit() as connection:
        connection.fetch_one(FIND, {"id": "no number"})
    with client.read() as connection:
        assert connection.driver is driver
        assert connection.fetch_one(FIND, {"id": 1}) is None
        assert connection.fetch_one(FIND, {"id": 1}) is None


def test_prepared_statement_survives_its_table(client: PostgreSQLClient) -> None:
    with client.autocommit() as connection:
        connection.execute(INSERT, {"id": 1, "name": "a"})
        driver = connection.driver
    with client.connect() as session:
        session.execute(text("DROP TABLE items"))
        session.execute(text("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)"))
    with client.autocommit() as connection:
        assert connection.driver is driver
        assert connection.execute(INSERT, {"id": 1, "name": "a"}) == 1


# Time limits.


def test_server_keeps_the_limit_of_statements(table: str, make_client: MakeClient) -> None:
    client = make_client(table, statement_timeout=0.1, long_statement_timeout="0.6")
    with at_most(2), pytest.raises(BackendError, match="statement timeout"):
        sleep(client, SLEEP, seconds=5)
    sleep(client, LONG_SLEEP, seconds=0.2)
    with pytest.raises(BackendError, match="statement timeout"):
        sleep(client, LONG_SLEEP, SLEEP, seconds=0.2)


def test_long_statements_are_kept_to_indices(client: PostgreSQLClient) -> None:
    def setting(connection: Any, *, long: bool) -> Any:
        sql = "SELECT current_setting('enable_seqscan')"
        return connection.fetch_one(Statement("seqscan", sql, long=long), {})[0]

    with client.read() as connection:
        assert setting(connection, long=True) == "off"
        assert setting(connection, long=False) == "on"
    with client.write() as connection:
        connection.execute(INSERT, {"id": 1, "name": "x"})
        assert setting(connection, long=True) == "off"
        assert setting(connection, long=False) == "on"


def test_failure_that_was_ignored_is_not_committed(client: PostgreSQLClient) -> None:
    def insert_twice() -> None:
        with client.write() as connection, contextlib.suppress(BackendError):
            connection.execute(INSERT, {"id": 1, "name": "x"})
            connection.execute(INSERT, {"id": 1, "name": "x"})

    with structlog.testing.capture_logs() as logs, pytest.raises(BackendError, match="rolled"):
        insert_twice()

    assert [entry["log_level"] for entry in logs] == ["info", "error"]
    assert count(client) == 0


def test_server_keeps_the_limit_of_locks(table: str, make_client: MakeClient) -> None:
    client = make_client(table, lock_timeout=0.1)
    with client.connect(readonly=True) as session:
        session.execute(text("LOCK TABLE items"))
        with at_most(2), pytest.raises(BackendError, match="lock timeout"):
            count(client)


def test_we_keep_the_limit_of_a_server_that_stopped(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url, statement_timeout=0.1)
    warm(client, proxy)
    proxy.decide = lambda _query: Action.STALL
    with structlog.testing.capture_logs() as logs, at_most(3), pytest.raises(BackendError):
        count(client)
    assert [entry["log_level"] for entry in logs] == ["critical"]
    with at_most(3), pytest.raises(BackendError), client.connect() as session:
        session.execute(text("SELECT 1"))

    proxy.decide = lambda _query: Action.FORWARD
    assert count(client) == 1


def test_we_keep_the_limit_of_connecting(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url, connect_timeout=0.2)
    proxy.is_stopped = True
    with at_most(2), pytest.raises(BackendError):
        count(client)

    proxy.is_stopped = False
    assert count(client) == 0


def test_second_host_is_tried_when_the_first_is_silent(
    make_client: MakeClient, proxy: Proxy
) -> None:
    proxy.is_stopped = True
    parts = urlsplit(proxy.url)
    host, port = proxy.target
    url = (
        f"postgresql://{parts.username}:{parts.password}@{parts.path}"
        f"?host=127.0.0.1:{parts.port}&host={host}:{port}&target_session_attrs=read-write"
    )
    client = make_client(url, connect_timeout=0.2, poolclass="sqlalchemy.pool.NullPool")
    assert count(client) == 0
    before = proxy.accepted
    assert count(client) == 0

    assert proxy.accepted == before


def test_connections_of_others_wait_without_limit(client: PostgreSQLClient, table: str) -> None:
    count(client)
    connection = psycopg2.connect(table)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.2)")
    connection.close()


def test_exhausted_pool_is_a_backend_error(table: str, make_client: MakeClient) -> None:
    client = make_client(table, pool_size=1, max_overflow=0, pool_timeout="0.1")
    refused = pytest.raises(BackendError)
    with client.read(), structlog.testing.capture_logs() as logs, at_most(2), refused:
        count(client)

    assert [entry["log_level"] for entry in logs] == ["critical"]
    assert count(client) == 0


def test_backlog_of_the_pool_is_limited(table: str, make_client: MakeClient) -> None:
    client = make_client(table, pool_size=1, max_overflow=0, pool_timeout=10, max_backlog="1")
    results: list[int] = []
    with client.read():
        waiting = threading.Thread(target=lambda: results.append(count(client)))
        waiting.start()
        while not client.engine.pool._pool.waiting:  # type: ignore[attr-defined]
            time.sleep(0.01)
        with at_most(2), pytest.raises(BackendError, match="exhausted"):
            count(client)
    waiting.join()

    assert results == [0]


# Broken connections.


def test_read_is_repeated_on_a_fresh_connection(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    actions = iter([Action.CUT])
    proxy.decide = lambda _query: next(actions, Action.FORWARD)

    assert count(client) == 1
    assert len(proxy.queries) > 1


def test_read_is_repeated_once(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    proxy.decide = lambda query: Action.CUT if "items" in query else Action.FORWARD
    with pytest.raises(BackendError):
        count(client)
    assert sum("items" in query for query in proxy.queries) == 2


@pytest.mark.parametrize("kind", ["read", "write", "request"])
def test_connection_that_cannot_be_replaced_is_given_back_once(
    make_client: MakeClient, proxy: Proxy, kind: str
) -> None:
    client = make_client(proxy.url, connect_timeout=0.2, max_overflow=0, pool_size=2)
    warm(client, proxy)
    proxy.is_stopped = True
    proxy.decide = lambda _query: Action.CUT
    if kind == "request":
        begin_request()
    with pytest.raises(BackendError), client.read() if kind == "read" else client.write() as used:
        used.fetch_one(COUNT, {})
    transaction.abort()

    # Two threads that were given the same connection would be in one transaction.
    proxy.is_stopped = False
    proxy.decide = lambda _query: Action.FORWARD
    assert client.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    with client.autocommit() as one, client.autocommit() as other:
        assert one.driver is not other.driver
        assert one.fetch_one(COUNT, {}) == other.fetch_one(COUNT, {}) == (1,)
    assert client.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_session_after_a_lost_connection_is_a_backend_error(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client(proxy.url, connect_timeout=0.2)
    begin_request()
    with client.write() as connection:
        proxy.is_stopped = True
        proxy.decide = lambda _query: Action.CUT
        with pytest.raises(BackendError):
            connection.fetch_one(COUNT, {})

    with pytest.raises(BackendError, match="lost"), client.connect() as session:
        session.execute(text("SELECT 1"))
    transaction.abort()


def test_restarted_server_is_noticed_before_use(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url)
    with client.read(), client.read(), client.read() as connection:
        connection.fetch_one(COUNT, {})
    warm(client, proxy)
    proxy.cut_all()
    time.sleep(0.05)
    with client.autocommit() as connection:
        connection.execute(INSERT, {"id": 1, "name": "x"})
    begin_request()
    with client.write() as connection:
        connection.execute(INSERT, {"id": 2, "name": "x"})
    with client.connect(force_commit=True) as session:
        session.execute(text("INSERT INTO items VALUES (3, 'x')"))
    transaction.commit()

    assert count(client) == 4


def test_connection_that_was_idle_for_long_is_asked(
    make_client: MakeClient, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(proxy.url, connect_timeout=0.2)
    warm(client, proxy)
    count(client)
    assert "SELECT 1" not in proxy.queries
    monkeypatch.setattr(source, "_LONG_IDLE_SECONDS", 0.05)
    time.sleep(0.1)
    count(client)
    assert "SELECT 1" in proxy.queries
    proxy.decide = lambda query: Action.STALL if query == "SELECT 1" else Action.FORWARD
    time.sleep(0.1)
    with at_most(2):
        assert count(client) == 1


def test_first_round_trip_of_a_request_is_repeated(make_client: MakeClient, proxy: Proxy) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    actions = iter([Action.CUT_REPLY])
    proxy.decide = lambda _query: next(actions, Action.FORWARD)
    begin_request()
    with client.write() as connection:
        connection.defer(INSERT, {"id": 1, "name": "x"})
        assert connection.fetch_one(COUNT, {}) == (2,)
    transaction.commit()

    assert count(client) == 2


def test_later_round_trips_of_a_request_are_not_repeated(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    begin_request()
    savepoint = transaction.savepoint()
    with client.write() as connection:
        connection.execute(INSERT, {"id": 1, "name": "x"})
    second = transaction.savepoint()
    proxy.cut_all()
    with pytest.raises(BackendError), client.write() as connection:
        connection.execute(INSERT, {"id": 2, "name": "x"})
    with pytest.raises(BackendError):
        second.rollback()
    del savepoint
    transaction.abort()

    assert count(client) == 1


@pytest.mark.parametrize("action", [Action.CUT, Action.CUT_REPLY, Action.STALL])
def test_connection_that_breaks_at_commit_is_a_backend_error(
    make_client: MakeClient, proxy: Proxy, action: Action
) -> None:
    client = make_client(proxy.url, statement_timeout=0.1)
    warm(client, proxy)
    proxy.decide = lambda query: action if query.endswith("COMMIT") else Action.FORWARD
    begin_request()
    with client.write() as connection:
        connection.execute(INSERT, {"id": 1, "name": "x"})
    with at_most(3), pytest.raises(BackendError):
        transaction.commit()
    transaction.abort()
    with pytest.raises(BackendError), client.write() as connection:
        connection.execute(INSERT, {"id": 2, "name": "x"})
    with pytest.raises(BackendError), client.connect() as session:
        session.execute(text("INSERT INTO items VALUES (3, 'x')"))

    proxy.decide = lambda _query: Action.FORWARD
    assert count(client) >= 1


def test_connection_that_breaks_at_rollback_is_dropped(
    make_client: MakeClient, proxy: Proxy
) -> None:
    client = make_client(proxy.url)
    warm(client, proxy)
    proxy.decide = lambda query: Action.CUT if query == "ROLLBACK" else Action.FORWARD
    begin_request()
    with client.write() as connection:
        connection.execute(INSERT, {"id": 1, "name": "x"})
    transaction.abort()
    with pytest.raises(ZeroDivisionError):
        insert_then_fail(client, 1)

    assert count(client) == 1


def test_server_that_became_read_only_is_left(client: PostgreSQLClient) -> None:
    with client.autocommit() as connection:
        driver = connection.driver
        cursor = driver.cursor()
        cursor.execute("SET default_transaction_read_only = on")
        with pytest.raises(ReadonlyError):
            connection.execute(INSERT, {"id": 1, "name": "x"})
    with client.autocommit() as connection:
        assert connection.driver is not driver
        connection.execute(INSERT, {"id": 1, "name": "x"})


def test_role_that_may_only_read_reads(
    client: PostgreSQLClient, table: str, make_client: MakeClient
) -> None:
    with client.connect() as session:
        session.execute(text("DROP ROLE IF EXISTS kinto_reader"))
        session.execute(text("CREATE ROLE kinto_reader LOGIN PASSWORD 'secret'"))
        session.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO kinto_reader"))
    url = sqlalchemy.make_url(table).set(username="kinto_reader", password="secret")
    reader = make_client(url.render_as_string(hide_password=False))

    assert count(reader) == 0
    with pytest.raises(BackendError, match="permission denied"), reader.write() as connection:
        connection.execute(INSERT, {"id": 1, "name": "x"})
    with client.connect() as session:
        session.execute(text("DROP OWNED BY kinto_reader; DROP ROLE kinto_reader"))


def test_old_server_is_refused(
    table: str, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinto.core.postgresql.driver.OLDEST_SERVER_VERSION", 990000)
    client = make_client(table)
    with pytest.raises(BackendError, match="PostgreSQL 12 or newer required"):
        count(client)
