"""The rows of ``timestamps``: locks of lists, and their first timestamps."""

from collections.abc import Sequence

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement
from kinto.core.types import ListKey


_LOCK = Statement(
    "kinto_lock_lists",
    "SELECT kinto_lock_lists(%(resource_names)s, %(parent_ids)s, %(known_only)s)",
    types={"resource_names": "text[]", "parent_ids": "text[]", "known_only": "boolean"},
)

_ADD = Statement(
    "kinto_add_lists",
    """
    INSERT INTO timestamps (parent_id, resource_name, last_modified, object_count)
    SELECT parent_id, resource_name, kinto_now(), kinto_first_count(resource_name, parent_id)
      FROM unnest(%(resource_names)s::text[], %(parent_ids)s::text[])
        AS keys (resource_name, parent_id)
        ON CONFLICT DO NOTHING
    """,
)

_START = Statement("kinto_start_list", "SELECT kinto_start_list(%(resource_name)s, %(parent_id)s)")


def lock_lists(
    connection: Connection, keys: Sequence[ListKey], *, known_only: bool = False
) -> None:
    """Keep other writers away from these lists until the end of the transaction."""
    if keys:
        connection.defer(_LOCK, {**_columns(keys), "known_only": known_only})


def add_lists(connection: Connection, keys: Sequence[ListKey]) -> None:
    """Give each list its first timestamp (now), where it has none."""
    if keys:
        connection.defer(_ADD, _columns(keys))


def start_list(connection: Connection, key: ListKey) -> int:
    """The timestamp of a list, which gets one (now) if it never had any."""
    row = connection.fetch_one(_START, key._asdict())
    assert row is not None
    return int(row[0])


def _columns(keys: Sequence[ListKey]) -> dict[str, list[str]]:
    """The keys in the one order in which every transaction takes them."""
    ordered = sorted(set(keys), key=lambda key: (key.parent_id, key.resource_name))
    return {
        "resource_names": [key.resource_name for key in ordered],
        "parent_ids": [key.parent_id for key in ordered],
    }
