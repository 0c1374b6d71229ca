"""The fields of objects, as SQL expressions."""

from dataclasses import dataclass

from kinto.core.storage.matching import FieldNames
from kinto.core.storage.postgresql.values import BoundValues


# Paths of more keys are looked up by a function: the ways to split them double with each dot.
_MAX_SPELLED_KEYS = 4


@dataclass(frozen=True, slots=True)
class FieldExpression:
    """One field of the rows of ``objects``.

    :param value: its JSON value; NULL where it is missing.
    :param column: the column that holds it alone, if there is one.
    :param paths: the keys of ``data`` that lead to it, for containment; none for columns.
    """

    value: str
    column: str | None = None
    paths: tuple[tuple[str, ...], ...] = ()

    @property
    def in_data(self) -> bool:
        """Whether the whole object has to be looked at."""
        return self.column is None


_ID = FieldExpression("to_jsonb(id)", column="id")
_MODIFIED = FieldExpression("to_jsonb(as_epoch(last_modified))", column="last_modified")
# A member of that name in a live object is no mark of deletion.
_DELETED = FieldExpression("CASE WHEN deleted THEN 'true'::jsonb END", column="deleted")


def field_expression(field: str, *, names: FieldNames, values: BoundValues) -> FieldExpression:
    """The SQL of a field, which may be a dotted path.

    A key may hold dots itself: the longest that leads to a value wins.
    """
    if field == names.id:
        return _ID
    if field == names.modified:
        return _MODIFIED
    if field == names.deleted:
        return _DELETED
    parts = field.split(".")
    if len(parts) > _MAX_SPELLED_KEYS:
        return FieldExpression(f"kinto_find_value(data, {values.bind(field)})")
    paths = tuple(_splits(parts))
    # `->` with text looks into objects only: "0" is no position in an array.
    found = [
        " -> ".join(["data", *(f"{values.bind(key)}::text" for key in path)]) for path in paths
    ]
    value = f"COALESCE({', '.join(found)})" if len(found) > 1 else found[0]
    return FieldExpression(f"({value})", paths=paths)


def _splits(parts: list[str]) -> list[tuple[str, ...]]:
    """The ways to read a dotted path as keys, those with long first keys first."""
    whole = ".".join(parts)
    return [(whole,)] + [
        (".".join(parts[:used]), *rest)
        for used in range(len(parts) - 1, 0, -1)
        for rest in _splits(parts[used:])
    ]
