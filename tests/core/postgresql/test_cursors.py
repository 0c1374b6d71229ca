"""Sessions of plugins, and what they may do with the connection below."""

from collections.abc import Callable
from typing import Any

import psycopg2.extras
import pytest
import sqlalchemy
from sqlalchemy import text

from kinto.core.postgresql.client import PostgreSQLClient


@pytest.fixture
def raw(client: PostgreSQLClient) -> Any:
    """A connection as psycopg2 has it."""
    connection = client.engine.raw_connection()
    yield connection.driver_connection
    connection.close()


@pytest.mark.parametrize(
    ("factory", "row"),
    [
        (None, (1, "x")),
        (psycopg2.extensions.cursor, (1, "x")),
        (psycopg2.extras.RealDictCursor, {"a": 1, "b": "x"}),
        (psycopg2.extras.NamedTupleCursor, (1, "x")),
    ],
)
def test_cursors_of_any_class_wait_for_their_result(raw: Any, factory: Any, row: Any) -> None:
    with raw.cursor(cursor_factory=factory) as cursor:
        cursor.execute("SELECT 1 AS a, %s AS b", ("x",))

        assert cursor.rowcount == 1
        assert cursor.fetchone() == row


def test_many_values_are_counted(client: PostgreSQLClient) -> None:
    with client.connect() as session:
        insert = text("INSERT INTO items VALUES (:id, 'x')")
        assert session.execute(insert, [{"id": number} for number in range(3)]).rowcount == 3
        update = text("UPDATE items SET name = 'y' WHERE id >= :id")
        assert session.execute(update, [{"id": 1}, {"id": 2}]).rowcount == 3


def test_values_of_many_rows_travel_in_one_statement(raw: Any) -> None:
    with raw.cursor() as cursor:
        rows = [(1, "x"), (2, "y")]
        psycopg2.extras.execute_values(cursor, "INSERT INTO items VALUES %s", rows)
        cursor.execute("SELECT count(*) FROM items")

        assert cursor.fetchone() == (2,)


def test_results_may_be_streamed(client: PostgreSQLClient) -> None:
    with client.connect() as session:
        numbers = text("SELECT generate_series(1, 2500)")
        result = session.execute(numbers, execution_options={"yield_per": 1000})

        assert sum(len(rows) for rows in result.partitions()) == 2500


def test_what_refuses_transactions_is_sent_without(client: PostgreSQLClient) -> None:
    engine = client.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE INDEX CONCURRENTLY items_name ON items (name)"))


@pytest.mark.parametrize("level", ["SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"])
def test_a_connection_may_have_a_level_of_its_own(client: PostgreSQLClient, level: str) -> None:
    show = text("SHOW transaction_isolation")
    with client.engine.connect().execution_options(isolation_level=level) as connection:
        assert connection.execute(show).scalar() == level.lower()

    with client.connect() as session:
        assert session.execute(show).scalar() == "read committed"


def test_the_level_of_the_settings_counts_again(
    table: str, make_client: Callable[..., PostgreSQLClient]
) -> None:
    client = make_client(table, isolation_level="SERIALIZABLE", pool_size=1)
    show = text("SHOW transaction_isolation")
    levels = []
    for options in ({}, {"isolation_level": "REPEATABLE READ"}, {}):
        with client.engine.connect().execution_options(**options) as connection:
            levels.append(connection.execute(show).scalar())

    assert levels == ["serializable", "repeatable read", "serializable"]


def test_an_error_of_the_server_leaves_the_connection_usable(client: PostgreSQLClient) -> None:
    with client.engine.connect() as connection:
        with pytest.raises(sqlalchemy.exc.DataError):
            connection.execute(text("SELECT 1 / 0"))
        connection.rollback()

        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_an_interrupted_wait_closes_the_connection(
    raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_connection: object) -> None:
        raise KeyboardInterrupt

    with raw.cursor() as cursor:
        monkeypatch.setattr("kinto.core.postgresql.cursors.wait_within_deadline", interrupt)
        with pytest.raises(KeyboardInterrupt):
            cursor.execute("SELECT 1")

    assert raw.closed
