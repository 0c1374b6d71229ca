"""Schemas of the database: creation, and migration one version after the other.

Each migration is a file ``migration_NNN_MMM.sql``, run in one transaction that also records the
new version. One that begins with :data:`OUTSIDE_OF_TRANSACTION` is run statement by statement,
as ``CREATE INDEX CONCURRENTLY`` wants it: such a file must stand being run again. One that begins
with ``-- locks`` and names of tables has them locked before all else (:mod:`.tablelocks`).
"""

from __future__ import annotations  # the driver is optional

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from kinto.core.postgresql.checks import check_database, check_privilege
from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.limits import without_time_limits
from kinto.core.postgresql.statements import Statement
from kinto.core.postgresql.tablelocks import locking_sql


try:  # optional: kinto[postgresql]
    import sqlalchemy
except ImportError:
    sqlalchemy = None  # type: ignore[assignment]  # no client can be made without it

if TYPE_CHECKING:
    from kinto.core.postgresql.connection import Connection


logger = structlog.get_logger(__name__)

OUTSIDE_OF_TRANSACTION = "-- outside of a transaction"

_END_OF_STATEMENT = re.compile(r";[ \t]*\n")

# Two services of one database migrate one after the other. Held in a transaction of its own,
# as nothing else outlives a statement behind PgBouncer. Asked for now and then, as a statement
# that waits is what `CREATE INDEX CONCURRENTLY` waits for. The number is arbitrary.
_LOCK = Statement("migration_lock", "SELECT pg_try_advisory_xact_lock(5489213460)")
_LOCK_INTERVAL_SECONDS = 0.2

_PLUGIN_VERSION = "SELECT MAX(value::int) AS version FROM metadata WHERE name = :name"


def wait_for_migrations(connection: Connection) -> None:
    """Let nobody else migrate this database until the transaction at hand ends."""
    while connection.fetch_one(_LOCK, {}) != (True,):
        time.sleep(_LOCK_INTERVAL_SECONDS)


