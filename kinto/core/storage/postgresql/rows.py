"""Rows of ``objects``, made into objects."""

from collections.abc import Iterable, Sequence

from kinto.core.protocol import json_codec
from kinto.core.storage.matching import FieldNames
from kinto.core.types import JSONValue, KintoObject


# Milliseconds since the epoch, id, whether it is a tombstone, JSON text of the other fields.
ObjectRow = tuple[int, str, bool, str]


def one_object(data: str, object_id: str, epoch: int, *, names: FieldNames) -> KintoObject:
    """The live object of a row."""
    obj: KintoObject = json_codec.loads_stored(data)
    obj[names.id] = object_id
    obj[names.modified] = epoch
    return obj


def many_objects(rows: Sequence[ObjectRow], *, names: FieldNames) -> list[KintoObject]:
    """The objects and tombstones of rows, in their order."""
    # One text is decoded faster than many.
    objects: list[KintoObject] = json_codec.loads_stored(f"[{','.join([row[3] for row in rows])}]")
    id_field, modified_field, _ = names
    for position, (epoch, object_id, is_deleted, _) in enumerate(rows):
        if is_deleted:
            objects[position] = tombstone(object_id, epoch, names=names)
        else:
            obj = objects[position]
            obj[id_field] = object_id
            obj[modified_field] = epoch
    return objects


def many_texts(rows: Sequence[ObjectRow], *, names: FieldNames) -> list[JSONValue]:
    """The same, as JSON that was not read: the text of the database with what has a column."""
    return [json_codec.raw_json(_text(row, names)) for row in rows]


def _text(row: ObjectRow, names: FieldNames) -> str:
    epoch, object_id, is_deleted, data = row
    if is_deleted:
        return json_codec.dumps(tombstone(object_id, epoch, names=names))
    head = f'{{"{names.id}":{json_codec.dumps(object_id)},"{names.modified}":{epoch}'
    return f"{head}}}" if data == "{}" else f"{head},{data[1:]}"


def tombstone(object_id: str, epoch: int, *, names: FieldNames) -> KintoObject:
    """What stays of a deleted object."""
    return {names.id: object_id, names.modified: epoch, names.deleted: True}


def tombstones(rows: Iterable[tuple[str, int]], *, names: FieldNames) -> list[KintoObject]:
    """What stays of several: rows of id and milliseconds since the epoch."""
    return [tombstone(object_id, epoch, names=names) for object_id, epoch in rows]
