"""Entries of a list as callers see them."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from kinto.core.protocol import json_codec
from kinto.core.storage.matching import FieldNames, Row
from kinto.core.storage.memory.lists import Entry, Lists
from kinto.core.types import KintoObject, ListKey


T = TypeVar("T", KintoObject, list[KintoObject])


def copied(value: T) -> T:
    """A copy that shares nothing with what is stored."""
    copy: T = json_codec.loads_stored(json_codec.dumps_bytes(value))
    return copy


def as_object(object_id: str, entry: Entry, names: FieldNames) -> KintoObject:
    """An object, or a tombstone; its members are those stored, not copies."""
    server_fields = {names.id: object_id, names.modified: entry.last_modified}
    if entry.data is None:
        return {**server_fields, names.deleted: True}
    return {**entry.data, **server_fields}


def rows_of(
    lists: Lists, key: ListKey, names: FieldNames, *, include_deleted: bool = False
) -> list[Row]:
    """The objects of one list, with its tombstones if asked for."""
    return [
        Row(as_object(object_id, entry, names), is_deleted=entry.data is None, key=key)
        for object_id, entry in lists.entries(key)
        if include_deleted or entry.data is not None
    ]


def located(rows: Iterable[Row]) -> Iterator[tuple[ListKey, Row]]:
    """Each row with the list that it is stored in."""
    for row in rows:
        assert row.key is not None
        yield row.key, row


def tombstones_of(
    lists: Lists, key: ListKey, *, before: int | None = None, max_retained: int | None = None
) -> list[str]:
    """Identifiers of the tombstones of one list, the newest first.

    :param before: only those older than this timestamp.
    :param max_retained: without this many of the newest.
    """
    tombstones = sorted(
        (
            (entry.last_modified, object_id)
            for object_id, entry in lists.entries(key)
            if entry.data is None and (before is None or entry.last_modified < before)
        ),
        reverse=True,
    )
    return [object_id for _, object_id in tombstones[max_retained or 0 :]]
