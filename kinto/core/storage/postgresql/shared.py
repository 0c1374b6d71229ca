"""What was shared with somebody in a list that they may not read: ids and a page, at once."""

from dataclasses import replace

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.patterns import prefix_range
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.postgresql.rows import many_objects, many_texts
from kinto.core.storage.postgresql.selection import Criteria, order_by, where
from kinto.core.storage.postgresql.values import BoundValues
from kinto.core.storage.protocols import Page, PageQuery, SharedObjects, SharedQuery
from kinto.core.types import Timestamp


# The entries of each principal are found in the range of the list; each object is then looked up
# by its id, however long the list is. `OFFSET 0` keeps the planner from reading all of it, and
# comparing rows leaves it the one index that is meant.
_FETCH = """
WITH shared AS MATERIALIZED (
    SELECT DISTINCT substr(object_id, %(start)s) AS shared_id
      FROM unnest(%(principals)s::text[]) AS holder,
   LATERAL (
        SELECT object_id FROM access_control_entries
         WHERE principal = holder
           AND (principal, object_id) > (holder, %(low)s)
           AND (principal, object_id) < (holder, %(high)s)
           AND permission = ANY (%(permissions)s::text[])
        OFFSET 0
      ) AS entries
     WHERE strpos(substr(object_id, %(start)s), '/') = 0
), found AS (
    SELECT objects.*
      FROM shared,
   LATERAL (
        SELECT * FROM objects
         WHERE id = shared_id
           AND (id, parent_id, resource_name)
            >= (shared_id, %(parent_id)s, %(resource_name)s)
           AND (id, parent_id, resource_name)
            <= (shared_id, %(parent_id)s, %(resource_name)s)
        OFFSET 0
      ) AS objects
), page AS (
    {page}
)
SELECT ARRAY(SELECT shared_id FROM shared ORDER BY shared_id COLLATE "C"),
       kinto_list_timestamp(%(resource_name)s, %(parent_id)s),
       NULL::bigint, NULL::text, NULL::boolean, NULL::text
 UNION ALL
SELECT NULL, NULL, page.* FROM page
"""

_PAGE = """
    SELECT as_epoch(last_modified), id, deleted, data::text
      FROM found AS objects
     WHERE {where}
     ORDER BY {order_by}
     LIMIT {limit}
"""

_COUNT = """
    SELECT count(*), NULL::text, NULL::boolean, NULL::text
      FROM found AS objects
     WHERE {where}
"""


def fetch_shared(connection: Connection, query: SharedQuery, page: PageQuery) -> SharedObjects:
    """Ids of what was shared, with the page or the number that is asked for."""
    criteria = Criteria(
        *query.target,
        filters=page.filters,
        sorting=page.sorting,
        rules=page.pagination_rules,
        limit=page.limit,
        include_deleted=page.include_deleted,
    )
    low, high = prefix_range(query.prefix)
    values = BoundValues(
        {
            **query.target._asdict(),
            "principals": list(query.principals),
            "permissions": list(query.permissions),
            "low": low,
            "high": high,
            "start": len(query.prefix) + 1,
        }
    )
    conditions = where(criteria, values)
    if page.counts:
        objects_sql = _COUNT.format(where=conditions)
    else:
        objects_sql = _PAGE.format(
            where=conditions,
            order_by=order_by(criteria, values),
            limit=values.bind(criteria.limit),
        )
    statement = Statement("kinto_shared", _FETCH.format(page=objects_sql), long=True)
    (ids, timestamp, *_), *rows = connection.fetch_all(statement, values.params)
    shared = SharedObjects(ids, Timestamp(timestamp))
    if page.counts:
        return replace(shared, count=rows[0][2])
    make = many_texts if page.as_text else many_objects
    objects = make([row[2:] for row in rows], names=criteria.names)
    return replace(shared, page=Page(objects, shared.timestamp))
