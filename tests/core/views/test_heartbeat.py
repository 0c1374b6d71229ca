"""The heartbeat while a database or a cache is stopped, gone, full, or back again."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from tests.support.api import Client, memory_app, postgresql_app, simultaneously
from tests.support.postgresql import PostgreSQLServer, running_postgresql, started_again
from tests.support.processes import free_port, stalled
from tests.support.proxy import running_proxy
from tests.support.services import memcached_daemon, postgresql_settings, redis_daemon


ALL = {"storage", "permission", "cache"}
LIMIT_SECONDS = 0.4
LIMITS = {"heartbeat_timeout_seconds": str(LIMIT_SECONDS)}
for kind in sorted(ALL):
    LIMITS |= {
        f"{kind}_connect_timeout": "2",
        f"{kind}_statement_timeout": "1",
        f"{kind}_pool_timeout": "0.3",
        f"{kind}_pool_size": "8",
        f"{kind}_max_overflow": "0",
    }
# Beyond it: what a busy machine takes to answer; and what it may take where nothing is wrong.
SLACK_SECONDS = 2.0
PATIENCE_SECONDS = 20
MAX_RUNS = 2


def failing(client: Client) -> set[str]:
    """The checks that fail; the status says whether there are any."""
    start = time.monotonic()
    answer = client.get("/__heartbeat__")
    assert time.monotonic() - start < LIMIT_SECONDS + SLACK_SECONDS
    found = {name for name, healthy in answer.json.items() if healthy is False}
    assert answer.status == (503 if found else 200)
    assert "Retry-After" not in answer.headers
    assert set(answer.json) >= ALL
    return found


def assert_healthy(client: Client) -> None:
    """Nothing fails, now."""
    settings = client.app.registry.settings
    before = settings["heartbeat_timeout_seconds"]
    settings["heartbeat_timeout_seconds"] = PATIENCE_SECONDS
    answer = client.get("/__heartbeat__")
    settings["heartbeat_timeout_seconds"] = before
    assert (answer.status, set(answer.json.values())) == (200, {True}), answer.json


def wait_until_healthy(client: Client) -> None:
    """Nothing fails soon: a busy machine may need more than the first trial of a connection."""
    wait_until(lambda: client.get("/__heartbeat__").status == 200, seconds=5)
    assert_healthy(client)


def assert_alive(client: Client) -> None:
    """The load balancer's question is answered at once."""
    start = time.monotonic()
    answer = client.get("/__lbheartbeat__")
    assert (answer.status, answer.json) == (200, {})
    assert time.monotonic() - start < 0.5


def heartbeat_threads(before: set[threading.Thread] = frozenset()) -> set[threading.Thread]:
    alive = {thread for thread in threading.enumerate() if thread.name.startswith("heartbeat-")}
    return alive - before


def wait_until(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def open_connections(client: Client) -> int:
    registry = client.app.registry
    return sum(
        backend.client.engine.pool.checkedout() for backend in (registry.storage, registry.cache)
    )


@contextlib.contextmanager
def application(url: str, *, is_made: bool = False, **settings: str) -> Iterator[Client]:
    """An application on this database.

    :param is_made: its tables are there, and are left alone.
    """
    named = {**LIMITS, **settings}
    if is_made:
        app: Any = memory_app({**postgresql_settings(url), **named})
    else:
        app = postgresql_app(url, named)
    yield Client(app, user=None)
    for backend in (app.registry.storage, app.registry.cache):
        backend.client.engine.dispose()


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgreSQLServer]:
    """A PostgreSQL that tests may stop."""
    with running_postgresql() as server:
        yield server


@pytest.fixture
def client(new_database: Callable[[], str]) -> Iterator[Client]:
    with application(new_database()) as found:
        assert_healthy(found)
        yield found


