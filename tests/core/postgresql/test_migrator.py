"""Creation and migration of schemas."""

import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import psycopg2
import pytest
import sqlalchemy
from sqlalchemy import text

from kinto.core.permission.postgresql import Permission
from kinto.core.postgresql import checks, migrator
from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.migrator import MigratorMixin, PostgreSQLPluginMigration
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.exceptions import BackendError, UnsuitableDatabaseError


MakeClient = Callable[..., PostgreSQLClient]

FIND_VERSION = Statement(
    "version", "SELECT MAX(value::int) FROM metadata WHERE name = 'things_schema_version'"
)
HAS_METADATA = Statement("has_metadata", "SELECT to_regclass('metadata') IS NOT NULL")


class Things(MigratorMixin):
    name = "things"
    schema_version = 3

    def __init__(self, client: PostgreSQLClient, folder: Path) -> None:
        self.client = client
        self.schema_file = str(folder / "schema.sql")
        self.migrations_directory = str(folder)

    def find_installed_version(self, connection: Connection) -> int | None:
        if connection.fetch_one(HAS_METADATA, {}) != (True,):
            return None
        row = connection.fetch_one(FIND_VERSION, {})
        return row[0] if row else None


def set_version(number: int) -> str:
    return f"INSERT INTO metadata VALUES ('things_schema_version', '{number}');\n"


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """URL of an empty database."""
    return new_database()


@pytest.fixture
def things(url: str, make_client: MakeClient, tmp_path: Path) -> Things:
    (tmp_path / "schema.sql").write_text(
        "CREATE TABLE things (id INT); CREATE TABLE metadata (name TEXT, value TEXT);"
        + set_version(3)
    )
    (tmp_path / "migration_001_002.sql").write_text(
        "SELECT pg_sleep(0.2); ALTER TABLE things ADD COLUMN first TEXT;" + set_version(2)
    )
    (tmp_path / "migration_002_003.sql").write_text(
        f"{migrator.OUTSIDE_OF_TRANSACTION}\n-- A comment; with a semicolon.\n"
        "SELECT pg_sleep(0.2);\n"
        f"CREATE INDEX CONCURRENTLY idx_things\n    ON things (first);\n{set_version(3)}"
    )
    return Things(make_client(url, statement_timeout=0.1), tmp_path)


def make_version_one(things: Things) -> None:
    with things.client.connect() as session:
        session.execute(text("CREATE TABLE things (id INT)"))
        session.execute(text("CREATE TABLE metadata (name TEXT, value TEXT)"))
        session.execute(text(set_version(1)))


def messages(log: mock.Mock) -> list[str]:
    return [call.args[0] for call in log.info.call_args_list]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    log = mock.Mock()
    monkeypatch.setattr(migrator, "logger", log)
    monkeypatch.setattr(checks, "logger", log)
    return log


def test_empty_database_gets_the_newest_version(things: Things, log: mock.Mock) -> None:
    things.create_or_migrate_schema()
    things.create_or_migrate_schema()

    assert things.get_installed_version() == 3
    assert messages(log) == [
        f"Create PostgreSQL things schema at version 3 from {things.schema_file}.",
        "Created PostgreSQL things schema (version 3).",
        "Detected PostgreSQL things schema version 3.",
        "PostgreSQL things schema is up-to-date.",
    ]
    assert not log.warning.called


@pytest.mark.parametrize("poolclass", ["QueuePool", "NullPool", "StaticPool"])
def test_older_version_is_migrated_step_by_step_without_time_limits(
    things: Things, log: mock.Mock, url: str, make_client: MakeClient, poolclass: str
) -> None:
    things.client = make_client(
        url, statement_timeout=0.1, poolclass=f"sqlalchemy.pool.{poolclass}"
    )
    make_version_one(things)
    if poolclass == "StaticPool":
        # Its one connection holds the lock of migrations in a transaction.
        Path(things.migrations_directory or "", "migration_002_003.sql").write_text(set_version(3))
    things.create_or_migrate_schema()

    folder = things.migrations_directory
    assert things.get_installed_version() == 3
    assert messages(log) == [
        "Detected PostgreSQL things schema version 1.",
        "Migrate PostgreSQL things schema from version 1 to 2.",
        f"Execute PostgreSQL things migration from {folder}/migration_001_002.sql",
        "Migrate PostgreSQL things schema from version 2 to 3.",
        f"Execute PostgreSQL things migration from {folder}/migration_002_003.sql",
        "PostgreSQL things schema migration done",
    ]
    with things.client.connect() as session:
        expected = "0" if poolclass == "NullPool" else "50ms"
        session.rollback()
        reset = "SELECT reset_val || unit FROM pg_settings WHERE name = 'statement_timeout'"
        assert session.execute(text(reset)).scalar() == expected.removesuffix("ms") + "ms"


