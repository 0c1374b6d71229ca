"""The version of the storage's tables that a database holds."""

import structlog

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement


logger = structlog.get_logger(__name__)

# `records` is what version 11 (Kinto 3.0) has in the place of `objects`.
_TABLES = Statement(
    "storage_tables",
    """
    SELECT to_regclass('objects') IS NOT NULL,
           to_regclass('records') IS NOT NULL,
           to_regclass('timestamps') IS NOT NULL,
           to_regclass('metadata') IS NOT NULL
    """,
)

_RECORDED = Statement(
    "storage_version",
    """
    SELECT max(value::int) FILTER (WHERE name = 'storage_schema_version'),
           bool_or(name = 'created_at')
      FROM metadata
     WHERE name IN ('storage_schema_version', 'created_at')
    """,
)

_IS_OURS = Statement("storage_functions", "SELECT to_regproc('kinto_put_object') IS NOT NULL")


def find_version(connection: Connection) -> int | None:
    """The version of the tables; ``None`` if some are missing, so that they must be made."""
    row = connection.fetch_one(_TABLES, {})
    assert row is not None
    has_objects, has_records, has_timestamps, has_metadata = row
    if not (has_timestamps and has_metadata and (has_objects or has_records)):
        return None
    recorded = connection.fetch_one(_RECORDED, {})
    assert recorded is not None
    version, has_creation_date = recorded
    if version is not None:
        return int(version)
    assumed = 1 if has_creation_date else 20
    logger.warning("storage schema version is missing", assumed=assumed)
    return assumed


def has_functions(connection: Connection) -> bool:
    """Whether the tables were last made or migrated by this version or a later one."""
    row = connection.fetch_one(_IS_OURS, {})
    return row is not None and bool(row[0])
