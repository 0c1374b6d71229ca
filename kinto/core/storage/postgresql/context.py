"""What a request has to know before it can be decided, in one round trip."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from kinto.core.postgresql.arrays import ArrayText, text_array
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.matching import FieldNames
from kinto.core.storage.postgresql.reads import (
    PAGE_TYPES,
    chosen_sql,
    objects_sql,
    span_params,
)
from kinto.core.storage.postgresql.rows import many_objects, one_object
from kinto.core.storage.postgresql.selection import Criteria, time_span, where
from kinto.core.storage.postgresql.values import BoundValues
from kinto.core.storage.protocols import (
    ContextQuery,
    Page,
    PageQuery,
    StoredContext,
    TextPage,
)
from kinto.core.types import Permissions


# Groups may hold every user who is signed in.
_AUTHENTICATED = "system.Authenticated"

_FETCH_TYPES = {
    "user_ids": "text[]",
    "principals": "text[]",
    "uris": "text[]",
    "object_uri": "text",
    "resource_name": "text",
    "parent_id": "text",
    "object_id": "text",
    "owner_resource_name": "text",
    "owner_parent_id": "text",
    "owner_id": "text",
}

_CALL = """kinto_fetch_context(
        %(user_ids)s, %(principals)s, %(uris)s, %(object_uri)s,
        %(resource_name)s, %(parent_id)s, %(object_id)s,
        %(owner_resource_name)s, %(owner_parent_id)s, %(owner_id)s, {with_timestamp})"""


def _statements(name: str, sql: str, types: Mapping[str, str]) -> dict[bool, Statement]:
    """A statement without the timestamp of the list, and one with it, by whether it has it."""
    without = Statement(
        name, sql.format(context=_CALL.format(with_timestamp="FALSE")), types=types
    )
    timed = sql.format(context=_CALL.format(with_timestamp="TRUE"))
    return {False: without, True: Statement(f"{name}_timed", timed, types=types)}


_FETCH = _statements(
    "kinto_fetch_context",
    """
    SELECT groups, granted, aces, epoch, data, owner_epoch, owner_data, list_epoch
      FROM {context}
    """,
    _FETCH_TYPES,
)
_FETCH_CONSULTED = _statements(
    "kinto_fetch_consulted",
    """
    SELECT groups, granted, aces, context.epoch, context.data, owner_epoch, owner_data, list_epoch,
           consulted.epoch, consulted.data
      FROM {context} AS context
      LEFT JOIN kinto_get_object(
        %(consulted_resource_name)s, %(consulted_parent_id)s, %(consulted_id)s) AS consulted
        ON TRUE
    """,
    {
        **_FETCH_TYPES,
        "consulted_resource_name": "text",
        "consulted_parent_id": "text",
        "consulted_id": "text",
    },
)


# The context, and whether it grants to read the page.
_JUDGED = """
    SELECT groups, granted, aces, epoch, data, owner_epoch, owner_data, list_epoch,
           kinto_is_granted(granted, %(granted_by)s::text[]) AS is_granted
      FROM kinto_fetch_context(
        %(user_ids)s::text[], %(principals)s::text[], %(uris)s::text[], %(object_uri)s::text,
        %(resource_name)s::text, %(parent_id)s::text, %(object_id)s::text,
        %(owner_resource_name)s::text, %(owner_parent_id)s::text, %(owner_id)s::text, TRUE)
"""

# One row of the context, then those of the page, where the context grants to read it. The
# functions are STABLE, so that both are of the snapshot of the statement.
_WITH_PAGE = (
    f"WITH context AS ({_JUDGED})"
    """
SELECT groups, granted, aces, epoch, data, owner_epoch, owner_data, list_epoch,
       is_granted, NULL::bigint, NULL::text, NULL::boolean, NULL::text
  FROM context
 UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, page.*
  FROM context, LATERAL ({objects}) AS page
 WHERE is_granted
