"""A PostgreSQL that keeps what it was told, for the servers that are compared."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from tests.support.postgresql import PostgreSQLServer, running_postgresql


URL_VARIABLE = "POSTGRESQL_URL"
# Durable, as in production: what the servers share must not be faster than it will be there.
_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum_naptime": "1min",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}


@contextmanager
def running_database_server() -> Iterator[PostgreSQLServer]:
    """The server that the environment variable `POSTGRESQL_URL` names, else one of our own.

    Databases made on it are removed at the end of the block.
    """
    with contextlib.ExitStack() as stack:
        url = os.environ.get(URL_VARIABLE)
        server = (
            PostgreSQLServer(url) if url else stack.enter_context(running_postgresql(_SETTINGS))
        )
        stack.callback(server.drop_databases)
        yield server


def describe(server: PostgreSQLServer) -> str:
    """Version, and whether a commit waits for the disk."""
    with contextlib.closing(psycopg2.connect(server.url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        version, fsync = cursor.fetchone()
    return f"PostgreSQL {version.split()[0]} (fsync {fsync})"


def vacuum(database_url: str) -> None:
    """Gather statistics: without them plans depend on when autovacuum last ran."""
    with contextlib.closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")
