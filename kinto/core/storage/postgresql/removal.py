"""Removing many objects or tombstones, with statements on sets."""

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.postgresql.counts import kept_counts
from kinto.core.storage.postgresql.rows import tombstones
from kinto.core.storage.postgresql.selection import Criteria, order_by, scope, where
from kinto.core.storage.postgresql.values import BoundValues
from kinto.core.types import KintoObject, ListKey


# Statements see what was committed before they began: the locks are taken by one of their own.
_LOCK_FILLED = """
SELECT resource_name, parent_id, kinto_lock_list(resource_name, parent_id)
  FROM (
    SELECT DISTINCT resource_name, parent_id FROM objects WHERE {where}
     ORDER BY parent_id, resource_name
  ) AS lists
"""

_LOCK_ONE = Statement(
    "kinto_lock_filled_list",
    """
    SELECT kinto_lock_list(%(resource_name)s, %(parent_id)s)
     WHERE EXISTS (
        SELECT FROM objects
         WHERE parent_id = %(parent_id)s AND resource_name = %(resource_name)s
     )
    """,
)

# Each list goes on from its own highest timestamp, in the order asked for.
_DELETE_ALL = """
WITH matching AS MATERIALIZED (
    SELECT id, parent_id, resource_name, row_number() OVER (ORDER BY {order_by}) AS position
      FROM objects
     WHERE {where}
     ORDER BY position
     LIMIT {limit}
), lists AS MATERIALIZED (
    SELECT parent_id, resource_name,
           kinto_draw_timestamp(
               from_epoch(kinto_list_timestamp(resource_name, parent_id)), NULL
           ) AS earliest
      FROM (SELECT DISTINCT parent_id, resource_name FROM matching) AS filled
), stamped AS MATERIALIZED (
    SELECT id, parent_id, resource_name, position,
           earliest + INTERVAL '1 millisecond' * (
               row_number() OVER (PARTITION BY parent_id, resource_name ORDER BY position) - 1
           ) AS last_modified
      FROM matching JOIN lists USING (parent_id, resource_name)
), removed AS (
    {removal}
), kept AS (
    UPDATE timestamps
       SET last_modified = newest.last_modified,
           object_count = {count}
      FROM (
        SELECT parent_id, resource_name, max(last_modified) AS last_modified, count(*) AS total
          FROM stamped GROUP BY parent_id, resource_name
      ) AS newest
     WHERE timestamps.parent_id = newest.parent_id
       AND timestamps.resource_name = newest.resource_name
)
SELECT id, as_epoch(last_modified) FROM stamped ORDER BY last_modified, position
"""

_KEEP_TOMBSTONES = """
    UPDATE objects
       SET last_modified = stamped.last_modified, deleted = TRUE, data = '{"deleted": true}'
      FROM stamped
     WHERE (objects.id, objects.parent_id, objects.resource_name)
         = (stamped.id, stamped.parent_id, stamped.resource_name)
"""
_KEEP_NOTHING = """
    DELETE FROM objects
     USING stamped
     WHERE (objects.id, objects.parent_id, objects.resource_name)
         = (stamped.id, stamped.parent_id, stamped.resource_name)
"""

# The timestamps of lists stay, also of those that 26 left without a row. The locks of rows have
# each count and timestamp be changed from what it is, not from what this statement found.
_REMOVE = """
WITH matching AS MATERIALIZED (
    {matching}
), removed AS (
    DELETE FROM objects
     USING matching
     WHERE (objects.id, objects.parent_id, objects.resource_name)
         = (matching.id, matching.parent_id, matching.resource_name)
       AND objects.deleted = {deleted}
 RETURNING objects.parent_id, objects.resource_name, objects.last_modified, NOT deleted AS counts
), newest AS (
    SELECT parent_id, resource_name, max(last_modified) AS last_modified,
           count(*) AS total, count(*) FILTER (WHERE counts) AS live
      FROM removed GROUP BY parent_id, resource_name
), kept AS (
    UPDATE timestamps
       SET last_modified = greatest(timestamps.last_modified, newest.last_modified),
           object_count = timestamps.object_count - newest.live
      FROM newest
     WHERE timestamps.parent_id = newest.parent_id
       AND timestamps.resource_name = newest.resource_name
       AND (newest.live > 0 OR timestamps.last_modified < newest.last_modified)
), added AS (
    INSERT INTO timestamps (parent_id, resource_name, last_modified)
    SELECT newest.parent_id, newest.resource_name, newest.last_modified
      FROM newest
      LEFT JOIN timestamps AS known USING (parent_id, resource_name)
     WHERE known.last_modified IS NULL
        ON CONFLICT DO NOTHING
)
SELECT coalesce(sum(total), 0) FROM newest
"""

