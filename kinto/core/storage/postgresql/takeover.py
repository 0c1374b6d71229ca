"""What a database of Kinto 26 gets beside tables and functions, while servers write to it."""

from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.postgresql.lists import lock_lists
from kinto.core.types import ListKey


# The tables that want it; those after it were given it.
VERSION = 27

# The timestamp of each list: the newest of its objects and tombstones, and never lower than it
# was, whatever is written meanwhile.
_ADD_WRITTEN = Statement(
    "kinto_add_written_lists",
    """
    INSERT INTO timestamps (parent_id, resource_name, last_modified)
    SELECT parent_id, resource_name, max(last_modified)
      FROM objects
     GROUP BY parent_id, resource_name
     ORDER BY parent_id, resource_name
        ON CONFLICT (parent_id, resource_name) DO UPDATE
       SET last_modified = excluded.last_modified
     WHERE timestamps.last_modified < excluded.last_modified
    """,
)

# A list of a live parent that never had a timestamp starts now.
_ADD_EMPTY = Statement(
    "kinto_add_empty_lists",
    """
    INSERT INTO timestamps (parent_id, resource_name, last_modified)
    SELECT lists.parent_id, lists.resource_name, kinto_now()
      FROM (
        SELECT '' AS parent_id, 'bucket' AS resource_name
         UNION
        SELECT '/buckets/' || id, unnest(ARRAY['collection', 'group', 'history'])
          FROM objects
         WHERE parent_id = '' AND resource_name = 'bucket' AND NOT deleted
         UNION
        SELECT parent_id || '/collections/' || id, 'record'
          FROM objects
         WHERE starts_with(parent_id, '/buckets/') AND resource_name = 'collection'
           AND NOT deleted
      ) AS lists
     ORDER BY parent_id, resource_name
        ON CONFLICT DO NOTHING
    """,
)

_COUNTED_AT_ONCE = 50

_UNKNOWN = Statement(
    "kinto_lists_without_count",
    f"""
    SELECT resource_name, parent_id FROM timestamps
     WHERE object_count IS NULL
       AND (parent_id, resource_name) > (%(parent_id)s, %(resource_name)s)
     ORDER BY parent_id, resource_name
     LIMIT {_COUNTED_AT_ONCE}
    """,
)

_LEARN = Statement(
    "kinto_learn_counts",
    """
    UPDATE timestamps SET object_count = kinto_count_list(resource_name, parent_id)
     WHERE object_count IS NULL
       AND (parent_id, resource_name) IN (
        SELECT * FROM unnest(%(parent_ids)s::text[], %(resource_names)s::text[])
       )
    """,
)


def add_missing_lists(client: PostgreSQLClient) -> None:
    """Give every list its row, as version 27 wants it.

    Rows are inserted when all is read, so that writers wait for a moment only.
    """
    for statement in (_ADD_WRITTEN, _ADD_EMPTY):
        with client.write(force_commit=True) as connection:
            connection.execute(statement, {})


def learn_missing_counts(client: PostgreSQLClient) -> None:
    """Count the lists whose count is not known, some at a time; only their writers wait."""
    last = ListKey(resource_name="", parent_id="")
    while True:
        with client.read() as connection:
            rows = connection.fetch_all(_UNKNOWN, last._asdict())
        if not rows:
            return
        keys = [ListKey(*row) for row in rows]
        with client.write(force_commit=True) as connection:
            # A statement of its own: the next one sees what was committed before the locks.
            lock_lists(connection, keys)
            connection.execute(
                _LEARN,
                {
                    "parent_ids": [key.parent_id for key in keys],
                    "resource_names": [key.resource_name for key in keys],
                },
            )
        last = keys[-1]
