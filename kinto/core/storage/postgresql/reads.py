"""Reading objects and timestamps: one statement each, which writes nothing."""

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.matching import FieldNames
from kinto.core.storage.postgresql.counts import count_list
from kinto.core.storage.postgresql.rows import many_objects, many_texts, one_object
from kinto.core.storage.postgresql.selection import (
    Criteria,
    TimeSpan,
    order_by,
    time_span,
    where,
)
from kinto.core.storage.postgresql.values import BoundValues
from kinto.core.storage.protocols import Page
from kinto.core.types import KintoObject, ListKey, Timestamp


_GET = Statement(
    "kinto_get_object",
    "SELECT epoch, data FROM kinto_get_object(%(resource_name)s, %(parent_id)s, %(object_id)s)",
    types={"resource_name": "text", "parent_id": "text", "object_id": "text"},
)

PAGE_TYPES = {
    "resource_name": "text",
    "parent_id": "text",
    "after": "bigint",
    "before": "bigint",
    "include_deleted": "boolean",
    "is_descending": "boolean",
    "limit": "bigint",
}

_PAGE_BY_TIME = Statement(
    "kinto_list_page",
    """
    SELECT r_epoch, r_id, r_deleted, r_data
      FROM kinto_list_page(%(resource_name)s, %(parent_id)s, %(after)s, %(before)s,
                           %(include_deleted)s, %(is_descending)s, %(limit)s)
    """,
    types=PAGE_TYPES,
)

# The timestamp comes along in the first row; the function reads the snapshot of the statement.
_PAGE = """
SELECT list.epoch, NULL, NULL, NULL
  FROM kinto_list_timestamp(%(resource_name)s, %(parent_id)s) AS list (epoch)
 UNION ALL
SELECT epoch, id, deleted, data FROM ({objects}) AS page
"""

# The text is made of the objects chosen alone: it costs more than to sort them.
_OBJECTS = """
SELECT as_epoch(last_modified) AS epoch, id, deleted, data::text AS data
  FROM ({chosen}) AS chosen
"""

_CHOSEN = """
    SELECT last_modified, id, deleted, data
      FROM objects
     WHERE {where}
     ORDER BY {order_by}
     LIMIT {limit}
"""

_COUNT = "SELECT count(*) FROM objects WHERE {where}"

_TIMESTAMP = Statement(
    "kinto_find_timestamp",
    """
    SELECT as_epoch(greatest(
        (SELECT last_modified FROM timestamps
          WHERE parent_id = %(parent_id)s AND resource_name = %(resource_name)s),
        (SELECT last_modified FROM objects
          WHERE parent_id = %(parent_id)s AND resource_name = %(resource_name)s
          ORDER BY last_modified DESC LIMIT 1)
    ))
    """,
)

# The lists of `objects` are enumerated by jumps in their index, as there are few for many rows.
_ALL_TIMESTAMPS = Statement(
    "kinto_all_timestamps",
    """
    WITH RECURSIVE lists AS (
        (SELECT parent_id, resource_name FROM objects
          ORDER BY parent_id, resource_name LIMIT 1)
         UNION ALL
        SELECT following.parent_id, following.resource_name
          FROM lists, LATERAL (
            SELECT objects.parent_id, objects.resource_name FROM objects
             WHERE (objects.parent_id, objects.resource_name)
                 > (lists.parent_id, lists.resource_name)
             ORDER BY objects.parent_id, objects.resource_name LIMIT 1
          ) AS following
    )
    SELECT parent_id, as_epoch(max(last_modified))
      FROM (
        SELECT parent_id, last_modified FROM timestamps
         WHERE resource_name = %(resource_name)s
         UNION ALL
        SELECT lists.parent_id, newest.last_modified
          FROM lists, LATERAL (
            SELECT last_modified FROM objects
             WHERE objects.parent_id = lists.parent_id
               AND objects.resource_name = lists.resource_name
             ORDER BY last_modified DESC LIMIT 1
          ) AS newest
         WHERE lists.resource_name = %(resource_name)s
      ) AS known
     GROUP BY parent_id
    """,
    long=True,
)


def find_object(
    connection: Connection, key: ListKey, object_id: str, *, names: FieldNames
) -> KintoObject | None:
    """One live object."""
    row = connection.fetch_one(_GET, {**key._asdict(), "object_id": object_id})
    if row is None or row[1] is None:
        return None
    epoch, data = row
    return one_object(data, object_id, epoch, names=names)


def fetch_page(connection: Connection, criteria: Criteria, *, as_text: bool = False) -> Page:
    """Objects of one list, with its timestamp, from one snapshot.

    :param as_text: leave the JSON of the objects as it is.
    """
    assert criteria.resource_name is not None
    key = ListKey(criteria.resource_name, criteria.parent_id)
    span = time_span(criteria)
    if span is not None:
        rows = connection.fetch_all(_PAGE_BY_TIME, span_params(key, span, criteria))
    else:
        values = BoundValues(key._asdict())
        sql = _PAGE.format(objects=objects_sql(criteria, values))
        statement = Statement("kinto_page", sql, long=criteria.is_long)
        rows = connection.fetch_all(statement, values.params)
    (timestamp, *_), *objects = rows
    made = (many_texts if as_text else many_objects)(objects, names=criteria.names)
    return Page(made, Timestamp(timestamp))


def fetch_objects(connection: Connection, criteria: Criteria) -> list[KintoObject]:
    """Objects of any number of lists."""
    if criteria.is_one_list and time_span(criteria) is not None:
        return fetch_page(connection, criteria).objects
    values = BoundValues()
    statement = Statement("kinto_list", objects_sql(criteria, values), long=criteria.is_long)
    return many_objects(connection.fetch_all(statement, values.params), names=criteria.names)


def count_objects(connection: Connection, criteria: Criteria) -> int:
    """How many objects match."""
    if criteria.is_whole_list and criteria.resource_name is not None:
        return count_list(connection, ListKey(criteria.resource_name, criteria.parent_id))
    values = BoundValues()
    statement = Statement("kinto_count", _COUNT.format(where=where(criteria, values)), long=True)
    row = connection.fetch_one(statement, values.params)
    assert row is not None
    count: int = row[0]
    return count


def find_timestamp(connection: Connection, key: ListKey) -> int | None:
    """The timestamp of a list, ``None`` if it never had one."""
    row = connection.fetch_one(_TIMESTAMP, key._asdict())
    return row[0] if row is not None else None


def fetch_timestamps(connection: Connection, resource_name: str) -> dict[str, int]:
    """The timestamp of each parent."""
    return dict(connection.fetch_all(_ALL_TIMESTAMPS, {"resource_name": resource_name}))


def objects_sql(criteria: Criteria, values: BoundValues) -> str:
    """The query for the objects, with their JSON as text."""
    return _OBJECTS.format(chosen=chosen_sql(criteria, values))


def chosen_sql(criteria: Criteria, values: BoundValues) -> str:
    """The query for the objects, as they are stored."""
    return _CHOSEN.format(
        where=where(criteria, values),
        order_by=order_by(criteria, values),
        limit=values.bind(criteria.limit),
    )


def span_params(key: ListKey, span: TimeSpan, criteria: Criteria) -> dict[str, object]:
    """Parameters of the function that lists by time."""
    return {
        **key._asdict(),
        "after": span.after,
        "before": span.before,
        "include_deleted": criteria.include_deleted,
        "is_descending": span.is_descending,
        "limit": criteria.limit,
    }