class TestStoppedDatabase:
    def test_many_heartbeats_keep_few_threads_and_connections(
        self, own_server: PostgreSQLServer
    ) -> None:
        with application(own_server.create_database()) as client:
            assert_healthy(client)
            before = heartbeat_threads()
            assert own_server.daemon is not None
            with stalled(own_server.daemon):
                for _ in range(10):
                    answers = simultaneously([lambda: failing(client)] * 5)
                    assert answers == [ALL] * 5
                    assert len(heartbeat_threads(before)) <= len(ALL) * MAX_RUNS
                    assert open_connections(client) <= len(ALL) * MAX_RUNS
                    assert_alive(client)

            wait_until_healthy(client)
            wait_until(lambda: not heartbeat_threads(before))
            assert open_connections(client) == 0

    def test_checks_with_time_end_with_the_limits_of_the_database(
        self, own_server: PostgreSQLServer
    ) -> None:
        url = own_server.create_database()
        with application(url, heartbeat_timeout_seconds="30") as client:
            assert client.get("/__heartbeat__").status == 200
            assert own_server.daemon is not None
            with stalled(own_server.daemon):
                start = time.monotonic()
                assert client.get("/__heartbeat__").status == 503
                # A second, and one of grace for the server to say so itself.
                assert time.monotonic() - start < 6


def test_killed_database_fails_at_once_and_works_again_after_its_restart() -> None:
    durable = {"synchronous_commit": "on"}
    with (
        running_postgresql(durable) as server,
        application(server.create_database()) as client,
    ):
        assert_healthy(client)
        assert server.daemon is not None
        # An immediate end, as by a crash: it has to be recovered from.
        server.daemon.process.send_signal(signal.SIGQUIT)
        server.daemon.process.wait(20)

        for _ in range(3):
            assert failing(client) == ALL

        with started_again(server):
            assert_healthy(client)


def test_unreachable_host(new_database: Callable[[], str]) -> None:
    """Nobody answers there: neither yes nor no."""
    with running_proxy(new_database()) as proxy, application(proxy.url) as client:
        proxy.is_stopped = True
        proxy.cut_all()
        before = heartbeat_threads()
        for _ in range(5):
            assert failing(client) == ALL
            assert_alive(client)
            assert len(heartbeat_threads(before)) <= len(ALL) * MAX_RUNS

        proxy.is_stopped = False
        # Runs that began before fail with their connections; they are followed by others.
        wait_until_healthy(client)


def test_full_pool_fails_what_needs_it(client: Client) -> None:
    storage = client.app.registry.storage
    with contextlib.ExitStack() as taken:
        for _ in range(8):
            connection = taken.enter_context(contextlib.closing(storage.client.engine.connect()))
            assert connection is not None
        # The cache has a pool of its own.
        assert failing(client) == {"storage", "permission"}
    assert_healthy(client)


@pytest.fixture
def made_url(new_database: Callable[[], str]) -> str:
    """A database with its tables."""
    url = new_database()
    with application(url):
        return url


@pytest.fixture
def role(made_url: str) -> Iterator[str]:
    """A role that may read the tables of that database."""
    name = f"role_of_{urlsplit(made_url).path[1:]}"
    execute(
        made_url,
        f"CREATE ROLE {name} LOGIN PASSWORD 'pw'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
    )
    yield name
    execute(made_url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_no_more_connections(made_url: str, role: str) -> None:
    execute(
        made_url,
        f"ALTER ROLE {role} CONNECTION LIMIT 0",
        f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    )
    with application(as_role(made_url, role), is_made=True) as client:
        assert failing(client) == ALL
        assert_alive(client)

        execute(made_url, f"ALTER ROLE {role} CONNECTION LIMIT -1")
        assert_healthy(client)


def as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:pw@{parts.netloc.rpartition('@')[2]}"))


def execute(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("objects", "storage"),
        ("timestamps", "storage"),
        ("user_principals", "permission"),
        ("cache", "cache"),
    ],
)
def test_missing_table_fails_what_it_belongs_to(table: str, expected: str, client: Client) -> None:
    with client.app.registry.storage.client.connect(force_commit=True) as session:
        session.connection().exec_driver_sql(f"DROP TABLE {table} CASCADE")

    assert failing(client) == {expected}

    client.app.registry.storage.initialize_schema()
    client.app.registry.permission.initialize_schema()
    client.app.registry.cache.initialize_schema()
    assert_healthy(client)


def test_readonly_user_needs_rights_on_the_cache_alone(made_url: str, role: str) -> None:
    url = as_role(made_url, role)
    with application(url, is_made=True, readonly="true") as client:
        assert failing(client) == {"cache"}

        execute(made_url, f"GRANT INSERT, UPDATE, DELETE ON cache TO {role}")
        for _ in range(4):
            assert_healthy(client)