def test_dry_run_says_the_same_and_does_nothing(things: Things, log: mock.Mock) -> None:
    things.create_or_migrate_schema(dry_run=True)
    assert things.get_installed_version() is None
    make_version_one(things)
    log.info.reset_mock()
    things.create_or_migrate_schema(dry_run=True)

    assert things.get_installed_version() == 1
    assert len(messages(log)) == 6
    assert messages(log)[-1] == "PostgreSQL things schema migration simulated"


def test_two_migrations_at_once_are_made_one_after_the_other(
    things: Things, url: str, make_client: MakeClient, tmp_path: Path
) -> None:
    make_version_one(things)
    other = Things(make_client(url), tmp_path)
    errors: list[BaseException] = []

    def migrate(migrator: Things) -> None:
        try:
            migrator.create_or_migrate_schema()
        except BaseException as error:  # noqa: BLE001  # shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=migrate, args=(each,)) for each in (things, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    with things.client.connect() as session:
        rows = session.execute(text("SELECT value FROM metadata ORDER BY 1")).scalars().all()
    assert rows == ["1", "2", "3"]


def test_failed_step_leaves_the_version_before_it(things: Things) -> None:
    make_version_one(things)
    path = Path(things.migrations_directory or "", "migration_001_002.sql")
    path.write_text(f"{set_version(2)} SELECT nothing;")
    with pytest.raises(BackendError):
        things.create_or_migrate_schema()

    assert things.get_installed_version() == 1


