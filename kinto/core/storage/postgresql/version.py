"""The version of the storage's tables that a database holds."""

import structlog

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement


logger = structlog.get_logger(__name__)

# That of Kinto 3.0.
OLDEST_VERSION = 11

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

# What the steps from version 11 on changed, newest first.
_LAYOUT = Statement(
    "storage_layout",
    """
    SELECT to_regclass('objects') IS NOT NULL,
           bool_or(column_name = 'deleted'),
           bool_or(column_name = 'collection_id')
      FROM information_schema.columns
     WHERE table_name = 'records'
       AND table_schema = ANY (current_schemas(FALSE))
    """,
)

_RECORD = Statement(
    "record_storage_version",
    "INSERT INTO metadata (name, value) VALUES ('storage_schema_version', %(version)s)",
)

_IS_OURS = Statement("storage_functions", "SELECT to_regproc('kinto_put_object') IS NOT NULL")


def find_version(connection: Connection) -> int | None:
    """The version of the tables; ``None`` if some are missing, so that they must be made."""
    row = connection.fetch_one(_TABLES, {})
    assert row is not None
    has_objects, has_records, has_timestamps, has_metadata = row
    if not (has_timestamps and has_metadata and (has_objects or has_records)):
        return None
    version, has_creation_date = _fetch_recorded(connection)
    if version is not None:
        return version
    assumed = 1 if has_creation_date else 20
    logger.warning("storage schema version is missing", assumed=assumed)
    return assumed


def is_known(connection: Connection) -> bool:
    """Whether a version is recorded for which there are steps."""
    version, _ = _fetch_recorded(connection)
    return version is not None and version >= OLDEST_VERSION


def _fetch_recorded(connection: Connection) -> tuple[int | None, bool]:
    """The version that is recorded, and whether it is known when the database was made."""
    row = connection.fetch_one(_RECORDED, {})
    assert row is not None
    version, has_creation_date = row
    return None if version is None else int(version), bool(has_creation_date)


def recognize_version(connection: Connection) -> int | None:
    """The newest version before 27 whose tables look like these; ``None`` if none do.

    The steps that follow it stand being run on what they have made already.
    """
    row = connection.fetch_one(_LAYOUT, {})
    assert row is not None
    has_objects, has_tombstones, is_familiar = row
    if has_objects:
        return 21
    if not is_familiar:
        return None
    return 17 if has_tombstones else OLDEST_VERSION


def record_version(connection: Connection, version: int) -> None:
    """Note the version of the tables, as each migration does."""
    connection.execute(_RECORD, {"version": str(version)})


def has_functions(connection: Connection) -> bool:
    """Whether the tables were last made or migrated by this version or a later one."""
    row = connection.fetch_one(_IS_OURS, {})
    return row is not None and bool(row[0])
