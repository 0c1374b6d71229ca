"""SQL statements of the permission backend in PostgreSQL.

Hot ones are written for one index each: a plan kept by the server cannot go wrong then.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from kinto.core.postgresql.arrays import text_array
from kinto.core.postgresql.statements import Mergeable, Params, Statement


HAS_TABLES = Statement(
    "permission_has_tables",
    """
    SELECT to_regclass('user_principals') IS NOT NULL,
           to_regclass('access_control_entries') IS NOT NULL,
           to_regclass('metadata') IS NOT NULL
    """,
)

VERSION = Statement(
    "permission_version",
    "SELECT MAX(value::INTEGER) FROM metadata WHERE name = 'permission_schema_version'",
)

FLUSH_USER_PRINCIPALS = Statement(
    "permission_flush_principals", "DELETE FROM user_principals", long=True
)
FLUSH_ACCESS_CONTROL_ENTRIES = Statement(
    "permission_flush_aces", "DELETE FROM access_control_entries", long=True
)

ADD_USER_PRINCIPAL = Statement(
    "permission_add_user_principal",
    """
    INSERT INTO user_principals (user_id, principal)
    VALUES (%(user_id)s, %(principal)s)
        ON CONFLICT DO NOTHING
    """,
    types={"user_id": "text", "principal": "text"},
)

REMOVE_USER_PRINCIPAL = Statement(
    "permission_remove_user_principal",
    """
    DELETE FROM user_principals
     WHERE user_id = %(user_id)s
       AND principal = %(principal)s
    """,
    types={"user_id": "text", "principal": "text"},
)

REMOVE_PRINCIPAL = Statement(
    "permission_remove_principal",
    """
    DELETE FROM user_principals
     WHERE principal COLLATE "C" = %(principal)s
    """,
    types={"principal": "text"},
)

REMOVE_PRINCIPALS_FROM = Statement(
    "permission_remove_principals_from",
    """
    DELETE FROM user_principals
     WHERE principal COLLATE "C" >= %(low)s
       AND principal COLLATE "C" < %(high)s
    """,
    types={"low": "text", "high": "text"},
)

GET_USER_PRINCIPALS = Statement(
    "permission_get_user_principals",
    """
    SELECT principal
      FROM user_principals
     WHERE user_id IN (%(user_id)s, 'system.Authenticated')
    """,
    types={"user_id": "text"},
)

ADD_PRINCIPAL = Statement(
    "permission_add_principal",
    """
    INSERT INTO access_control_entries (object_id, permission, principal)
    VALUES (%(object_id)s, %(permission)s, %(principal)s)
        ON CONFLICT DO NOTHING
    """,
    types={"object_id": "text", "permission": "text", "principal": "text"},
)

REMOVE_PRINCIPAL_FROM_ACE = Statement(
    "permission_remove_principal_from_ace",
    """
    DELETE FROM access_control_entries
     WHERE object_id = %(object_id)s
       AND permission = %(permission)s
       AND principal = %(principal)s
    """,
    types={"object_id": "text", "permission": "text", "principal": "text"},
)

GET_PRINCIPALS = Statement(
    "permission_get_principals",
    """
    SELECT principal
      FROM access_control_entries
     WHERE object_id = %(object_id)s
       AND permission = %(permission)s
    """,
    types={"object_id": "text", "permission": "text"},
)

GET_AUTHORIZED_PRINCIPALS = Statement(
    "permission_get_authorized_principals",
    """
    SELECT DISTINCT aces.principal
      FROM unnest(%(objects_ids)s, %(permissions)s) AS bound (object_id, permission)
     CROSS JOIN LATERAL (
           SELECT principal
             FROM access_control_entries
            WHERE object_id = bound.object_id
              AND permission = bound.permission
           OFFSET 0  -- looked up pair by pair, in the primary key
           ) AS aces
    """,
    types={"objects_ids": "text[]", "permissions": "text[]"},
)

GET_ALL_ACCESSIBLE = Statement(
    "permission_get_all_accessible",
    """
    SELECT DISTINCT object_id, permission
      FROM access_control_entries
     WHERE principal = ANY(%(principals)s::TEXT[])
    """,
    long=True,
)

# The ranges make the index usable, the patterns decide. No regular expression: children too.
GET_ACCESSIBLE = Statement(
    "permission_get_accessible",
    """
    SELECT DISTINCT aces.object_id, aces.permission
      FROM unnest(
               %(lows)s::TEXT[], %(highs)s::TEXT[], %(likes)s::TEXT[], %(regexps)s::TEXT[],
               %(permissions)s::TEXT[]
           ) AS bound (low, high, pattern, regexp, permission)
      JOIN access_control_entries AS aces
        ON aces.principal = ANY(%(principals)s::TEXT[])
       AND aces.object_id >= bound.low
       AND (bound.high IS NULL OR aces.object_id < bound.high)
       AND aces.object_id LIKE bound.pattern
       AND (bound.regexp IS NULL OR aces.object_id ~ bound.regexp)
       AND aces.permission = bound.permission
    """,
    long=True,
)

GET_OBJECTS_PERMISSIONS = Statement(
    "permission_get_objects_permissions",
    """
    SELECT object_id, permission, principal
      FROM access_control_entries
     WHERE object_id = ANY(%(objects_ids)s)
       AND (%(permissions)s IS NULL OR permission = ANY(%(permissions)s))
    """,
    types={"objects_ids": "text[]", "permissions": "text[]"},
)

# A row that stays is not touched, so that the deletion and the insertion never meet.
REPLACE_PERMISSIONS = Statement(
    "permission_replace_permissions",
    """
    WITH wanted AS (
        SELECT DISTINCT permission, principal
          FROM unnest(%(permissions)s, %(principals)s) AS each (permission, principal)
    ), removed AS (
        DELETE FROM access_control_entries AS aces
         WHERE object_id = %(object_id)s
           AND permission = ANY(%(names)s)
           AND NOT EXISTS (
               SELECT FROM wanted
                WHERE wanted.permission = aces.permission
                  AND wanted.principal = aces.principal
           )
    )
    INSERT INTO access_control_entries (object_id, permission, principal)
    SELECT %(object_id)s, permission, principal
      FROM wanted
        ON CONFLICT DO NOTHING
    """,
    types={
        "object_id": "text",
        "names": "text[]",
        "permissions": "text[]",
        "principals": "text[]",
    },
)


def replacement_of(
    object_id: str, permissions: Mapping[str, Iterable[str]]
) -> tuple[Statement, Params]:
    """What replaces the permissions named of one object."""
    pairs = [(name, holder) for name, holders in permissions.items() for holder in holders]
    return REPLACE_PERMISSIONS, {
        "object_id": object_id,
        "names": list(permissions),
        "permissions": [name for name, _ in pairs],
        "principals": [holder for _, holder in pairs],
    }


# Of many objects at once. Not prepared: a plan made for a small table would be kept.
_REPLACE_ALL = Statement(
    "permission_replace_all",
    """
    WITH wanted AS (
        SELECT DISTINCT object_id, permission, principal
          FROM unnest(%(objects_ids)s::TEXT[], %(permissions)s::TEXT[], %(principals)s::TEXT[])
            AS each (object_id, permission, principal)
    ), removed AS (
        DELETE FROM access_control_entries AS aces
         USING unnest(%(replaced_ids)s::TEXT[], %(replaced)s::TEXT[])
            AS each (object_id, permission)
         WHERE aces.object_id = each.object_id
           AND aces.permission = each.permission
           AND NOT EXISTS (
               SELECT FROM wanted
                WHERE wanted.object_id = aces.object_id
                  AND wanted.permission = aces.permission
                  AND wanted.principal = aces.principal
           )
    )
    INSERT INTO access_control_entries (object_id, permission, principal)
    SELECT object_id, permission, principal
      FROM wanted
        ON CONFLICT DO NOTHING
    """,
)


_INSERT_ALL = Statement(
    "permission_insert_all",
    """
    INSERT INTO access_control_entries (object_id, permission, principal)
    SELECT object_id, permission, principal
      FROM unnest(%(objects_ids)s, %(permissions)s, %(principals)s)
        AS each (object_id, permission, principal)
        ON CONFLICT DO NOTHING
    """,
    types={"objects_ids": "text[]", "permissions": "text[]", "principals": "text[]"},
)


class Replacement(NamedTuple):
    """The permissions of an object, as they are to be.

    :param is_first: it has none until now.
    """

    object_id: str
    permissions: Mapping[str, Iterable[str]]
    is_first: bool


def _merge_replacements(replacements: Sequence[Replacement]) -> tuple[Statement, Params]:
    """One statement for replacements in their order; of one permission, the last counts."""
    last = {
        (object_id, name): holders
        for object_id, permissions, _ in replacements
        for name, holders in permissions.items()
    }
    aces = [(*key, holder) for key, holders in last.items() for holder in holders]
    params = {
        "objects_ids": text_array([object_id for object_id, _, _ in aces]),
        "permissions": text_array([name for _, name, _ in aces]),
        "principals": text_array([holder for _, _, holder in aces]),
    }
    if all(replacement.is_first for replacement in replacements):
        return _INSERT_ALL, params
    params["replaced_ids"] = text_array([object_id for object_id, _ in last])
    params["replaced"] = text_array([name for _, name in last])
    return _REPLACE_ALL, params


REPLACEMENTS = Mergeable(_merge_replacements)

DELETE_OBJECTS = Statement(
    "permission_delete_objects",
    "DELETE FROM access_control_entries WHERE object_id = ANY(%(objects_ids)s)",
    types={"objects_ids": "text[]"},
)


def _merge_deletions(object_ids: Sequence[str]) -> tuple[Statement, Params]:
    return DELETE_OBJECTS, {"objects_ids": text_array(object_ids)}


DELETIONS = Mergeable(_merge_deletions)

DELETE_MATCHING = Statement(
    "permission_delete_matching",
    """
    DELETE FROM access_control_entries AS aces
     USING unnest(%(lows)s::TEXT[], %(highs)s::TEXT[], %(likes)s::TEXT[])
           AS bound (low, high, pattern)
     WHERE aces.object_id >= bound.low
       AND (bound.high IS NULL OR aces.object_id < bound.high)
       AND aces.object_id LIKE bound.pattern
    """,
    long=True,
)
