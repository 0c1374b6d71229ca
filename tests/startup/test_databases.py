"""Databases that are too old, whose tables are, or that allow too little."""

import logging
import subprocess
import sys
from collections.abc import Callable

import psycopg2
import pytest
import webtest

from kinto import main
from kinto.__main__ import main as command_line
from kinto.cli.migrate import initialize_schemas
from kinto.core.postgresql import client as client_module
from kinto.core.postgresql import driver
from kinto.core.storage.postgresql import Storage
from tests.support.processes import free_port
from tests.support.services import postgresql_settings, write_ini


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

OUTDATED = 'schema version {found} found, {expected} expected. Run "kinto migrate".'


def make_app(url: str, **settings: object) -> webtest.TestApp:
    named = {f"kinto.{name}": str(value) for name, value in settings.items()}
    app = main({}, **{**postgresql_settings(url), **named})
    test_app = webtest.TestApp(app)
    test_app.registry = app.registry
    return test_app


def heartbeat(app: webtest.TestApp) -> tuple[int, dict[str, bool]]:
    answer = app.get("/v1/__heartbeat__", expect_errors=True)
    return answer.status_code, answer.json


def execute(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def migrated_url(url: str) -> str:
    initialize_schemas(make_app(url).registry)
    # As in a process that connects for the first time.
    client_module._CLIENTS.clear()
    return url


def test_several_processes_may_migrate_at_once(url, tmp_path) -> None:
    ini = write_ini(tmp_path / "kinto.ini", postgresql_settings(url))

    started = [
        subprocess.Popen(
            [sys.executable, "-m", "kinto", "migrate", "--ini", ini],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    done = [(process.communicate(timeout=120)[1], process.returncode) for process in started]

    assert [code for _, code in done] == [0] * 4, done
    shown = "".join(output for output, _ in done)
    assert shown.count("Created PostgreSQL cache tables") == 1
    assert shown.count("Created PostgreSQL storage schema") == 1


@pytest.mark.guide("server version")
class TestOldServer:
    @pytest.fixture(autouse=True)
    def newer_versions_are_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(driver, "OLDEST_SERVER_VERSION", 990000)

    @pytest.mark.parametrize("command", ["migrate", "start", "flush-cache"])
    def test_commands_refuse_it_in_one_line(self, command, url, tmp_path, capsys) -> None:
        ini = write_ini(tmp_path / "kinto.ini", postgresql_settings(url))

        assert command_line([command, "--ini", str(ini), "-q"]) == 1
        assert capsys.readouterr().err == ""
        assert command_line([command, "--ini", str(ini)]) == 1
        errors = [
            line
            for line in capsys.readouterr().err.splitlines()
            if not line.startswith(("INFO", "WARNI"))
        ]
        assert len(errors) == 1
        assert errors[0].startswith("ERROR  PostgreSQL 12 or newer required (postgresql://")

    def test_heartbeat_fails(self, url) -> None:
        assert heartbeat(make_app(url)) == (
            503,
            {"storage": False, "permission": False, "cache": False},
        )


class TestOutdatedTables:
    def test_none_at_all(self, url, caplog) -> None:
        app = make_app(url)

        assert heartbeat(app) == (503, {"storage": False, "permission": False, "cache": False})

        errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
        assert "Storage " + OUTDATED.format(found=None, expected=Storage.schema_version) in errors

    @pytest.mark.parametrize("kind", ["storage", "permission"])
    def test_older_ones(self, kind, migrated_url, caplog) -> None:
        app = make_app(migrated_url)
        expected = getattr(app.registry, kind).schema_version
        name = f"{kind}_schema_version"
        execute(migrated_url, f"UPDATE metadata SET value = '1' WHERE name = '{name}'")

        # Already the first one: the tables are looked at by the connection that it makes.
        for _ in range(2):
            status, answer = heartbeat(app)
            assert status == 503
            assert answer == {"storage": True, "permission": True, "cache": True, kind: False}

        message = kind.capitalize() + " " + OUTDATED.format(found=1, expected=expected)
        assert caplog.messages.count(message) == 1
        execute(migrated_url, f"UPDATE metadata SET value = '{expected}' WHERE name = '{name}'")
        assert heartbeat(app)[0] == 200

    def test_start_tells_at_once(self, migrated_url, tmp_path, capsys, monkeypatch) -> None:
        sql = "UPDATE metadata SET value = '26' WHERE name = 'storage_schema_version'"
        execute(migrated_url, sql)
        ini = write_ini(tmp_path / "kinto.ini", postgresql_settings(migrated_url))
        monkeypatch.setattr("kinto.cli.start.run_server", lambda serve, address: None)

        assert command_line(["start", "--ini", str(ini), "--port", str(free_port())]) == 0

        assert (
            "Storage " + OUTDATED.format(found=26, expected=Storage.schema_version)
            in capsys.readouterr().err
        )


def test_start_waits_for_a_server_that_is_out_of_reach(tmp_path, capsys, monkeypatch) -> None:
    url = f"postgresql://user:hunter2@127.0.0.1:{free_port()}/nowhere"
    ini = write_ini(tmp_path / "kinto.ini", postgresql_settings(url))
    monkeypatch.setattr("kinto.cli.start.run_server", lambda serve, address: None)

    assert command_line(["start", "--ini", str(ini)]) == 0

    shown = capsys.readouterr().err
    assert "The storage backend does not work yet" in shown
    assert "hunter2" not in shown


class TestReadOnlyRole:
    """Rows 4 to 6 of the production checklist, section 3.1 of the operations guide."""

    @pytest.fixture
    def role_url(self, migrated_url: str) -> str:
        name = psycopg2.extensions.parse_dsn(migrated_url)["dbname"]
        role = f"reader_{name}"
        execute(
            migrated_url,
            f"CREATE ROLE {role} LOGIN PASSWORD 'p'",
            f"GRANT USAGE ON SCHEMA public TO {role}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        )
        yield _with_user(migrated_url, role)
        execute(migrated_url, f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")

    def test_heartbeat_writes(self, role_url) -> None:
        assert heartbeat(make_app(role_url)) == (
            503,
            {"storage": False, "permission": False, "cache": False},
        )

    @pytest.mark.guide("read-only user without the cache", "grants on the cache")
    def test_heartbeat_of_a_readonly_service_writes_to_the_cache_only(
        self, role_url, migrated_url
    ) -> None:
        app = make_app(role_url, readonly="true")

        status, answer = heartbeat(app)

        assert (status, answer) == (503, {"storage": True, "permission": True, "cache": False})
        role = psycopg2.extensions.parse_dsn(role_url)["user"]
        execute(migrated_url, f"GRANT UPDATE, INSERT, DELETE ON cache TO {role}")
        for _ in range(20):
            assert heartbeat(app) == (200, {"storage": True, "permission": True, "cache": True})

    @pytest.mark.guide("read-only user")
    def test_reads_work(self, role_url) -> None:
        app = make_app(role_url, readonly="true", bucket_read_principals="system.Everyone")

        assert app.get("/v1/").status_code == 200
        assert app.get("/v1/buckets").json == {"data": []}


def _with_user(url: str, role: str) -> str:
    parts = psycopg2.extensions.parse_dsn(url)
    return f"postgresql://{role}:p@{parts['host']}:{parts['port']}/{parts['dbname']}"


def test_heartbeat_leaves_nothing_behind(migrated_url) -> None:
    app = make_app(migrated_url)

    assert heartbeat(app)[0] == 200

    connection = psycopg2.connect(migrated_url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM objects")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM user_principals")
        assert cursor.fetchone() == (0,)
        # It was written: the list of the check has a timestamp.
        cursor.execute("SELECT count(*) FROM timestamps WHERE resource_name = '__heartbeat__'")
        assert cursor.fetchone() == (1,)
    connection.close()
