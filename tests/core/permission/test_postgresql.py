"""The permission backend in PostgreSQL keeps the contract, and scales."""

import time
import unittest
from collections.abc import Iterator
from typing import Any
from unittest import mock

import psycopg2
import pytest
import sqlalchemy.exc
import transaction
from pyramid import testing

from kinto.core.permission import postgresql
from kinto.core.permission.testing import PermissionTest
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.transactions import begin_request_scope
from kinto.core.types import Configurator
from tests.support.proxy import running_proxy


@pytest.fixture(scope="class")
def permission_settings(request: pytest.FixtureRequest, postgresql_url: str) -> None:
    request.cls.settings = {"permission_url": postgresql_url}


@pytest.mark.usefixtures("permission_settings")
class PostgreSQLPermissionTest(PermissionTest, unittest.TestCase):
    backend = postgresql

    def setUp(self) -> None:
        super().setUp()
        self.client_error_patcher = [
            mock.patch.object(
                self.permission.client,
                "session_factory",
                side_effect=sqlalchemy.exc.SQLAlchemyError,
            )
        ]


@pytest.mark.usefixtures("permission_settings")
class PgBouncerPermissionTest(PostgreSQLPermissionTest):
    """As behind PgBouncer: nothing is prepared, no connection is kept."""

    def _get_config(self, settings: dict[str, Any] | None = None) -> Configurator:
        settings = self.settings if settings is None else settings
        url = f"{settings['permission_url']}?application_name=pgbouncer"
        poolclass = "sqlalchemy.pool.NullPool"
        return super()._get_config(
            {**settings, "permission_url": url, "permission_poolclass": poolclass}
        )


@pytest.fixture
def permission(postgresql_url: str) -> Iterator[postgresql.Permission]:
    config = testing.setUp(settings={"permission_url": postgresql_url})
    permission = postgresql.load_from_config(config)
    permission.initialize_schema()
    yield permission
    permission.flush()


def test_write_after_a_restart_of_the_server_is_made(postgresql_url: str) -> None:
    with running_proxy(postgresql_url) as proxy:
        config = testing.setUp(settings={"permission_url": proxy.url})
        permission = postgresql.load_from_config(config)
        permission.initialize_schema()
        proxy.cut_all()
        time.sleep(0.05)

        permission.add_user_principal("user", "principal")

        assert permission.get_user_principals("user") == {"principal"}
        permission.flush()


def plan(url: str, statement: Statement, values: str) -> str:
    """How the server runs a prepared statement when it keeps one plan for all values."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(statement.prepare_sql)
        cursor.execute(f'EXPLAIN EXECUTE "{statement.name}"({values})')
        text = "\n".join(row[0] for row in cursor.fetchall())
    connection.close()
    return text


@pytest.mark.usefixtures("permission")
@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (postgresql.queries.GET_USER_PRINCIPALS, "'u'", "user_principals_pkey"),
        (postgresql.queries.REMOVE_PRINCIPAL, "'p'", "idx_user_principals_principal"),
        (postgresql.queries.REMOVE_PRINCIPALS_FROM, "'p', 'q'", "idx_user_principals_principal"),
        (postgresql.queries.GET_PRINCIPALS, "'o', 'read'", "access_control_entries_pkey"),
        (
            postgresql.queries.GET_AUTHORIZED_PRINCIPALS,
            "'{o}', '{read}'",
            "access_control_entries_pkey",
        ),
        (
            postgresql.queries.GET_OBJECTS_PERMISSIONS,
            "'{o}', null",
            "access_control_entries_pkey",
        ),
        (
            postgresql.queries.REPLACE_PERMISSIONS,
            "'o', '{read}', '{read}', '{p}'",
            "access_control_entries_pkey",
        ),
        (postgresql.queries.DELETE_OBJECTS, "'{o}'", "access_control_entries_pkey"),
    ],
    ids=lambda value: value.name if isinstance(value, Statement) else "",
)
def test_hot_statement_uses_an_index_without_statistics(
    postgresql_url: str, statement: Statement, values: str, index: str
) -> None:
    text = plan(postgresql_url, statement, values)

    assert index in text
    assert "Seq Scan on access_control_entries" not in text
    assert "Seq Scan on user_principals" not in text


def test_remove_principals_below_takes_the_prefix_literally(
    permission: postgresql.Permission,
) -> None:
    kept = {"/buckets/a_/groups", "/buckets/ab/groups/g", "/buckets/a_/groupz", "/"}
    for principal in kept | {"/buckets/a_/groups/", "/buckets/a_/groups/é"}:
        permission.add_user_principal("alice", principal)

    permission.remove_principals_below("/buckets/a_/groups/")

    assert permission.get_user_principals("alice") == kept


def test_writes_of_a_request_wait_for_the_next_read(permission: postgresql.Permission) -> None:
    with transaction.manager:
        begin_request_scope()
        permission.add_user_principal("alice", "g")
        permission.replace_object_permissions("/o", {"read": ["g"], "write": []})
        permission.delete_object_permissions("/other")
        with permission.client.write() as connection:
            before = connection.driver.flushes
            assert permission.get_user_principals("alice") == {"g"}
            assert connection.driver.flushes == before + 1

    assert permission.get_object_permissions("/o") == {"read": {"g"}}


def test_writes_of_an_aborted_request_are_undone(permission: postgresql.Permission) -> None:
    transaction.begin()
    begin_request_scope()
    permission.add_user_principal("alice", "g")
    assert permission.get_user_principals("alice") == {"g"}
    transaction.abort()

    assert permission.get_user_principals("alice") == set()


def test_accessible_objects_of_a_prefix_are_found_by_range(
    permission: postgresql.Permission,
) -> None:
    for object_id in ("/b/a/c/1", "/b/a/c/1/x", "/b/a_/c/1", "/b/a"):
        permission.add_principal_to_ace(object_id, "read", "alice")

    found = permission.get_accessible_objects(["alice"], [("/b/a/*", "read")])
    direct = permission.get_accessible_objects(
        ["alice"], [("/b/a/c/*", "read")], with_children=False
    )

    assert set(found) == {"/b/a/c/1", "/b/a/c/1/x"}
    assert set(direct) == {"/b/a/c/1"}
