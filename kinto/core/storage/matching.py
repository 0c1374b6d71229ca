"""Filters, sorting, pagination, applied to objects in memory.

Source: "Filtering", "Sorting", "Paginating" in the API documentation.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import MISSING, Filter, Sort
from kinto.core.protocol.dicts import find_nested_value
from kinto.core.storage import wildcards
from kinto.core.storage.ordering import SortKey, contains, json_text, sort_key
from kinto.core.types import KintoObject, ListKey


class Row(NamedTuple):
    """An object, or a tombstone.

    :param key: the list that it is stored in, if any.
    """

    obj: KintoObject
    is_deleted: bool
    key: ListKey | None = None


class FieldNames(NamedTuple):
    """What the fields that the server fills in are called."""

    id: str = "id"
    modified: str = "last_modified"
    deleted: str = "deleted"


# Value of a field of a row, or MISSING.
Reader = Callable[[Row], Any]
# Whether a row fulfils a condition.
Predicate = Callable[[Row], bool]
# Whether a value fulfils a condition.
Test = Callable[[Any], bool]


def keep(rows: Iterable[Row], filters: Sequence[Filter] | None, names: FieldNames) -> list[Row]:
    """The rows that fulfil every filter."""
    if not filters:
        return list(rows)
    predicate = _all_of(filters, names)
    return [row for row in rows if predicate(row)]


def keep_page(
    rows: list[Row], rules: Sequence[Sequence[Filter]] | None, names: FieldNames
) -> list[Row]:
    """The rows that fulfil every filter of at least one of the rules, if there are any rules."""
    if not rules:
        return rows
    predicates = [_all_of(rule, names) for rule in rules]
    return [row for row in rows if any(predicate(row) for predicate in predicates)]


def ordered(rows: Iterable[Row], sorting: Sequence[Sort] | None, names: FieldNames) -> list[Row]:
    """The rows in the order asked for; ties, or everything by default, oldest first."""
    result = sorted(rows, key=_position_by(_reader(names.modified, names)))
    for sort in reversed(sorting or ()):
        key = _position_by(_reader(sort.field, names))
        result.sort(key=key, reverse=sort.direction < 0)
    return result


def _position_by(read: Reader) -> Callable[[Row], SortKey]:
    return lambda row: sort_key(read(row))


def _reader(field: str, names: FieldNames) -> Reader:
    if field == names.deleted:
        # A member of that name in a live object is no mark of deletion.
        return lambda row: True if row.is_deleted else MISSING
    if field == names.id:
        return lambda row: _id_text(row.obj.get(field, MISSING))
    return lambda row: find_nested_value(row.obj, field, MISSING)


def _id_text(value: Any) -> Any:
    """Identifiers compare as text: a number stands for its digits."""
    if isinstance(value, (list, tuple)):
        return [_id_text(element) for element in value]
    return json_text(value) if isinstance(value, (int, float)) else value


def _all_of(filters: Sequence[Filter], names: FieldNames) -> Predicate:
    """Compile filters once, however many rows there are."""
    checks: list[tuple[Reader, Test]] = []
    for field, value, operator in filters:
        if value is MISSING and operator not in _ORDERED:
            raise ValueError(f"MISSING cannot be the value of {operator}")
        is_id = field == names.id and operator is not COMPARISON.HAS
        wanted = _id_text(value) if is_id else value
        checks.append((_reader(field, names), _TESTS[operator](wanted)))
    return lambda row: all(test(read(row)) for read, test in checks)


def _less(value: Any) -> Test:
    bound = sort_key(value)
    return lambda found: sort_key(found) < bound


def _at_most(value: Any) -> Test:
    bound = sort_key(value)
    return lambda found: sort_key(found) <= bound


def _greater(value: Any) -> Test:
    bound = sort_key(value)
    return lambda found: sort_key(found) > bound


def _at_least(value: Any) -> Test:
    bound = sort_key(value)
    return lambda found: sort_key(found) >= bound


def _equal(value: Any) -> Test:
    wanted = sort_key(value)
    return lambda found: sort_key(found) == wanted


def _different(value: Any) -> Test:
    unwanted = sort_key(value)
    return lambda found: sort_key(found) != unwanted


def _one_of(values: Sequence[Any]) -> Test:
    wanted = {sort_key(value) for value in values}
    return lambda found: found is not MISSING and sort_key(found) in wanted


def _none_of(values: Sequence[Any]) -> Test:
    unwanted = {sort_key(value) for value in values}
    return lambda found: found is MISSING or sort_key(found) not in unwanted


def _like(value: Any) -> Test:
    text = value if isinstance(value, str) else json_text(value)
    pattern = (text if "*" in text else f"*{text}*").lower()

    def test(found: Any) -> bool:
        if found is MISSING or found is None:
            return False
        shown = found if isinstance(found, str) else json_text(found)
        return wildcards.matches(pattern, shown.lower())

    return test


def _has(value: bool) -> Test:
    return lambda found: (found is not MISSING) == bool(value)


def _contains(values: Sequence[Any]) -> Test:
    return lambda found: isinstance(found, (list, tuple)) and contains(found, values)


def _contains_any(values: Sequence[Any]) -> Test:
    wanted = {sort_key(value) for value in values}
    return lambda found: (
        isinstance(found, (list, tuple)) and any(sort_key(element) in wanted for element in found)
    )


# Operators that MISSING has a place for.
_ORDERED = frozenset(
    {
        COMPARISON.LT,
        COMPARISON.MAX,
        COMPARISON.GT,
        COMPARISON.MIN,
        COMPARISON.EQ,
        COMPARISON.NOT,
    }
)

_TESTS: dict[COMPARISON, Callable[[Any], Test]] = {
    COMPARISON.LT: _less,
    COMPARISON.MAX: _at_most,
    COMPARISON.GT: _greater,
    COMPARISON.MIN: _at_least,
    COMPARISON.EQ: _equal,
    COMPARISON.NOT: _different,
    COMPARISON.IN: _one_of,
    COMPARISON.EXCLUDE: _none_of,
    COMPARISON.LIKE: _like,
    COMPARISON.HAS: _has,
    COMPARISON.CONTAINS: _contains,
    COMPARISON.CONTAINS_ANY: _contains_any,
}