def test_unexpected_version_is_refused(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    make_version_one(things)
    monkeypatch.setattr(things, "_execute_sql_file", mock.Mock())
    with pytest.raises(
        AssertionError,
        match=r"PostgreSQL things schema: Expected version 2\. Found version 1\.",
    ):
        things.create_or_migrate_schema()
    monkeypatch.setattr(Things, "schema_version", 0)
    with pytest.raises(AssertionError, match=r"Expected version 0\. Found version 1\."):
        things.create_or_migrate_schema()


def test_outdated_schema_is_reported_when_connecting(things: Things, log: mock.Mock) -> None:
    make_version_one(things)
    things.client.engine.dispose()
    things.client.on_first_connect(things.report_outdated_schema)
    assert things.get_installed_version() == 1
    assert things.get_installed_version() == 1

    log.error.assert_called_once_with(
        'Things schema version 1 found, 3 expected. Run "kinto migrate".'
    )
    assert things.is_schema_outdated()
    things.create_or_migrate_schema()
    assert not things.is_schema_outdated()


@pytest.mark.guide("privileges of the owner")
def test_missing_privilege_is_explained(things: Things, url: str, make_client: MakeClient) -> None:
    name = sqlalchemy.make_url(url).database
    with things.client.connect() as session:
        session.execute(text("CREATE ROLE \"my-user\" LOGIN PASSWORD 'p'"))
        session.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
        session.execute(text(f'GRANT ALL PRIVILEGES ON DATABASE {name} TO "my-user"'))
    owner = things.client
    user = sqlalchemy.make_url(url).set(username="my-user", password="p")
    things.client = make_client(user.render_as_string(hide_password=False))
    try:
        with pytest.raises(UnsuitableDatabaseError) as caught:
            things.create_or_migrate_schema()
        assert str(caught.value) == (
            f'Role "my-user" cannot create tables in schema "public" of database "{name}".'
            ' Run as a superuser: GRANT CREATE ON SCHEMA public TO "my-user";'
        )
        with owner.connect() as session:
            session.execute(text('GRANT CREATE ON SCHEMA public TO "my-user"'))
        things.create_or_migrate_schema()
        assert things.get_installed_version() == 3
    finally:
        things.client.engine.dispose()
        with owner.connect() as session:
            session.execute(text('DROP OWNED BY "my-user"; DROP ROLE "my-user"'))


def test_other_encoding_is_refused(
    postgresql_server: object, url: str, things: Things, make_client: MakeClient
) -> None:
    name = f"{sqlalchemy.make_url(url).database}_latin"
    postgresql_server.execute(  # type: ignore[attr-defined]
        f"CREATE DATABASE {name} ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    latin = sqlalchemy.make_url(url).set(database=name).render_as_string(hide_password=False)
    things.client = make_client(latin)
    try:
        with pytest.raises(UnsuitableDatabaseError, match="Unexpected database encoding LATIN1"):
            things.create_or_migrate_schema(dry_run=True)
    finally:
        things.client.engine.dispose()
        postgresql_server.execute(f"DROP DATABASE {name}")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("timezone", "warns"), [("Etc/UTC", False), ("Europe/London", True), ("Asia/Tokyo", True)]
)
def test_other_time_zone_is_warned_of(
    things: Things, url: str, log: mock.Mock, timezone: str, warns: bool
) -> None:
    name = sqlalchemy.make_url(url).database
    with things.client.connect() as session:
        session.execute(text(f"ALTER DATABASE {name} SET timezone TO '{timezone}'"))
    things.client.engine.dispose()
    things.create_or_migrate_schema()

    expected = [mock.call(f"Database timezone is not UTC ({timezone})")] if warns else []
    assert log.warning.call_args_list == expected


# Plugins.


class PluginMigration(PostgreSQLPluginMigration):
    name = "myplugin"
    schema_version = 3

    def __init__(self) -> None:
        self.calls: list[tuple[int, bool]] = []

    def migrate_schema(self, start_version: int, dry_run: bool = False) -> None:
        self.calls.append((start_version, dry_run))


def test_plugin_without_a_version_is_at_the_first(things: Things) -> None:
    things.create_or_migrate_schema()
    plugin = PluginMigration()
    plugin.initialize_schema(things.client, dry_run=True)
    with things.client.connect() as session:
        session.execute(text("INSERT INTO metadata VALUES ('myplugin_schema_version', '2')"))
    plugin.initialize_schema(things.client)

    assert plugin.calls == [(1, True), (2, False)]


def test_plugin_reads_its_version_by_one_statement_of_a_session() -> None:
    client = mock.MagicMock()
    session = client.connect.return_value.__enter__.return_value
    session.execute.return_value.fetchone.return_value = mock.Mock(version=3)
    plugin = PluginMigration()
    plugin.initialize_schema(client)

    assert session.execute.call_count == 1
    assert plugin.client is client
    assert plugin.calls == []


# Permissions.


@pytest.mark.parametrize("damage", [
    "DROP TABLE user_principals",
    "DROP TABLE access_control_entries",
    "DELETE FROM metadata",
    "DROP TABLE metadata",
    "DROP TABLE metadata, user_principals, access_control_entries",
])  # fmt: skip
def test_permission_tables_are_repaired(url: str, make_client: MakeClient, damage: str) -> None:
    permission = Permission(make_client(url))
    permission.initialize_schema()
    permission.add_user_principal("alice", "g")
    permission.add_principal_to_ace("/a", "read", "g")
    with permission.client.connect() as session:
        session.execute(text(damage))
    permission.initialize_schema()

    assert permission.get_installed_version() == 3
    permission.add_user_principal("alice", "g")
    permission.add_principal_to_ace("/a", "read", "g")
    assert permission.get_user_principals("alice") == {"g"}
    assert permission.get_object_permissions("/a") == {"read": {"g"}}


def test_permissions_of_the_first_version_are_kept(url: str, make_client: MakeClient) -> None:
    permission = Permission(make_client(url))
    with permission.client.connect() as session:
        session.execute(text("CREATE TABLE metadata (name VARCHAR(128), value VARCHAR(512))"))
        session.execute(
            text(
                "CREATE TABLE user_principals (user_id TEXT, principal TEXT,"
                " PRIMARY KEY (user_id, principal));"
                "CREATE TABLE access_control_entries (object_id TEXT, permission TEXT,"
                " principal TEXT, PRIMARY KEY (object_id, permission, principal));"
                "CREATE INDEX idx_access_control_entries_permission"
                " ON access_control_entries (permission);"
                "INSERT INTO user_principals VALUES ('alice', 'g');"
                "INSERT INTO access_control_entries VALUES ('/a', 'read', 'g')"
            )
        )
    permission.initialize_schema()

    assert permission.get_installed_version() == 3
    assert permission.get_user_principals("alice") == {"g"}
    assert permission.get_accessible_objects(["g"]) == {"/a": {"read"}}
    permission.remove_principals_below("g")
    assert permission.get_user_principals("alice") == set()


@pytest.mark.guide("SQL files")
def test_schema_made_by_hand_is_up_to_date(url: str, make_client: MakeClient) -> None:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(Path(Permission.schema_file or "").read_text(encoding="utf-8"))
    connection.close()

    assert Permission(make_client(url)).get_installed_version() == Permission.schema_version
