"""Writing one object: one statement each, which takes the lock of the list."""

from typing import NamedTuple

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.exceptions import ConcurrentWriteError, IntegrityError
from kinto.core.types import ObjectKey


_PUT = Statement(
    "kinto_put_object",
    """
    SELECT outcome, epoch, stored
      FROM kinto_put_object(
        %(resource_name)s, %(parent_id)s, %(object_id)s, %(data)s,
        %(given)s, %(only_create)s, %(expected)s,
        %(owner_resource_name)s, %(owner_parent_id)s, %(owner_id)s)
    """,
    types={
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
    },
)

_DELETE = Statement(
    "kinto_delete_object",
    """
    SELECT outcome, epoch
      FROM kinto_delete_object(
        %(resource_name)s, %(parent_id)s, %(object_id)s,
        %(with_deleted)s, %(given)s, %(expected)s)
    """,
    types={
        "resource_name": "text",
        "parent_id": "text",
        "object_id": "text",
        "with_deleted": "boolean",
        "given": "bigint",
        "expected": "bigint",
    },
)


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
) -> int | Existing:
    """Create or replace an object; its new timestamp.

    :param data: JSON text of its fields but identifier and timestamp.
    :param only_create: leave a live object alone, and return it.
    :raises ConcurrentWriteError: a condition does not hold.
    :raises IntegrityError: another object has the given timestamp.
    """
    owner = conditions.owner
    row = connection.fetch_one(
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
    assert row is not None
    outcome, epoch, stored = row
    if outcome == "exists":
        return Existing(epoch, stored)
    _check(outcome, key, conditions)
    return int(epoch)


def delete_object(
    connection: Connection, key: ObjectKey, *, conditions: WriteConditions, with_deleted: bool
) -> int | None:
    """Remove an object; the timestamp of its tombstone, ``None`` if there is no such object.

    :raises ConcurrentWriteError: a condition does not hold.
    :raises IntegrityError: another object has the given timestamp.
    """
    row = connection.fetch_one(
        _DELETE,
        {
            **key._asdict(),
            "with_deleted": with_deleted,
            "given": conditions.given,
            "expected": conditions.expected,
        },
    )
    assert row is not None
    outcome, epoch = row
    if outcome == "missing" and conditions.expected is None:
        return None
    _check(outcome, key, conditions)
    return int(epoch)


def _check(outcome: str, key: ObjectKey, conditions: WriteConditions) -> None:
    """Raise what an outcome of the SQL functions stands for."""
    if outcome == "taken":
        raise IntegrityError(message=f"Another object has the timestamp {conditions.given}")
    if outcome == "orphan" and conditions.owner is not None:
        owner_id = conditions.owner.object_id
        raise ConcurrentWriteError(message=f"{owner_id} was deleted meanwhile")
    if outcome in ("stale", "missing"):
        raise ConcurrentWriteError(message=f"{key.object_id} was changed meanwhile")
