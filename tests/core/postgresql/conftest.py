"""Fixtures of the tests of what the PostgreSQL backends share."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
import transaction
from pyramid import testing

from kinto.core.postgresql import client as client_module
from kinto.core.postgresql.client import PostgreSQLClient, create_from_config
from kinto.core.storage.transactions import end_request_scope
from tests.support.proxy import Proxy, running_proxy


@pytest.fixture(autouse=True)
def _no_transaction_left() -> Iterator[None]:
    yield
    transaction.abort()
    end_request_scope()


@pytest.fixture
def make_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., PostgreSQLClient]]:
    """Makes clients that nobody else uses."""
    clients: list[PostgreSQLClient] = []
    monkeypatch.setattr(client_module, "_CLIENTS", {})

    def make(url: str, *, with_transaction: bool = True, **settings: Any) -> PostgreSQLClient:
        client_module._CLIENTS.clear()
        prefixed = {f"storage_{name}": value for name, value in settings.items()}
        config = testing.setUp(settings={"storage_url": url, **prefixed})
        client = create_from_config(config, "storage_", with_transaction=with_transaction)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.engine.dispose()


@pytest.fixture
def table(postgresql_url: str) -> str:
    """URL of a database with an empty table ``items``."""
    connection = psycopg2.connect(postgresql_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS items")
        cursor.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")
    connection.close()
    return postgresql_url


@pytest.fixture
def client(table: str, make_client: Callable[..., PostgreSQLClient]) -> PostgreSQLClient:
    return make_client(table)


@pytest.fixture
def proxy(table: str) -> Iterator[Proxy]:
    with running_proxy(table) as running:
        yield running
