"""Applications whose backends are the real ones, shared by a module."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.api import Client, memory_app, postgresql_app
from tests.support.proxy import Proxy, running_proxy


POOL = {"storage_pool_size": "20", "storage_pool_timeout": "20", "storage_lock_timeout": "20"}


@pytest.fixture(scope="module")
def app(new_database: Callable[[], str]) -> Any:
    """On PostgreSQL, with enough connections for all threads of a test."""
    return postgresql_app(new_database(), POOL)


@pytest.fixture
def client(app: Any) -> Client:
    """The owner of what a test makes, on PostgreSQL."""
    return Client(app)


@pytest.fixture(scope="module", params=["memory", "postgresql"])
def any_client(request: pytest.FixtureRequest) -> Client:
    """The owner of what a test makes, on each kind of backends."""
    if request.param == "memory":
        return Client(memory_app())
    return Client(request.getfixturevalue("app"))


@pytest.fixture
def proxy(new_database: Callable[[], str]) -> Iterator[Proxy]:
    """The way to a database of its own, for tests that break it or listen."""
    with running_proxy(new_database()) as running:
        yield running


@pytest.fixture
def proxied(proxy: Proxy) -> Iterator[Client]:
    """The owner of what a test makes, on PostgreSQL behind the proxy."""
    app = postgresql_app(proxy.url, {**POOL, **_SHORT})
    yield Client(app)
    app.registry.storage.client.engine.dispose()


_SHORT = {
    "storage_pool_timeout": "1",
    "storage_connect_timeout": "1",
    "storage_statement_timeout": "1",
    "heartbeat_timeout_seconds": "1",
}
