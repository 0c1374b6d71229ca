"""JSON of whatever a log record holds."""

import json
from typing import Any

from kinto.core.types import JSONValue


def to_json(value: JSONValue) -> str:
    """JSON text on one line; what has no JSON form becomes its ``repr``. Never fails."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError):
        return _encode(_plain(value, depth=0))


def safe_repr(value: object) -> str:
    """The ``repr`` of an object, also of one that has a broken one."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # of foreign code, which must not cost the record
        return f"<{type(value).__name__}>"


def _plain(value: Any, *, depth: int) -> Any:  # what a record holds, and JSON
    """The value with its members made such that JSON has a form for each."""
    if depth > 20:
        return safe_repr(type(value))
    if isinstance(value, dict):
        return {str(key): _plain(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth=depth + 1) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    return safe_repr(value)


# Made once: it is used for every line.
_encode = json.JSONEncoder(default=safe_repr, allow_nan=False).encode