"""
)

_BY_TIME = """
    SELECT r_epoch, r_id, r_deleted, r_data
      FROM kinto_list_page(%(resource_name)s, %(parent_id)s, %(after)s, %(before)s,
                           %(include_deleted)s, %(is_descending)s, %(limit)s)
     -- The timestamp of the list, which comes first, is in the context already.
     WHERE r_id IS NOT NULL
"""

_WITH_PAGE_BY_TIME = Statement(
    "kinto_fetch_page",
    _WITH_PAGE.format(objects=_BY_TIME),
    types={**_FETCH_TYPES, **PAGE_TYPES, "granted_by": "text[]"},
)

# The items as they are sent, joined: nothing is left to do for each of them. Without `OFFSET 0`
# they would be looked up at each place where they are used.
_JOINED = """
    SELECT array_to_string(items[:{limit} - 1], ','),
           CASE WHEN cardinality(items) = {limit} THEN items[{limit} - 1] END
      FROM (
        SELECT ARRAY(
            SELECT kinto_item(id, last_modified, deleted, data) FROM ({chosen}) AS chosen
        )
        OFFSET 0
      ) AS made (items)
"""

# All in one row: others would have the text be copied. `OFFSET 0` keeps the parts from being
# merged, so that nothing is read of a page that is not granted.
_WITH_TEXT = (
    f"SELECT context.*, page.* FROM ({_JUDGED} OFFSET 0) AS context"
    """
  LEFT JOIN LATERAL (
    SELECT * FROM ({text}) AS made WHERE context.is_granted OFFSET 0
  ) AS page ON TRUE
"""
)

# Called as a value: the rows of a function are copied once more.
_TEXT_BY_TIME = """
    SELECT (page).r_items, (page).r_last
      FROM (
        SELECT kinto_list_text(%(resource_name)s, %(parent_id)s, %(after)s, %(before)s,
                               %(include_deleted)s, %(is_descending)s, %(limit)s) AS page
        OFFSET 0
      ) AS called
"""

_WITH_TEXT_BY_TIME = Statement(
    "kinto_fetch_text",
    _WITH_TEXT.format(text=_TEXT_BY_TIME),
    types={**_FETCH_TYPES, **PAGE_TYPES, "granted_by": "text[]"},
)

# Counted only for who may know it: the rows are asked for under that condition.
_COUNT = """
    SELECT count(*), NULL::text, NULL::boolean, NULL::text
      FROM objects
     WHERE is_granted AND {where}
