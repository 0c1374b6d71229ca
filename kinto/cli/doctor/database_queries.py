"""What is asked of a PostgreSQL database: few questions, none of which writes."""

from kinto.core.postgresql.statements import Statement


SERVER = Statement(
    "doctor_server",
    """
    SELECT current_setting('server_version_num')::int AS version_number,
           current_setting('server_version') AS version,
           pg_encoding_to_char(d.encoding) AS encoding,
           current_setting('TimeZone') AS timezone,
           (SELECT bool_and(day::timestamp = day AT TIME ZONE 'UTC')
              FROM unnest('{2026-01-01,2026-07-01}'::timestamptz[]) AS day) AS is_utc,
           pg_is_in_recovery() AS is_standby,
           current_setting('default_transaction_read_only')::bool AS is_readonly,
           current_user::text AS role,
           current_database()::text AS database,
           coalesce(current_schema(), 'public')::text AS schema,
           quote_ident(current_user) AS quoted_role,
           quote_ident(current_database()) AS quoted_database,
           quote_ident(coalesce(current_schema(), 'public')) AS quoted_schema,
           pg_backend_pid() AS backend_pid,
           current_setting('max_connections')::int AS max_connections,
           current_setting('superuser_reserved_connections')::int
             + coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0)
             AS reserved_connections,
           (SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database)
             AS used_connections,
           r.rolconnlimit AS role_limit,
           d.datconnlimit AS database_limit,
           current_setting('fsync')::bool AS has_fsync,
           current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('full_page_writes')::bool AS has_full_page_writes,
           current_setting('autovacuum')::bool AS has_autovacuum,
           age(d.datfrozenxid) AS transaction_age,
           EXTRACT(EPOCH FROM clock_timestamp())::float AS clock_seconds
      FROM pg_database AS d, pg_roles AS r
     WHERE d.datname = current_database()
       AND r.rolname = current_user
    """,
)

# Privileges in the order of SELECT, INSERT, UPDATE, DELETE.
TABLES = Statement(
    "doctor_tables",
    """
    SELECT c.relname::text AS name,
           pg_relation_size(c.oid) / current_setting('block_size')::int AS pages,
           pg_total_relation_size(c.oid) AS size_bytes,
           coalesce(s.n_live_tup, 0) AS live_rows,
           coalesce(s.n_dead_tup, 0) AS dead_rows,
           coalesce(s.last_analyze, s.last_autoanalyze) IS NOT NULL AS is_analyzed,
           ARRAY(SELECT privilege
                   FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS privilege
                  WHERE has_table_privilege(c.oid, privilege)) AS privileges
      FROM unnest(%(names)s::text[]) AS wanted
      JOIN pg_class AS c ON c.oid = to_regclass(wanted)
      LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
    """,
)

INDEXES = Statement(
    "doctor_indexes",
    """
    SELECT t.relname::text AS table_name,
           i.relname::text AS name,
           x.indisvalid AND x.indisready AS is_valid,
           x.indisprimary AS is_primary,
           a.amname::text AS method
      FROM unnest(%(names)s::text[]) AS wanted
      JOIN pg_class AS t ON t.oid = to_regclass(wanted)
      JOIN pg_index AS x ON x.indrelid = t.oid
      JOIN pg_class AS i ON i.oid = x.indexrelid
      JOIN pg_am AS a ON a.oid = i.relam
    """,
)

HAS_METADATA = Statement("doctor_has_metadata", "SELECT to_regclass('metadata') IS NOT NULL")

VERSIONS = Statement(
    "doctor_versions",
    """
    SELECT name::text, max(value::int) AS version
      FROM metadata
     WHERE name LIKE '%%\\_schema\\_version'
     GROUP BY name
    """,
)

# A sample of a big table: pages are read, not rows.
CONTENT = Statement(
    "doctor_content",
    """
    SELECT resource_name,
           count(*) FILTER (WHERE NOT deleted) AS live,
           count(*) FILTER (WHERE deleted) AS tombstones
      FROM objects TABLESAMPLE SYSTEM (%(percent)s)
     GROUP BY resource_name
    """,
)

FUTURE = Statement(
    "doctor_future",
    """
    SELECT count(*) AS lists,
           coalesce(max(EXTRACT(EPOCH FROM
             last_modified - clock_timestamp() AT TIME ZONE 'UTC')), 0)::float AS ahead_seconds
      FROM timestamps
     WHERE last_modified
         > clock_timestamp() AT TIME ZONE 'UTC' + %(seconds)s * interval '1 second'
    """,
)

NOTHING = Statement("doctor_nothing", "SELECT 1")
