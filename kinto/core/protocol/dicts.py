"""Nested dictionaries: finding, picking, merging.

Plugins reach these functions through ``kinto.core.utils``.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kinto.core.types import JSONValue


JSONObject = dict[str, Any]  # any JSON object


def find_nested_value(obj: JSONValue, path: str, default: JSONValue = None) -> JSONValue:
    """The value at a dotted path; a key that itself holds dots is found too, longest first."""
    if not isinstance(obj, dict):
        return default
    if path in obj:
        return obj[path]
    if "." not in path:
        return default
    found = _find(obj, path.split("."))
    return found[0] if found else default


def _find(obj: JSONValue, parts: list[str]) -> tuple[JSONValue] | None:
    """The value in a tuple of its own, which tells a ``None`` found from nothing found."""
    if not parts:
        return (obj,)
    if not isinstance(obj, dict):
        return None
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in obj and (found := _find(obj[key], parts[length:])):
            return found
    return None


def dict_subset(obj: Mapping[str, Any], keys: Iterable[str]) -> JSONObject:
    """A new dictionary with what ``keys`` name, which may be dotted paths into sub-objects.

    A path through something that is no object gives that thing whole.
    """
    result: JSONObject = {}
    for key in keys:
        if key in obj:
            result[key] = obj[key]
            continue
        root, _, rest = key.partition(".")
        if not rest or root not in obj:
            continue
        child = obj[root]
        if not isinstance(child, dict):
            result[root] = child
            continue
        picked = dict_subset(child, [rest])
        known = result.get(root, {})
        if known is not child:
            result[root] = dict_merge(known, picked)
    return result


def dict_merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> JSONObject:
    """A new dictionary of both; sub-objects are merged, otherwise ``second`` wins."""
    result = dict(first)
    for key, value in second.items():
        known = result.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            result[key] = dict_merge(known, value)
        else:
            result[key] = value
    return result


def merge_dicts(first: JSONObject, second: Mapping[str, Any]) -> None:
    """Add to ``first`` what it lacks of ``second``, at every level; what it has stays."""
    for key, value in second.items():
        known = first.setdefault(key, value)
        if known is not value and isinstance(known, dict) and isinstance(value, dict):
            merge_dicts(known, value)


def recursive_update_dict(
    root: JSONObject, changes: JSONValue, ignores: Collection[JSONValue] = ()
) -> None:
    """Change ``root`` in place; sub-objects are merged.

    :param ignores: a key whose new value is one of these is removed.
    """
    if not isinstance(changes, dict):
        return
    for key, value in changes.items():
        if _is_among(value, ignores):
            root.pop(key, None)
        elif isinstance(value, dict):
            known = root.get(key)
            # Never the client's own dictionary: its `ignores` have to be left out too.
            target = root[key] = known if isinstance(known, dict) else {}
            recursive_update_dict(target, value, ignores)
        else:
            root[key] = value


def _is_among(value: JSONValue, candidates: Collection[JSONValue]) -> bool:
    # Types too: `0` is not `False`.
    return any(type(value) is type(other) and value == other for other in candidates)


def copy_json(value: JSONValue) -> JSONValue:
    """A deep copy of a JSON value; what is no array or object is shared."""
    # No comprehensions: each would take a second frame per level of nesting.
    if isinstance(value, dict):
        copied = {}
        for key, member in value.items():
            copied[key] = copy_json(member) if isinstance(member, (dict, list)) else member
        return copied
    if isinstance(value, list):
        members = []
        for member in value:
            members.append(copy_json(member) if isinstance(member, (dict, list)) else member)
        return members
    return value
