"""What a database must be like before tables are made in it."""

from __future__ import annotations  # the driver is optional

from typing import TYPE_CHECKING

import structlog

from kinto.core.postgresql.statements import Statement
from kinto.core.storage.exceptions import UnsuitableDatabaseError


if TYPE_CHECKING:
    from kinto.core.postgresql.connection import Connection


logger = structlog.get_logger(__name__)

_DATABASE = Statement(
    "database",
    """
    SELECT pg_encoding_to_char(encoding),
           current_setting('TimeZone'),
           (SELECT bool_and(day::timestamp = day AT TIME ZONE 'UTC')
              FROM unnest('{2026-01-01,2026-07-01}'::timestamptz[]) AS day)
      FROM pg_database
     WHERE datname = current_database()
    """,
)
_PRIVILEGE = Statement(
    "privilege",
    """
    SELECT current_user, current_database(), coalesce(current_schema(), 'public'),
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
           quote_ident(current_user), quote_ident(coalesce(current_schema(), 'public'))
    """,
)


def check_database(connection: Connection) -> None:
    """Warn of another time zone than UTC.

    :raises UnsuitableDatabaseError: the encoding is not UTF8.
    """
    row = connection.fetch_one(_DATABASE, {})
    assert row is not None
    encoding, timezone, is_utc = row
    if encoding.lower() != "utf8":
        raise UnsuitableDatabaseError(message=f"Unexpected database encoding {encoding}")
    if not is_utc:
        logger.warning(f"Database timezone is not UTC ({timezone})")


def check_privilege(connection: Connection) -> None:
    """Make sure that tables can be created.

    :raises UnsuitableDatabaseError: with the SQL that an administrator has to run.
    """
    row = connection.fetch_one(_PRIVILEGE, {})
    assert row is not None
    role, database, schema, may_create, quoted_role, quoted_schema = row
    if not may_create:
        raise UnsuitableDatabaseError(
            message=f'Role "{role}" cannot create tables in schema "{schema}" of database'
            f' "{database}". Run as a superuser:'
            f" GRANT CREATE ON SCHEMA {quoted_schema} TO {quoted_role};"
        )
