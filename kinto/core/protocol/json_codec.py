"""The one JSON codec of the application.

Strict in what it reads: UTF-8, no ``NaN``, no number beyond a double, a bounded depth; integers
of more than 64 bits keep their value. Source: "JSON" in the API documentation.
"""

import re

import msgspec

from kinto.core.exceptions import JSONError
from kinto.core.protocol.storable import MAX_NESTING, check_storable, encode_plain
from kinto.core.types import JSONValue


__all__ = [
    "MAX_NESTING",
    "JSONError",
    "check_storable",
    "dumps",
    "dumps_bytes",
    "dumps_storable",
    "loads",
    "loads_stored",
]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode

_TOO_DEEP = f"More than {MAX_NESTING} levels of nesting."
_MALFORMED = re.compile(r"JSON is malformed: (?P<reason>.*) \(byte (?P<offset>\d+)\)")
# Words of the parser -> those that clients have been seeing.
_REASONS = {
    "object keys must be strings": "Missing a name for object member.",
    "trailing comma in object": "Missing a name for object member.",
    "expected ':'": "Missing a colon after a name of object member.",
    "expected ',' or '}'": "Missing a comma or '}' after an object member.",
    "expected ',' or ']'": "Missing a comma or ']' after an array element.",
    "invalid character in unicode escape": "Incorrect hex digit after \\u escape in string.",
    "invalid escape character in string": "Invalid escape character in string.",
    "trailing characters": "The document root must not be followed by other values.",
}


def loads(raw: bytes | str) -> JSONValue:
    """Read what a client sent.

    :raises JSONError: not JSON, not UTF-8, a number out of range, nested too deep.
    """
    try:
        value = _decode(raw)
    except msgspec.DecodeError as error:
        raise JSONError(_explain(str(error), raw)) from None
    except UnicodeError as error:
        raise JSONError(_explain_encoding(raw) or str(error)) from None
    except RecursionError:
        raise JSONError(f"Parse error at offset 0: {_TOO_DEEP}") from None
    if _may_be_deep(raw) and _is_deeper_than(value, MAX_NESTING):
        raise JSONError(f"Parse error at offset 0: {_TOO_DEEP}")
    return value


def loads_stored(raw: bytes | str) -> JSONValue:
    """Read what :func:`dumps_storable` wrote: its depth is known to be fine."""
    return _decode(raw)


def dumps_bytes(value: JSONValue, *, sort_keys: bool = False) -> bytes:
    """Write compact UTF-8, everything but quotes, backslashes and control characters unescaped.

    :raises TypeError: something that has no JSON form. ``NaN`` is written as ``null`` and bytes
        as Base64: :func:`dumps_storable` refuses both.
    """
    return _encode_sorted(value) if sort_keys else _encode(value)


def dumps(value: JSONValue, *, sort_keys: bool = False) -> str:
    """Like :func:`dumps_bytes`, as text."""
    return dumps_bytes(value, sort_keys=sort_keys).decode()


def dumps_storable(value: JSONValue) -> str:
    """Write a value for a backend: tuples become arrays, keys become text.

    :raises TypeError: bytes, or another type that JSON does not know.
    :raises UnstorableText: what PostgreSQL cannot hold.
    """
    encoded = encode_plain(value)
    if encoded is None:
        check_storable(value)
        encoded = _encode(value)
    return encoded.decode()


def raw_json(text: str | bytes) -> JSONValue:
    """A value that is JSON text already: it is written as it is, never read."""
    return msgspec.Raw(text.encode() if isinstance(text, str) else text)


def read_raw(value: JSONValue) -> JSONValue:
    """The value behind :func:`raw_json`; other values are returned as they are."""
    return loads_stored(bytes(value)) if isinstance(value, msgspec.Raw) else value


def _may_be_deep(raw: bytes | str) -> bool:
    if isinstance(raw, str):
        return len(raw) > MAX_NESTING and raw.count("[") + raw.count("{") > MAX_NESTING
    return len(raw) > MAX_NESTING and raw.count(b"[") + raw.count(b"{") > MAX_NESTING


def _is_deeper_than(value: JSONValue, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _explain(message: str, raw: bytes | str) -> str:
    """The message of the parser in the form that clients know."""
    if (in_encoding := _explain_encoding(raw)) is not None:
        return in_encoding
    if found := _MALFORMED.fullmatch(message):
        reason = _REASONS.get(found["reason"], "Invalid value.")
        return f"Parse error at offset {found['offset']}: {reason}"
    if "out of range" in message:
        return "Parse error at offset 0: Number too big to be stored in double."
    reason = "The document ends too early." if raw.strip() else "The document is empty."
    return f"Parse error at offset {len(raw)}: {reason}"


def _explain_encoding(raw: bytes | str) -> str | None:
    """The error of the whole text: the parser counts from the beginning of the string it reads."""
    try:
        raw.encode() if isinstance(raw, str) else raw.decode()
    except UnicodeError as error:
        return str(error)
    return None
