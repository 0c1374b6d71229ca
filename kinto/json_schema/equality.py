"""Equality of JSON values: ``1`` equals ``1.0``, and ``true`` equals neither."""

from collections.abc import Hashable

from kinto.core.types import JSONValue
from kinto.json_schema.outcome import Work


def hashable_form(value: JSONValue, work: Work) -> Hashable:
    """A stand-in for a value: two values are equal if and only if their stand-ins are."""
    if isinstance(value, bool):
        return (value, "boolean")
    if isinstance(value, list):
        work.spend(len(value))
        return ("array", tuple(hashable_form(item, work) for item in value))
    if isinstance(value, dict):
        work.spend(len(value))
        items = ((name, hashable_form(item, work)) for name, item in value.items())
        return ("object", frozenset(items))
    # Strings, numbers, null: Python's own equality is right, and they can be hashed.
    return value  # type: ignore[no-any-return]  # a JSON scalar
