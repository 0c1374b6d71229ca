"""Connections, and the transactions of requests."""

import os
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy
import sqlalchemy.exc
import transaction
from pyramid import testing
from sqlalchemy import text
from sqlalchemy.orm import Session

from kinto.core.postgresql import client as client_module
from kinto.core.postgresql.client import PostgreSQLClient, create_from_config
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.driver import DriverConnection
from kinto.core.storage.exceptions import BackendError, ConcurrentWriteError, IntegrityError
from kinto.core.storage.transactions import begin_request_scope, current_request_transaction
from tests.core.postgresql.statements import COUNT, FIND, INSERT, NAMES, UPDATE


def count(client: PostgreSQLClient) -> int:
    """How many items others see."""
    with client.write(force_commit=True) as connection:
        row = connection.fetch_one(COUNT, {})
    assert row is not None
    return int(row[0])


def insert(client: PostgreSQLClient, number: int, **options: Any) -> None:
    with client.write(**options) as connection:
        assert connection.execute(INSERT, {"id": number, "name": "x"}) == 1


def run(session_block: AbstractContextManager[Session], *statements: str) -> None:
    """Execute statements in a session; ``FAIL`` and ``COMMIT`` do what they say."""
    with session_block as session:
        for statement in statements:
            if statement == "FAIL":
                raise ZeroDivisionError
            if statement == "COMMIT":
                session.commit()
            else:
                session.execute(text(statement))


def insert_then_fail(block: AbstractContextManager[Connection]) -> None:
    with block as connection:
        connection.defer(INSERT, {"id": 1, "name": "x"})
        raise ZeroDivisionError


def begin_request() -> transaction.Transaction:
    transaction.begin()
    return begin_request_scope()


# Outside of requests.


def test_fetches_give_rows(client: PostgreSQLClient) -> None:
    insert(client, 1)
    with client.read() as connection:
        assert connection.fetch_one(FIND, {"id": 1}) == ("x",)
        assert connection.fetch_one(FIND, {"id": 2}) is None
        assert connection.fetch_all(NAMES, {}) == [(1, "x")]


def test_write_is_undone_by_an_exception(client: PostgreSQLClient) -> None:
    with pytest.raises(ZeroDivisionError):
        insert_then_fail(client.write())

    assert count(client) == 0


def test_autocommit_keeps_what_came_before_an_exception(client: PostgreSQLClient) -> None:
    with pytest.raises(ZeroDivisionError):
        insert_then_fail(client.autocommit())

    assert count(client) == 1


def test_violated_constraint_is_an_integrity_error(client: PostgreSQLClient) -> None:
    insert(client, 1)
    with pytest.raises(IntegrityError) as caught:
        insert(client, 1)

    assert caught.value.original is caught.value.__cause__
    insert(client, 2)


