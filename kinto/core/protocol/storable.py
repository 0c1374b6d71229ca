"""Checks that a JSON value can be stored.

PostgreSQL holds any JSON but NUL characters, lone surrogates and numbers without a JSON form.
"""

from math import isfinite
from typing import Any

import msgspec

from kinto.core.exceptions import UnstorableText
from kinto.core.types import JSONValue


# Nested arrays and objects, the outermost counted. Far below the recursion limit of Python and
# the stack of PostgreSQL, so that whatever walks a stored value comes to its end.
MAX_NESTING = 400

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_Path = tuple[str | int, ...]


def find_text_problem(text: str) -> str | None:
    """What PostgreSQL would refuse in ``text``, ``None`` when it can be stored."""
    if "\0" in text:
        return "Invalid character 0x00"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"Invalid character 0x{ord(text[error.start]):x}"
    return None


def check_storable_text(text: str) -> None:
    """:raises UnstorableText: a NUL or a lone surrogate."""
    if problem := find_text_problem(text):
        raise UnstorableText((), problem)


def check_storable(value: JSONValue) -> None:
    """Walk a value in search of what no backend must be given.

    :raises TypeError: something that JSON does not know, bytes among others.
    :raises UnstorableText: a NUL or a lone surrogate in a key or a text, a number that is not
        finite, or more than :data:`MAX_NESTING` levels. Its ``path`` tells where.
    """
    if encode_plain(value) is not None:
        return
    level = _containers_within([(None, value)], ())
    for _ in range(MAX_NESTING):
        if not level:
            return
        level = [
            found
            for container, path in level
            for found in _containers_within(_members(container, path), path)
        ]
    if level:
        raise UnstorableText((), f"More than {MAX_NESTING} levels of nesting")


def may_hold_nul(text: bytes) -> bool:
    """Whether JSON text that was read without an error may hold what cannot be stored.

    Lone surrogates, numbers out of range and deep nesting are errors of the codec.
    """
    return b"\\u0000" in text


def encode_plain(value: JSONValue) -> bytes | None:
    """The JSON text of a value that has nothing to look at closely, which is true of nearly all.

    That it says the same when it is read shows that nothing was lost or converted.

    :returns: ``None`` when :func:`check_storable` has to decide.
    """
    try:
        encoded = _encode(value)
        is_same = not _may_be_deep(encoded) and _decode(encoded) == value
    except (TypeError, ValueError, RecursionError, msgspec.DecodeError):
        return None
    # A backslash before it would make it harmless: the slow walk tells.
    return encoded if is_same and b"\\u0000" not in encoded else None


def _may_be_deep(text: bytes) -> bool:
    return len(text) > MAX_NESTING and text.count(b"[") + text.count(b"{") > MAX_NESTING


def _members(container: Any, path: _Path) -> Any:  # a dict, list or tuple; its pairs
    if not isinstance(container, dict):
        return enumerate(container)
    for key in container:
        if type(key) is str:
            if problem := find_text_problem(key):
                raise UnstorableText((*path, key), problem)
        elif isinstance(key, bool) or not isinstance(key, (str, int, float)):
            raise TypeError(f"{type(key).__name__} is no key of a JSON object")
    return container.items()


def _containers_within(members: Any, path: _Path) -> list[tuple[Any, _Path]]:
    """The arrays and objects among ``members``, pairs of key and value; scalars are checked."""
    containers: list[tuple[Any, _Path]] = []
    for key, value in members:
        kind = type(value)
        if kind is int or kind is bool or value is None:
            continue
        here = path if key is None else (*path, key)
        if isinstance(value, str):
            if problem := find_text_problem(value):
                raise UnstorableText(here, problem)
        elif isinstance(value, (dict, list, tuple)):
            containers.append((value, here))
        elif isinstance(value, float):
            if not isfinite(value):
                raise UnstorableText(here, f"{value} has no JSON form")
        elif not isinstance(value, int):
            raise TypeError(f"{kind.__name__} is not JSON serializable")
    return containers
