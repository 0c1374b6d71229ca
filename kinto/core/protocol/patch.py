"""Changes of an object: merged attributes, merge patches.

Source: "Updating an object" in the API documentation; RFC 7396.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from kinto.core.protocol.dicts import copy_json
from kinto.core.protocol.json_codec import dumps_bytes
from kinto.core.types import JSONValue, KintoObject


class ResponseBehavior(Enum):
    """Values of the ``Response-Behavior`` header."""

    FULL = "full"
    LIGHT = "light"
    DIFF = "diff"


def shallow_merge(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> KintoObject:
    """A new object: the attributes in ``changes`` replace those stored, ``null`` included."""
    return {**stored, **changes}


def merge_patch(stored: JSONValue, changes: JSONValue) -> JSONValue:
    """A new value: ``null`` removes an attribute, objects are merged, the rest replaces."""
    if not isinstance(changes, dict):
        return copy_json(changes)
    result = dict(stored) if isinstance(stored, dict) else {}
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def respond_light(
    sent: Mapping[str, Any], *, before: KintoObject, after: KintoObject, id_field: str = "id"
) -> KintoObject:
    """Those attributes among ``sent`` whose stored value was changed by the request.

    An attribute that was absent and became ``null`` is not among them.

    :param sent: ``data`` of the body; the whole result of a JSON patch.
    """
    return {
        name: after[name]
        for name in sent
        if name != id_field and name in after and not is_same_json(before.get(name), after[name])
    }


def respond_diff(
    sent: Mapping[str, Any], *, after: KintoObject, id_field: str = "id"
) -> KintoObject:
    """Those attributes among ``sent`` that did not become what the client sent."""
    return {
        name: after[name]
        for name in sent
        if name != id_field and name in after and not _holds(sent, name, after[name])
    }


def _holds(obj: Mapping[str, Any], name: str, value: JSONValue) -> bool:
    return name in obj and is_same_json(obj[name], value)


def is_same_json(first: JSONValue, second: JSONValue) -> bool:
    """Equality of JSON values: unlike in Python, ``1`` is not ``true``."""
    if type(first) is not type(second) or first != second:
        return isinstance(first, (int, float)) and _is_same_number(first, second)
    if not isinstance(first, (dict, list)):
        return True
    return dumps_bytes(first, sort_keys=True) == dumps_bytes(second, sort_keys=True)


def _is_same_number(first: JSONValue, second: JSONValue) -> bool:
    if isinstance(first, bool) or isinstance(second, bool):
        return False
    return isinstance(second, (int, float)) and first == second