def test_deadlock_is_a_concurrent_write(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:
    client = make_client(table)
    insert(client, 1)
    insert(client, 2)
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def update(first: int, second: int) -> None:
        try:
            with client.write() as connection:
                connection.execute(UPDATE, {"id": first, "name": "y"})
                barrier.wait()
                connection.execute(UPDATE, {"id": second, "name": "y"})
        except BackendError as error:
            errors.append(error)

    threads = [threading.Thread(target=update, args=ids) for ids in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(error) for error in errors] == [ConcurrentWriteError]


def test_isolation_level_is_that_of_the_settings(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:
    client = make_client(table, isolation_level="serializable")
    with client.connect() as session:
        assert session.execute(text("SHOW transaction_isolation")).scalar() == "serializable"


# Sessions.


def test_session_commits_at_the_end(client: PostgreSQLClient) -> None:
    with client.connect() as session:
        result = session.execute(text("INSERT INTO items VALUES (:id, 'x')"), {"id": 1})
        assert result.rowcount == 1
        rows = session.execute(text("SELECT id, name FROM items")).fetchall()

    assert rows[0].name == "x"
    assert count(client) == 1


def test_session_that_only_reads_is_undone(client: PostgreSQLClient) -> None:
    with client.connect(readonly=True) as session:
        session.execute(text("INSERT INTO items VALUES (1, 'x')"))

    assert count(client) == 0


def test_session_may_commit_or_close_within_the_block(client: PostgreSQLClient) -> None:
    one, two = (f"INSERT INTO items VALUES ({number}, 'x')" for number in (1, 2))
    with pytest.raises(ZeroDivisionError):
        run(client.connect(), one, "COMMIT", two, "FAIL")
    with client.connect() as session:
        session.close()

    assert count(client) == 1


def test_failure_in_a_session_is_undone_then_raised(client: PostgreSQLClient) -> None:
    one = "INSERT INTO items VALUES (1, 'x')"
    with pytest.raises(IntegrityError):
        run(client.connect(), one, one)
    with pytest.raises(BackendError):
        run(client.connect(), "SELECT nothing")

    assert count(client) == 0


def test_factory_gives_sessions_that_connect_late(client: PostgreSQLClient) -> None:
    session = client.session_factory()

    assert session.get_bind() is client.engine
    session.execute(text("INSERT INTO items VALUES (1, 'x')"))
    assert count(client) == 0
    session.commit()
    session.close()
    assert count(client) == 1


@pytest.mark.parametrize("method", ["read", "write", "autocommit", "connect"])
def test_replaced_factory_fails_everything(client: PostgreSQLClient, method: str) -> None:
    def fail() -> Session:
        raise sqlalchemy.exc.SQLAlchemyError("broken")

    client.session_factory = fail
    with pytest.raises(BackendError, match="SQLAlchemyError: broken"), getattr(client, method)():
        pass


def test_many_values_of_a_session_follow_what_was_queued(client: PostgreSQLClient) -> None:
    with client.connect() as session:
        session.execute(
            text("INSERT INTO items VALUES (:id, 'x')"), [{"id": 1}, {"id": 2}, {"id": 3}]
        )
        session.rollback()
        session.execute(text("INSERT INTO items VALUES (:id, 'x')"), [{"id": 1}, {"id": 2}])

    assert count(client) == 2


# In a request.


def test_writes_of_a_request_are_committed_with_it(client: PostgreSQLClient) -> None:
    begin_request()
    insert(client, 1)
    with client.connect() as session:
        session.execute(text("INSERT INTO items VALUES (2, 'x')"))
        session.commit()
    with client.read() as connection:
        assert connection.fetch_one(COUNT, {}) == (2,)
    assert count(client) == 0

    transaction.commit()

    assert count(client) == 2
    assert current_request_transaction() is None


def test_writes_of_an_aborted_request_are_undone(client: PostgreSQLClient) -> None:
    begin_request()
    insert(client, 1)
    insert(client, 2, force_commit=True)
    with client.connect(force_commit=True) as session:
        session.execute(text("INSERT INTO items VALUES (3, 'x')"))
    transaction.abort()

    with client.read() as connection:
        assert connection.fetch_all(NAMES, {}) == [(2, "x"), (3, "x")]


def test_reads_of_a_request_that_writes_nothing_join_nothing(client: PostgreSQLClient) -> None:
    begin_request()
    with client.read() as connection:
        assert not connection.in_transaction
    with client.connect(readonly=True) as session:
        assert session.execute(text("SELECT 1")).scalar() == 1
    transaction.commit()


def test_transaction_that_is_no_request_is_not_joined(client: PostgreSQLClient) -> None:
    with transaction.manager:
        insert(client, 1)
        assert count(client) == 1


def test_client_without_transactions_commits_at_once(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:
    client = make_client(table, with_transaction=False)
    begin_request()
    insert(client, 1)
    transaction.abort()

    assert count(client) == 1


def test_savepoint_undoes_what_came_after(client: PostgreSQLClient) -> None:
    begin_request()
    insert(client, 1)
    savepoint = transaction.savepoint()
    with pytest.raises(IntegrityError):
        insert(client, 1)
    savepoint.rollback()
    insert(client, 2)
    savepoint.rollback()
    insert(client, 3)
    second = transaction.savepoint()
    with client.write() as connection:
        connection.defer(INSERT, {"id": 4, "name": "x"})
    second.rollback()
    transaction.commit()

    with client.read() as connection:
        assert connection.fetch_all(NAMES, {}) == [(1, "x"), (3, "x")]


def test_savepoint_before_the_first_write_undoes_everything(client: PostgreSQLClient) -> None:
    begin_request()
    savepoint = transaction.savepoint()
    insert(client, 1)
    savepoint.rollback()
    insert(client, 2)
    transaction.commit()

    with client.read() as connection:
        assert connection.fetch_all(NAMES, {}) == [(2, "x")]


def test_request_does_not_commit_what_a_failure_undid(client: PostgreSQLClient) -> None:
    begin_request()
    insert(client, 1)
    with pytest.raises(IntegrityError):
        insert(client, 1)
    with pytest.raises(BackendError, match="rolled back"):
        transaction.commit()
    transaction.abort()

    assert count(client) == 0


def test_request_does_not_commit_what_a_session_rolled_back(client: PostgreSQLClient) -> None:
    begin_request()
    with client.connect() as session:
        session.execute(text("INSERT INTO items VALUES (2, 'x')"))
        session.rollback()
    with pytest.raises(BackendError):
        transaction.commit()
    transaction.abort()

    assert count(client) == 0


def test_failure_in_a_session_of_a_request_is_raised(client: PostgreSQLClient) -> None:
    begin_request()
    with client.connect() as session:
        session.close()
    with pytest.raises(BackendError):
        run(client.connect(), "SELECT nothing")
    with pytest.raises(BackendError):
        transaction.commit()


def test_failed_request_is_not_joined_again(client: PostgreSQLClient) -> None:
    current = begin_request()
    current.status = "Commit failed"
    with pytest.raises(BackendError):
        insert(client, 1)
    current.status = transaction._transaction.Status.ACTIVE


def test_hooks_after_the_commit_write_on_their_own(client: PostgreSQLClient) -> None:
    request = begin_request()
    insert(client, 1)
    request.addAfterCommitHook(lambda _success: insert(client, 2))
    transaction.commit()

    assert count(client) == 2


def test_collisions_may_be_retried(client: PostgreSQLClient) -> None:
    request = begin_request()
    insert(client, 1)

    assert request.isRetryableError(ConcurrentWriteError())
    assert not request.isRetryableError(BackendError())


# Making clients.


def test_same_url_gives_the_same_client(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:
    client = make_client(table)
    config = testing.setUp(settings={"permission_url": table})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert create_from_config(config, "permission_") is client
        other = create_from_config(config, "permission_", with_transaction=False)

    assert other is not client
    assert [str(warning.message) for warning in caught] == [
        "Reuse existing PostgreSQL connection. Parameters permission_* will be ignored."
    ]


def test_public_path_is_the_same_module(monkeypatch: pytest.MonkeyPatch) -> None:
    public = pytest.importorskip("kinto.core.storage.postgresql.client")
    monkeypatch.setattr(public, "sqlalchemy", None)

    with pytest.raises(ImportWarning, match=r"kinto\[postgresql\]"):
        create_from_config(testing.setUp(settings={"url": "postgresql://"}))


def test_embedded_server_is_attached_to(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_url = mock.Mock(return_value="postgresql://kinto:p@/kinto?host=/run")
    monkeypatch.setattr(client_module, "resolve_url", resolve_url)
    settings = {"x_url": "embedded:./data", "here": "/etc/kinto", "embedded_user": "pg"}
    client = create_from_config(testing.setUp(settings=settings), "x_")

    assert client.engine.url.database == "kinto"
    resolve_url.assert_called_once_with(
        "embedded:./data", Path("/etc/kinto"), user="pg", timeout_seconds=60
    )
    client_module._CLIENTS.clear()


def test_unknown_settings_go_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    engine_from_config = mock.Mock()
    monkeypatch.setattr(sqlalchemy, "engine_from_config", engine_from_config)
    settings = {"x_url": "postgres://h/unknown", "x_hide_parameters": "no", "y_echo": "yes"}
    create_from_config(testing.setUp(settings=settings), "x_")

    (given,), keywords = engine_from_config.call_args
    assert keywords == {"prefix": "x_", "url": "postgresql+psycopg2://h/unknown"}
    assert given["x_hide_parameters"] is False
    assert given["x_pool_size"] == 25
    assert "y_echo" not in given
    client_module._CLIENTS.clear()


@pytest.mark.parametrize("poolclass", ["NullPool", "StaticPool", "SingletonThreadPool"])
def test_other_pools_work_with_threads(
    table: str, make_client: Callable[..., PostgreSQLClient], poolclass: str
) -> None:
    client = make_client(table, poolclass=f"sqlalchemy.pool.{poolclass}", pool_size="7")
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            begin_request()
            insert(client, number)
            savepoint = transaction.savepoint()
            insert(client, number + 100)
            savepoint.rollback()
            transaction.commit()
            with client.read() as connection:
                assert connection.fetch_one(FIND, {"id": number}) == ("x",)
            with client.connect() as session:
                session.execute(text("INSERT INTO items VALUES (:id, 'y')"), {"id": number + 50})
        except BaseException as error:  # noqa: BLE001  # shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert count(client) == 10


def test_static_pool_commits_with_the_request(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:
    client = make_client(table, poolclass="sqlalchemy.pool.StaticPool", pool_timeout=0.1)
    begin_request()
    insert(client, 1)
    insert(client, 2, force_commit=True)
    refused: list[BackendError] = []

    def work() -> None:
        try:
            insert(client, 3)
        except BackendError as error:
            refused.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    transaction.commit()

    assert len(refused) == 1
    assert count(client) == 2


def test_nothing_is_bound_to_the_session_behind_pgbouncer(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:
    client = make_client(table, poolclass="sqlalchemy.pool.NullPool")
    with client.read() as connection:
        connection.fetch_one(FIND, {"id": 1})
        driver: DriverConnection = connection.driver
        cursor = driver.cursor()
        cursor.execute("SELECT COUNT(*) FROM pg_prepared_statements")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout'")
        assert cursor.fetchone() == ("0",)


def test_first_connection_is_shown_to_hooks(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:
    client = make_client(table)
    seen: list[int] = []

    def fail(_connection: Any) -> None:
        raise BackendError(message="look")

    client.on_first_connect(fail)
    client.on_first_connect(lambda connection: seen.append(connection.fetch_one(COUNT, {})[0]))
    insert(client, 1)
    insert(client, 2)

    assert seen == [0]


def test_forked_process_makes_its_own_connections(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:

    client = make_client(table)
    insert(client, 1)
    pid = os.fork()
    if pid == 0:
        try:
            insert(client, 2)
            os._exit(0)
        except BaseException:  # noqa: BLE001  # the parent sees the status
            os._exit(1)
    _pid, status = os.waitpid(pid, 0)

    assert status == 0
    assert count(client) == 2
