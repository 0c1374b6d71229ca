"""Filters of a list, as written in a query string.

Source: "Filtering" in the API documentation.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kinto.core.exceptions import InvalidParameter, UnstorableText
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import Filter
from kinto.core.protocol.querystring import (
    TIMESTAMP_ALIASES,
    GroupedParams,
    RawValue,
    find_name_problem,
    invalid_value,
    parse_number,
    parse_whole_number,
)
from kinto.core.protocol.storable import check_storable
from kinto.core.protocol.text import native_value
from kinto.core.types import JSONValue


# What one request may ask of the database.
MAX_FILTERS: Final = 100
MAX_FILTER_VALUES: Final = 10_000

_ONE_DAY_MS = 24 * 60 * 60 * 1000
_BIGGEST_STORED_ID = 2**64
_PREFIXED = re.compile(f"({'|'.join(op.name.lower() for op in COMPARISON)})_(.+)", re.DOTALL)
_ALIASES = {"_since": COMPARISON.GT, "_before": COMPARISON.LT, "_to": COMPARISON.LT}
_LISTS = (COMPARISON.IN, COMPARISON.EXCLUDE)
_ARRAYS = (COMPARISON.CONTAINS, COMPARISON.CONTAINS_ANY)
_TIMESTAMP_OPERATORS = frozenset(
    (
        COMPARISON.EQ,
        COMPARISON.NOT,
        COMPARISON.MIN,
        COMPARISON.MAX,
        COMPARISON.GT,
        COMPARISON.LT,
    )
)

# The timestamp of the list, or what gives it: it is needed for dates in the future only.
ListTimestamp = Callable[[], int | None] | int | None


@dataclass(frozen=True, slots=True)
class _Context:
    known_field: Callable[[str], bool]
    now_ms: int
    list_timestamp: ListTimestamp
    id_field: str
    modified_field: str


def extract_filters(
    params: GroupedParams,
    *,
    known_field: Callable[[str], bool],
    now_ms: int,
    list_timestamp: ListTimestamp,
    id_field: str = "id",
    modified_field: str = "last_modified",
) -> list[Filter]:
    """The filters of a query string, in its order.

    :param known_field: whether objects of this kind may have that field (a dotted path).
    :raises InvalidParameter: the first filter that cannot be applied.
    """
    context = _Context(known_field, now_ms, list_timestamp, id_field, modified_field)
    filters: list[Filter] = []
    for name, raw in params.items():
        if name.startswith("_") and name not in _ALIASES:
            continue
        found = _read_filter(name, raw, context)
        if found is None:
            continue
        filters.append(found)
        if len(filters) > MAX_FILTERS:
            raise InvalidParameter("querystring", name, f"At most {MAX_FILTERS} filters")
    return filters


def split_parameter(name: str) -> tuple[str, COMPARISON]:
    """Field and operator of a parameter: ``min_age`` is ``age`` and ``MIN``."""
    if match := _PREFIXED.fullmatch(name):
        return match[2], COMPARISON[match[1].upper()]
    return name, COMPARISON.EQ


def filters_on_timestamp(
    filters: Sequence[Filter], *, modified_field: str = "last_modified"
) -> bool:
    """Whether tombstones belong into the list: it is asked for what changed."""
    return any(found.field == modified_field for found in filters)


def _read_filter(name: str, raw: RawValue, context: _Context) -> Filter | None:
    if name in TIMESTAMP_ALIASES:
        return _read_timestamp(name, raw, _ALIASES[name], context)
    field, operator = split_parameter(name)
    if problem := find_name_problem(name, field):
        raise problem
    if not context.known_field(field):
        raise InvalidParameter("querystring", name, f"Unknown filter field '{name}'")
    if field == context.modified_field:
        return _read_timestamp(name, raw, operator, context)
    if field == context.id_field:
        value = _read_id(name, raw, operator)
    else:
        value = _read_value(name, raw, operator)
    try:
        check_storable(value)
    except UnstorableText as error:
        raise InvalidParameter("querystring", name, error.reason) from error
    return Filter(field, value, operator)


def _read_value(name: str, raw: RawValue, operator: COMPARISON) -> JSONValue:
    if operator in _LISTS:
        texts = (",".join(raw) if isinstance(raw, list) else raw).split(",")
        if len(texts) > MAX_FILTER_VALUES:
            raise InvalidParameter("querystring", name, f"At most {MAX_FILTER_VALUES} values")
        return [native_value(text) for text in texts]
    value = native_value(raw)
    if operator in _ARRAYS:
        return value if isinstance(value, list) else [value]
    if operator is COMPARISON.HAS:
        return bool(value)
    if operator is COMPARISON.LIKE and not isinstance(value, str):
        raise invalid_value(name)
    return value


def _read_id(name: str, raw: RawValue, operator: COMPARISON) -> JSONValue:
    if operator in _ARRAYS:
        raise InvalidParameter("querystring", name, "Field 'id' is not an array")
    value = _read_value(name, raw, operator)
    if operator is COMPARISON.HAS:
        return value
    if operator in _LISTS:
        if not all(isinstance(member, str) for member in value):
            raise invalid_value(name)
        return value
    if isinstance(value, (list, dict)):
        raise invalid_value(name)
    if isinstance(value, (int, float)):
        if abs(value) >= _BIGGEST_STORED_ID:
            raise invalid_value(name)
        return str(raw).strip()
    return value


def _read_timestamp(
    name: str, raw: RawValue, operator: COMPARISON, context: _Context
) -> Filter | None:
    is_typed = name in TIMESTAMP_ALIASES or name == context.modified_field
    if operator not in _TIMESTAMP_OPERATORS:
        raise invalid_value(name)
    if is_typed:
        try:
            timestamp = parse_number(raw)
        except ValueError as error:
            raise InvalidParameter("querystring", name, str(error)) from error
        if timestamp is None and name in TIMESTAMP_ALIASES and native_value(raw) is None:
            return None
    else:
        timestamp = parse_whole_number(raw)
    if timestamp is None or _is_too_far(timestamp, context):
        raise invalid_value(name)
    return Filter(context.modified_field, timestamp, operator)


def _is_too_far(timestamp: int, context: _Context) -> bool:
    """Whether no ETag can have been that high: later than tomorrow and than the list itself."""
    if timestamp <= context.now_ms + _ONE_DAY_MS:
        return False
    current = context.list_timestamp
    if callable(current):
        current = current()
    return current is None or timestamp > current