@pytest.mark.parametrize("kind", ["memcached", "redis"])
class TestCacheServer:
    def test_that_is_down(self, kind: str) -> None:
        client = self.application(kind, f"127.0.0.1:{free_port()}")
        for _ in range(3):
            assert failing(client) == {"cache"}

    def test_that_stalls_and_goes_on(self, kind: str) -> None:
        run = memcached_daemon if kind == "memcached" else redis_daemon
        with run() as (address, daemon):
            client = self.application(kind, address)
            assert_healthy(client)
            before = heartbeat_threads()
            with stalled(daemon):
                for _ in range(5):
                    assert failing(client) == {"cache"}
                    assert_alive(client)
                    assert len(heartbeat_threads(before)) <= MAX_RUNS
            # memcached is left alone for a second after each failure.
            wait_until(lambda: failing(client) == set(), seconds=5)

    def application(self, kind: str, address: str) -> Client:
        url = address if "//" in address else f"redis://{address}/0"
        where = {"cache_hosts": address} if kind == "memcached" else {"cache_url": url}
        settings = {
            "cache_backend": f"kinto.core.cache.{kind}",
            "cache_prefix": "heartbeat:",
            "heartbeat_timeout_seconds": str(LIMIT_SECONDS),
            **where,
        }
        named = {f"kinto.{name}": value for name, value in settings.items()}
        return Client(memory_app(named), user=None)


class TestChecksOfPlugins:
    def test_one_that_hangs_has_two_threads_at_most_and_heals(self) -> None:
        hanging = threading.Event()
        is_gone = threading.Event()
        is_gone.set()

        def check(request: object) -> bool:
            if is_gone.is_set():
                hanging.wait(60)
            return True

        client = self.application(hangs=check)
        before = heartbeat_threads()
        # One run waits for what is gone; the second one finds it back.
        assert failing(client) == {"hangs"}
        is_gone.clear()
        wait_until(lambda: failing(client) == set(), seconds=5)

        is_gone.set()
        for _ in range(6):
            assert failing(client) == {"hangs"}
        assert len(heartbeat_threads(before)) == MAX_RUNS
        hanging.set()
        assert_healthy(client)
        wait_until(lambda: not heartbeat_threads(before))

    def test_simultaneous_heartbeats_share_a_run(self) -> None:
        asked, released = threading.Event(), threading.Event()
        calls = []

        def check(request: object) -> bool:
            calls.append(request)
            asked.set()
            return released.wait(60)

        client = self.application(shared=check)
        client.app.registry.settings["heartbeat_timeout_seconds"] = 30
        first = threading.Thread(target=client.get, args=("/__heartbeat__",))
        first.start()
        asked.wait(10)
        threading.Timer(0.1, released.set).start()
        answers = simultaneously([lambda: client.get("/__heartbeat__")] * 5)
        first.join(10)

        assert {answer.status for answer in answers} == {200}
        assert len(calls) == 1

    def test_a_failure_from_before_the_question_is_looked_at_again(self) -> None:
        asked, released = threading.Event(), threading.Event()
        results = iter([False, True])

        def check(request: object) -> bool:
            asked.set()
            released.wait(60)
            return next(results)

        client = self.application(fails=check)
        client.app.registry.settings["heartbeat_timeout_seconds"] = 30
        first = threading.Thread(target=client.get, args=("/__heartbeat__",))
        first.start()
        asked.wait(10)
        threading.Timer(0.1, released.set).start()

        assert client.get("/__heartbeat__").status == 200
        first.join(10)

    def test_what_they_raise_is_logged_and_a_failure(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = self.application(breaks=lambda request: 1 / 0, unsure=lambda request: None)

        assert failing(client) == {"breaks"}
        assert client.get("/__heartbeat__").json["unsure"] is None
        assert "'breaks' heartbeat failed." in caplog.text

    def test_lateness_is_logged_by_name(self, caplog: pytest.LogCaptureFixture) -> None:
        released = threading.Event()
        client = self.application(late=lambda request: released.wait(60))

        assert failing(client) == {"late"}
        released.set()

        expected = f"'late' heartbeat has exceeded timeout of {LIMIT_SECONDS:g} seconds."
        assert expected in [record.getMessage() for record in caplog.records]

    def application(self, **checks: Callable[[Any], object]) -> Client:
        client = Client(memory_app(LIMITS), user=None)
        client.app.registry.heartbeats.update(checks)
        return client