"""

_WITH_COUNT_OF_LIST = Statement(
    "kinto_fetch_count",
    _WITH_PAGE.format(
        objects="SELECT kinto_count_list(%(resource_name)s, %(parent_id)s),"
        " NULL::text, NULL::boolean, NULL::text"
    ),
    types={**_FETCH_TYPES, "granted_by": "text[]"},
)


def fetch_context_with_page(
    connection: Connection,
    query: ContextQuery,
    page: PageQuery,
) -> StoredContext:
    """The answer to a query with a page of its list, from one snapshot of the database."""
    criteria = Criteria(
        *query.target,
        filters=page.filters,
        sorting=page.sorting,
        rules=page.pagination_rules,
        limit=page.limit,
        include_deleted=page.include_deleted,
    )
    values = BoundValues({**_params(query), "granted_by": _pairs(page.granted_by)})
    span = time_span(criteria)
    if page.counts:
        statement = _count_statement(criteria, values)
    elif span is not None:
        values.params.update(span_params(query.target, span, criteria))
        statement = _WITH_TEXT_BY_TIME if page.as_text else _WITH_PAGE_BY_TIME
    else:
        statement = _page_statement(criteria, values, as_text=page.as_text)
    first, *rows = connection.fetch_all(statement, values.params)
    context = _context(first[:8], query, names=criteria.names)
    if page.counts:
        context.count = rows[0][9] if rows else None
    elif first[8] and context.timestamp is not None:
        if page.as_text:
            items, last = first[9:]
            # PostgreSQL would copy all of them for the brackets.
            context.page = TextPage(f"[{items or ''}]", context.timestamp, last)
        else:
            objects = many_objects([row[9:] for row in rows], names=criteria.names)
            context.page = Page(objects, context.timestamp)
    return context


def _page_statement(criteria: Criteria, values: BoundValues, *, as_text: bool) -> Statement:
    if as_text:
        chosen, limit = chosen_sql(criteria, values), values.bind(criteria.limit)
        sql = _WITH_TEXT.format(text=_JOINED.format(chosen=chosen, limit=limit))
    else:
        sql = _WITH_PAGE.format(objects=objects_sql(criteria, values))
    return Statement("kinto_page", sql, long=criteria.is_long)


def _count_statement(criteria: Criteria, values: BoundValues) -> Statement:
    if criteria.is_whole_list:
        return _WITH_COUNT_OF_LIST
    sql = _WITH_PAGE.format(objects=_COUNT.format(where=where(criteria, values)))
    return Statement("kinto_count_page", sql, long=True)


def fetch_context(
    connection: Connection, query: ContextQuery, *, names: FieldNames, with_timestamp: bool
) -> StoredContext:
    """The answer to a query, from one snapshot of the database.

    :param with_timestamp: of the list, which is left out otherwise where the object exists.
    """
    consulted, params = query.consulted, _params(query)
    if consulted is None:
        row = connection.fetch_one(_FETCH[with_timestamp], params)
        assert row is not None
        return _context(row, query, names=names)
    params["consulted_resource_name"] = consulted.resource_name
    params["consulted_parent_id"] = consulted.parent_id
    params["consulted_id"] = consulted.object_id
    row = connection.fetch_one(_FETCH_CONSULTED[with_timestamp], params)
    assert row is not None
    context, (epoch, data) = _context(row[:8], query, names=names), row[8:]
    if data is not None:
        context.consulted = one_object(data, consulted.object_id, epoch, names=names)
    return context


def _context(row: Sequence[Any], query: ContextQuery, *, names: FieldNames) -> StoredContext:
    groups, granted, aces, epoch, data, owner_epoch, owner_data, timestamp = row
    context = StoredContext(
        groups=frozenset(groups or ()),
        granted=frozenset(map(tuple, granted or ())),
        permissions=_permissions(aces or ()),
        timestamp=timestamp,
    )
    if data is not None and query.object_id is not None:
        context.obj = one_object(data, query.object_id, epoch, names=names)
    if owner_data is not None and query.owner is not None:
        context.owner = one_object(owner_data, query.owner.object_id, owner_epoch, names=names)
    return context


def groups_of(userid: str | None) -> list[str]:
    """Who has to be looked up among the members of groups."""
    return [] if userid is None else [userid, _AUTHENTICATED]


@lru_cache(maxsize=1024)
def _who(userid: str | None, principals: tuple[str, ...]) -> tuple[ArrayText, ArrayText]:
    """Who asks, as arrays. They are kept: users come back."""
    return text_array(groups_of(userid)), text_array(principals)


@lru_cache(maxsize=1024)
def _pairs(granted_by: tuple[tuple[str, str], ...]) -> str:
    """What grants a list, as the text of an array of arrays. It is kept: lists are asked again."""
    return "{" + ",".join([str(text_array(pair)) for pair in granted_by]) + "}"


def _params(query: ContextQuery) -> dict[str, object]:
    owner = query.owner
    user_ids, principals = _who(query.userid, query.principals)
    resource_name, parent_id = query.target
    return {
        "user_ids": user_ids,
        "principals": principals,
        "uris": text_array(query.uris),
        "object_uri": query.object_uri,
        "resource_name": resource_name,
        "parent_id": parent_id,
        "object_id": query.object_id,
        "owner_resource_name": owner and owner.resource_name,
        "owner_parent_id": owner and owner.parent_id,
        "owner_id": owner and owner.object_id,
    }


def _permissions(aces: Sequence[Sequence[str]]) -> Permissions:
    """Pairs of permission and principal, grouped by permission."""
    permissions: Permissions = {}
    for permission, principal in aces:
        permissions.setdefault(permission, set()).add(principal)
    return permissions