class MigratorMixin:
    """Creates or migrates the tables of one backend or plugin.

    :cvar name: how messages call them (``storage``).
    :cvar schema_version: the version that this code needs.
    :cvar schema_file: creates everything at that version.
    :cvar migrations_directory: holds the files of the steps.
    """

    name: str
    schema_version: int
    schema_file: str | None = None
    migrations_directory: str | None = None

    client: PostgreSQLClient

    _is_outdated = False

    def create_or_migrate_schema(self, dry_run: bool = False) -> None:
        """Bring the tables to ``schema_version``.

        :param dry_run: log what would be done, and do nothing.
        :raises UnsuitableDatabaseError: the operator has to change something first.
        :raises AssertionError: a version that cannot be migrated from.
        """
        with self._exclusively(dry_run=dry_run):
            version = self.get_installed_version()
            if version is None:
                self.create_schema(dry_run)
                return
            logger.info(f"Detected PostgreSQL {self.name} schema version {version}.")
            if version == self.schema_version:
                logger.info(f"PostgreSQL {self.name} schema is up-to-date.")
                return
            self.migrate_schema(version, dry_run)

    def get_installed_version(self) -> int | None:
        """The version of the tables that are there, ``None`` when there are none."""
        with self.client.read() as connection:
            return self.find_installed_version(connection)

    def find_installed_version(self, connection: Connection) -> int | None:
        """As :meth:`get_installed_version`, on a connection at hand."""
        raise NotImplementedError

    def create_schema(self, dry_run: bool = False) -> None:
        """Make the tables at the newest version."""
        logger.info(
            f"Create PostgreSQL {self.name} schema at version {self.schema_version}"
            f" from {self.schema_file}."
        )
        if not dry_run:
            self._execute_sql_file(self.schema_file)
        logger.info(f"Created PostgreSQL {self.name} schema (version {self.schema_version}).")

    def migrate_schema(self, start_version: int, dry_run: bool = False) -> None:
        """Go from ``start_version`` to ``schema_version``, step by step.

        :raises AssertionError: the database is not at the version where a step starts.
        """
        if start_version > self.schema_version:
            raise AssertionError(self._unexpected(self.schema_version, start_version))
        for version in range(start_version, self.schema_version):
            found = self.get_installed_version()
            if not dry_run and found != version:
                raise AssertionError(self._unexpected(version, found))
            self._migrate_one_step(version, dry_run=dry_run)
        done = "simulated" if dry_run else "done"
        logger.info(f"PostgreSQL {self.name} schema migration {done}")

    def report_outdated_schema(self, connection: Connection) -> None:
        """Log an error when the tables are not those that this code needs.

        Meant for :meth:`PostgreSQLClient.on_first_connect`.
        """
        version = self.find_installed_version(connection)
        self._is_outdated = version != self.schema_version
        if self._is_outdated:
            is_newer = version is not None and version > self.schema_version
            remedy = "Upgrade this server" if is_newer else 'Run "kinto migrate"'
            logger.error(
                f"{self.name.capitalize()} schema version {version} found,"
                f" {self.schema_version} expected. {remedy}."
            )

    def is_schema_outdated(self) -> bool:
        """Whether the tables were not those that this code needs, and still are not.

        Costs nothing where they were.
        """
        if self._is_outdated:
            self._is_outdated = self.get_installed_version() != self.schema_version
        return self._is_outdated

    def _migrate_one_step(self, version: int, *, dry_run: bool) -> None:
        following = version + 1
        logger.info(
            f"Migrate PostgreSQL {self.name} schema from version {version} to {following}."
        )
        assert self.migrations_directory is not None
        path = os.path.join(
            self.migrations_directory, f"migration_{version:03d}_{following:03d}.sql"
        )
        logger.info(f"Execute PostgreSQL {self.name} migration from {path}")
        if not dry_run:
            self._execute_sql_file(path)

    def _execute_sql_file(self, path: str | None) -> None:
        """Run a file of SQL in one transaction, or as its first line says."""
        assert path is not None
        sql = Path(path).read_text(encoding="utf-8")
        with without_time_limits():
            if sql.startswith(OUTSIDE_OF_TRANSACTION):
                with self.client.autocommit() as connection:
                    for statement in filter(str.strip, _END_OF_STATEMENT.split(sql)):
                        connection.execute_alone(statement)
            else:
                with self.client.write(force_commit=True) as connection:
                    check_privilege(connection)
                    connection.execute_script(locking_sql(sql) + sql)

    def _unexpected(self, expected: int, found: int | None) -> str:
        return (
            f"PostgreSQL {self.name} schema: Expected version {expected}. Found version {found}."
        )

    @contextmanager
    def _exclusively(self, *, dry_run: bool) -> Iterator[None]:
        """Let nobody else migrate this database meanwhile, once it is known to be suitable."""
        client: object = self.client
        if not isinstance(client, PostgreSQLClient):  # a double of a plugin's tests
            yield
            return
        client.forget_hooks()
        with without_time_limits(), client.write(force_commit=True) as connection:
            check_database(connection)
            if not dry_run:
                wait_for_migrations(connection)
            yield


class PostgreSQLPluginMigration(MigratorMixin):
    """Migrations of a plugin that keeps something in the storage's database."""

    def initialize_schema(self, client: PostgreSQLClient, dry_run: bool = False) -> None:
        """Bring the plugin's data to ``schema_version``, by way of the storage's client."""
        self.client = client
        self.create_or_migrate_schema(dry_run)

    def get_installed_version(self) -> int | None:
        """The version recorded last, 1 if there is none."""
        with self.client.connect() as session:
            result = session.execute(
                sqlalchemy.text(_PLUGIN_VERSION), {"name": f"{self.name}_schema_version"}
            )
            row: Any = result.fetchone()
        return 1 if row is None or row.version is None else int(row.version)
