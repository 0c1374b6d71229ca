"""Writing one object: one statement each, which takes the lock of the list."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from kinto.core.postgresql.arrays import ArrayText, text_array
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.exceptions import ConcurrentWriteError, IntegrityError
from kinto.core.types import ObjectEntries, ObjectKey


_PUT_SQL = """
    SELECT outcome, epoch, stored
      FROM kinto_put_object(
        %(resource_name)s, %(parent_id)s, %(object_id)s, %(data)s,
        %(given)s, %(only_create)s, %(expected)s,
        %(owner_resource_name)s, %(owner_parent_id)s, %(owner_id)s)
"""
_PUT_TYPES = {
    "resource_name": "text",
    "parent_id": "text",
    "object_id": "text",
    "data": "jsonb",
    "given": "bigint",
    "only_create": "boolean",
    "expected": "bigint",
    "owner_resource_name": "text",
    "owner_parent_id": "text",
    "owner_id": "text",
}
_PUT = Statement("kinto_put_object", _PUT_SQL, types=_PUT_TYPES)

# A row that stays is not touched, so that the deletion and the insertion never meet. They see
# the entries as they were before the lock of the list: whoever changed them changed the object,
# which then is not as expected.
_PUT_WITH_ENTRIES = Statement(
    "kinto_put_with_entries",
    f"""
    WITH put AS ({_PUT_SQL}), wanted AS (
        SELECT permission, principal
          FROM put, unnest(%(permissions)s, %(principals)s) AS each (permission, principal)
         WHERE put.outcome = 'written'
    ), removed AS (
        DELETE FROM access_control_entries AS aces
         USING put
         WHERE put.outcome = 'written'
           AND aces.object_id = %(object_uri)s
           AND aces.permission = ANY(%(names)s)
           AND NOT EXISTS (
               SELECT FROM wanted
                WHERE wanted.permission = aces.permission
                  AND wanted.principal = aces.principal
           )
    ), added AS (
        INSERT INTO access_control_entries (object_id, permission, principal)
        SELECT %(object_uri)s, permission, principal
          FROM wanted
            ON CONFLICT DO NOTHING
    )
    SELECT outcome, epoch, stored FROM put
    """,
    types={
        **_PUT_TYPES,
        "object_uri": "text",
        "names": "text[]",
        "permissions": "text[]",
        "principals": "text[]",
    },
)

_DELETE_SQL = """
    SELECT outcome, epoch
      FROM kinto_delete_object(
        %(resource_name)s, %(parent_id)s, %(object_id)s,
        %(with_deleted)s, %(given)s, %(expected)s)
"""
_DELETE_TYPES = {
    "resource_name": "text",
    "parent_id": "text",
    "object_id": "text",
    "with_deleted": "boolean",
    "given": "bigint",
    "expected": "bigint",
}
_DELETE = Statement("kinto_delete_object", _DELETE_SQL, types=_DELETE_TYPES)

_DELETE_WITH_ENTRIES = Statement(
    "kinto_delete_with_entries",
    f"""
    WITH deleted AS ({_DELETE_SQL}), removed AS (
        DELETE FROM access_control_entries AS aces
         USING deleted
         WHERE deleted.outcome = 'written'
           AND aces.object_id = %(object_uri)s
    )
    SELECT outcome, epoch FROM deleted
    """,
    types={**_DELETE_TYPES, "object_uri": "text"},
)


# Of one object, whose arrays are kept.
_KEPT_ENTRIES = 8


class WriteConditions(NamedTuple):
    """What must hold once the list is locked.

    :param given: the timestamp that the client asks for.
    :param expected: the timestamp that the live object must have.
    :param owner: an object that must be live.
    """

    given: int | None = None
    expected: int | None = None
    owner: ObjectKey | None = None


class Existing(NamedTuple):
    """The live object that keeps another one from being created."""

    epoch: int
    data: str


def put_object(
    connection: Connection,
    key: ObjectKey,
    data: str,
    *,
    conditions: WriteConditions,
    only_create: bool = False,
    entries: ObjectEntries | None = None,
) -> int | Existing:
    """Create or replace an object; its new timestamp.

    :param data: JSON text of its fields but identifier and timestamp.
    :param only_create: leave a live object alone, and return it.
    :param entries: to replace, of the permissions named.
    :raises ConcurrentWriteError: a condition does not hold.
    :raises IntegrityError: another object has the given timestamp.
    """
    owner = conditions.owner
    statement, params = (
        _PUT,
        {
            **key._asdict(),
            "data": data,
            "given": conditions.given,
            "only_create": only_create,
            "expected": conditions.expected,
            "owner_resource_name": owner and owner.resource_name,
            "owner_parent_id": owner and owner.parent_id,
            "owner_id": owner and owner.object_id,
        },
    )
    if entries is not None:
        statement = _PUT_WITH_ENTRIES
        params.update(_entry_params(entries))
    row = connection.fetch_one(statement, params)
    assert row is not None
    outcome, epoch, stored = row
    if outcome == "exists":
        return Existing(epoch, stored)
    _check(outcome, key, conditions)
    return int(epoch)


def delete_object(
    connection: Connection,
    key: ObjectKey,
    *,
    conditions: WriteConditions,
    with_deleted: bool,
    entries: ObjectEntries | None = None,
) -> int | None:
    """Remove an object; the timestamp of its tombstone, ``None`` if there is no such object.

    :param entries: of the object, all of which are removed.
    :raises ConcurrentWriteError: a condition does not hold.
    :raises IntegrityError: another object has the given timestamp.
    """
    statement, params = (
        _DELETE,
        {
            **key._asdict(),
            "with_deleted": with_deleted,
            "given": conditions.given,
            "expected": conditions.expected,
        },
    )
    if entries is not None:
        statement = _DELETE_WITH_ENTRIES
        params["object_uri"] = entries.object_uri
    row = connection.fetch_one(statement, params)
    assert row is not None
    outcome, epoch = row
    if outcome == "missing" and conditions.expected is None:
        return None
    _check(outcome, key, conditions)
    return int(epoch)


def _entry_params(entries: ObjectEntries) -> Mapping[str, Any]:
    permissions = entries.permissions
    pairs = [(name, holder) for name, holders in permissions.items() for holder in holders]
    make = _entry_arrays if len(pairs) <= _KEPT_ENTRIES else _entry_arrays.__wrapped__
    names, each_permission, each_principal = make(tuple(permissions), tuple(pairs))
    return {
        "object_uri": entries.object_uri,
        "names": names,
        "permissions": each_permission,
        "principals": each_principal,
    }


@lru_cache(maxsize=1024)
def _entry_arrays(
    names: tuple[str, ...], pairs: tuple[tuple[str, str], ...]
) -> tuple[ArrayText, ArrayText, ArrayText]:
    """Entries as arrays. Few are kept: mostly, all that somebody writes is theirs alone."""
    return (
        text_array(names),
        text_array([name for name, _ in pairs]),
        text_array([holder for _, holder in pairs]),
    )


def _check(outcome: str, key: ObjectKey, conditions: WriteConditions) -> None:
    """Raise what an outcome of the SQL functions stands for."""
    if outcome == "taken":
        raise IntegrityError(message=f"Another object has the timestamp {conditions.given}")
    if outcome == "orphan" and conditions.owner is not None:
        owner_id = conditions.owner.object_id
        raise ConcurrentWriteError(message=f"{owner_id} was deleted meanwhile")
    if outcome in ("stale", "missing"):
        raise ConcurrentWriteError(message=f"{key.object_id} was changed meanwhile")