_TOMBSTONES = """
    SELECT id, parent_id, resource_name, last_modified
      FROM objects
     WHERE {where}
"""
_OLD_TOMBSTONES = """
    SELECT id, parent_id, resource_name, last_modified
      FROM (
        SELECT id, parent_id, resource_name, last_modified,
               row_number() OVER (
                   PARTITION BY parent_id, resource_name ORDER BY last_modified DESC
               ) AS position
          FROM objects
         WHERE {where}
      ) AS ranked
     WHERE position > {max_retained}
"""
_OLD_OBJECTS = """
    SELECT id, parent_id, resource_name, last_modified
      FROM objects
     WHERE {where}
     ORDER BY last_modified DESC
    OFFSET {max_objects}
"""

_FORGET_EMPTY = """
DELETE FROM timestamps
 WHERE {where}
   AND NOT EXISTS (
    SELECT FROM objects
     WHERE objects.parent_id = timestamps.parent_id
       AND objects.resource_name = timestamps.resource_name
   )
"""

_REMOVE_SUBTREE = Statement("kinto_remove_subtree", "SELECT kinto_remove_subtree(%(uri)s)")


def delete_objects(
    connection: Connection, criteria: Criteria, *, with_deleted: bool
) -> list[KintoObject]:
    """Remove live objects; their tombstones, oldest first.

    :param with_deleted: keep the tombstones.
    """
    if criteria.is_one_list:
        assert criteria.resource_name is not None
        key = ListKey(criteria.resource_name, criteria.parent_id)
        connection.defer(_LOCK_ONE, key._asdict())
        values = BoundValues()
        selected = where(criteria, values)
    else:
        locked = _lock_filled(connection, criteria)
        values = BoundValues(
            {"names": [key[0] for key in locked], "ids": [key[1] for key in locked]}
        )
        # A list that appeared meanwhile is not locked, hence left alone.
        selected = (
            f"{where(criteria, values)}\n   AND (resource_name, parent_id)"
            " IN (SELECT * FROM unnest(%(names)s::text[], %(ids)s::text[]))"
        )
    is_emptied = criteria.is_whole_list and not criteria.limit
    sql = _DELETE_ALL.format(
        where=selected,
        order_by=order_by(criteria, values),
        limit=values.bind(criteria.limit),
        removal=_KEEP_TOMBSTONES if with_deleted else _KEEP_NOTHING,
        # A count that was not known is known of a list without objects.
        count="0" if is_emptied else "timestamps.object_count - newest.total",
    )
    statement = Statement("kinto_delete_objects", sql, long=True)
    with kept_counts(connection):
        rows = connection.fetch_all(statement, values.params)
    return tombstones(rows, names=criteria.names)


def _lock_filled(connection: Connection, criteria: Criteria) -> list[tuple[str, str]]:
    """Lock every list in scope that holds objects."""
    values = BoundValues()
    sql = _LOCK_FILLED.format(where=" AND ".join(scope(criteria, values)))
    rows = connection.fetch_all(Statement("kinto_lock_lists", sql, long=True), values.params)
    return [(resource_name, parent_id) for resource_name, parent_id, _ in rows]


def purge_tombstones(
    connection: Connection, criteria: Criteria, *, before: int | None, max_retained: int | None
) -> int:
    """Remove tombstones; how many.

    :param before: only those older than this.
    :param max_retained: keep this many of the newest in each list.
    """
    values = BoundValues()
    conditions = [*scope(criteria, values), "deleted"]
    if before is not None:
        conditions.append(f"last_modified < from_epoch({values.bind(before)})")
    selected = " AND ".join(conditions)
    if max_retained is None:
        matching = _TOMBSTONES.format(where=selected)
    else:
        matching = _OLD_TOMBSTONES.format(where=selected, max_retained=values.bind(max_retained))
    purged = _remove(connection, matching, values, deleted=True)
    if criteria.resource_name is None and before is None and max_retained is None:
        _forget_empty_lists(connection, criteria)
    return purged


def _forget_empty_lists(connection: Connection, criteria: Criteria) -> None:
    values = BoundValues()
    sql = _FORGET_EMPTY.format(where=" AND ".join(scope(criteria, values)))
    connection.execute(Statement("kinto_forget_lists", sql, long=True), values.params)


def trim_objects(connection: Connection, criteria: Criteria, *, max_objects: int) -> int:
    """Remove all but the newest live objects, without tombstones; how many."""
    values = BoundValues()
    matching = _OLD_OBJECTS.format(
        where=where(criteria, values), max_objects=values.bind(max_objects)
    )
    return _remove(connection, matching, values, deleted=False)


def _remove(connection: Connection, matching: str, values: BoundValues, *, deleted: bool) -> int:
    sql = _REMOVE.format(matching=matching, deleted=str(deleted).upper())
    with kept_counts(connection):
        row = connection.fetch_one(Statement("kinto_remove", sql, long=True), values.params)
    assert row is not None
    return int(row[0])


def remove_subtree(connection: Connection, uri: str) -> None:
    """Remove every list at or below a URI, with its timestamp."""
    connection.defer(_REMOVE_SUBTREE, {"uri": uri})
