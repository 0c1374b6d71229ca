"""Fixtures for every test: real services, empty databases, applications, servers."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import webtest

from kinto import main
from kinto.core.postgresql import client as client_module
from tests.support.postgresql import (
    PostgreSQLServer,
    find_binaries,
    given_server,
    running_postgresql,
)
from tests.support.processes import unavailable
from tests.support.services import (
    MEMORY_SETTINGS,
    postgresql_settings,
    running_kinto,
    running_memcached,
    running_redis,
)


_stack = pytest.StashKey[contextlib.ExitStack]()
_server = pytest.StashKey[PostgreSQLServer]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep what the session starts in one place, to end it there."""
    config.stash[_stack] = contextlib.ExitStack()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _stack in config.stash:
        config.stash[_stack].close()


class SharedPostgreSQL:
    """With several workers: one server, started by their controller, its URL handed down."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["postgresql_url"] = _session_server(node.config).url


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Listen to xdist only where it is, since an unknown hook is an error."""
    if manager.hasplugin("dsession") and not manager.hasplugin("kinto-shared-postgresql"):
        manager.register(SharedPostgreSQL(), "kinto-shared-postgresql")


def _session_server(config: pytest.Config) -> PostgreSQLServer:
    """The server of this session, started by the first who asks."""
    if _server not in config.stash:
        workerinput: Mapping[str, str] = getattr(config, "workerinput", {})
        if url := workerinput.get("postgresql_url"):
            server = PostgreSQLServer(url)
        else:
            server = given_server() or config.stash[_stack].enter_context(running_postgresql())
        config.stash[_server] = server
        config.stash[_stack].callback(server.drop_databases)
    return config.stash[_server]


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest) -> PostgreSQLServer:
    """The server of the whole session: `KINTO_TEST_POSTGRESQL_URL`, or one of our own."""
    return _session_server(request.config)


@pytest.fixture(scope="session")
def system_postgresql_server() -> Iterator[PostgreSQLServer]:
    """A server of the version that the system has: that of Debian 12 is 15."""
    binaries = find_binaries(prefer_system=True)
    if binaries == find_binaries():
        unavailable("A second PostgreSQL", hint="install the package postgresql")
    with running_postgresql(binaries=binaries) as server:
        yield server


@pytest.fixture(scope="session")
def new_database(postgresql_server: PostgreSQLServer) -> Callable[[], str]:
    """Makes an empty database at each call and returns its URL."""
    return postgresql_server.create_database


@pytest.fixture(scope="module")
def postgresql_url(new_database: Callable[[], str]) -> str:
    """URL of a database that this module alone uses, empty at its start."""
    return new_database()


@pytest.fixture(scope="module", autouse=True)
def _no_connections_of_former_modules() -> Iterator[None]:
    """All workers share the connections that one server lets them have."""
    yield
    for client in list(client_module._CLIENTS.values()):
        client.engine.dispose()


@pytest.fixture(scope="session")
def memcached_server() -> Iterator[str]:
    """``host:port`` of a memcached shared by the session: keys need a prefix of one's own."""
    with running_memcached() as hosts:
        yield hosts


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """URL of a Redis shared by the session: keys need a prefix of one's own."""
    with running_redis() as url:
        yield url


@pytest.fixture(scope="module")
def kinto_server() -> Iterator[Callable[..., str]]:
    """Starts a server process with the given settings, returns its base URL, ends it."""
    with contextlib.ExitStack() as stack:

        def start(settings: Mapping[str, object] | None = None, **environment: str) -> str:
            merged = {**MEMORY_SETTINGS, **(settings or {})}
            url, _daemon = stack.enter_context(running_kinto(merged, environment=environment))
            return url

        yield start


@pytest.fixture(scope="module")
def postgresql_kinto(kinto_server: Callable[..., str], new_database: Callable[[], str]) -> str:
    """Base URL of a server with everything in a PostgreSQL database of its own."""
    return kinto_server(postgresql_settings(new_database()))


@pytest.fixture(scope="session")
def make_app() -> Callable[..., webtest.TestApp]:
    """Builds the application in this process: `make_app({"readonly": True})` is a `TestApp`."""

    def make(settings: Mapping[str, object] | None = None) -> webtest.TestApp:
        app = main({}, **{**MEMORY_SETTINGS, **(settings or {})})
        test_app = webtest.TestApp(app)
        test_app.registry = app.registry
        return test_app

    return make
