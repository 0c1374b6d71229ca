"""The total order of JSON values, that of PostgreSQL's JSONB with texts by code point.

null < string < number < boolean < array < object < missing. Shorter arrays or objects come
first; those of one length compare item by item.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kinto.core.protocol import json_codec
from kinto.core.protocol.criteria import MISSING
from kinto.core.types import JSONValue


# Compares with the keys of other values, and is equal to those of equal values.
SortKey = tuple[Any, ...]

_NULL, _STRING, _NUMBER, _BOOLEAN, _ARRAY, _OBJECT, _MISSING = range(7)
# Above this a float is not the number that its text says.
_EXACT_FLOATS = 2**53


def sort_key(value: JSONValue) -> SortKey:
    """The place of a value in the order; values are equal when their keys are.

    :param value: a JSON value, or ``MISSING``.
    """
    if isinstance(value, str):
        return (_STRING, value)
    if isinstance(value, bool):
        return (_BOOLEAN, value)
    if isinstance(value, (int, float)):
        return (_NUMBER, _exact(value))
    if value is None:
        return (_NULL,)
    if isinstance(value, (list, tuple)):
        return (_ARRAY, len(value), tuple(map(sort_key, value)))
    if isinstance(value, dict):
        items = sorted(value.items(), key=_member_position)
        return (_OBJECT, len(items), tuple((name, sort_key(item)) for name, item in items))
    if value is MISSING:
        return (_MISSING,)
    raise TypeError(f"{value!r} is not a JSON value")


def _exact(number: float) -> float | Decimal:
    """A number that compares like its JSON text: 1e30 is 10**30 there."""
    if isinstance(number, float) and abs(number) >= _EXACT_FLOATS:
        return Decimal(repr(number))
    return number


def _member_position(member: tuple[str, Any]) -> tuple[int, bytes]:
    """Members of JSONB objects are stored, compared, written by length first."""
    name = member[0].encode("utf-8", "surrogatepass")
    return len(name), name


def json_text(value: JSONValue) -> str:
    """A value as JSONB writes it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(json_text, value))}]"
    if isinstance(value, dict):
        members = sorted(value.items(), key=_member_position)
        return f"{{{', '.join(f'{json_text(k)}: {json_text(v)}' for k, v in members)}}}"
    if isinstance(value, float):
        return format(Decimal(repr(value or 0.0)), "f")
    return json_codec.dumps(value)


def contains(stored: JSONValue, part: JSONValue) -> bool:
    """Whether ``part`` is contained in ``stored``, as JSONB has it.

    Scalars must be equal, each element of an array be in one of the other array, each
    member of an object be in the member of that name.
    """
    if isinstance(part, (list, tuple)):
        return isinstance(stored, (list, tuple)) and _contains_all(stored, part)
    if isinstance(part, dict):
        return isinstance(stored, dict) and all(
            name in stored and contains(stored[name], value) for name, value in part.items()
        )
    return sort_key(stored) == sort_key(part)


def _contains_all(stored: Sequence[JSONValue], parts: Sequence[JSONValue]) -> bool:
    return all(any(contains(element, part) for element in stored) for part in parts)
