"""Identifiers of objects, in URLs or bodies.

Source: "Resource identifiers" in the API documentation.
"""

import re
from enum import Enum

from kinto.core.exceptions import InvalidParameter
from kinto.core.types import JSONValue, ListKey


PLAIN_ID_PATTERN = r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$"
ACCOUNT_ID_PATTERN = r"^[a-zA-Z0-9][a-zA-Z0-9_.+@-]*$"

# Matched as a whole: `$` alone would let a final line feed through.
_PLAIN_ID = re.compile(PLAIN_ID_PATTERN.strip("^$"))
_ACCOUNT_ID = re.compile(ACCOUNT_ID_PATTERN.strip("^$"))


class MalformedParent(Enum):
    """How a request below a parent whose id is malformed is answered."""

    NOT_FOUND = "not found"
    NOT_FOUND_WHEN_SIGNED_IN = "not found when signed in, else unauthorized"
    AS_UNKNOWN = "as below a parent that does not exist"


def is_plain_id(object_id: JSONValue) -> bool:
    """Whether this may be the id of a bucket, a collection, a group or a record."""
    return isinstance(object_id, str) and _PLAIN_ID.fullmatch(object_id) is not None


def is_account_id(object_id: JSONValue) -> bool:
    """Whether this may be the name of an account."""
    return isinstance(object_id, str) and _ACCOUNT_ID.fullmatch(object_id) is not None


def invalid_object_id() -> InvalidParameter:
    """The error for a malformed id, in the URL or in the body of a POST."""
    return InvalidParameter("path", None, "Invalid object id")


def find_id_mismatch(data: JSONValue, object_id: str, *, id_field: str) -> InvalidParameter | None:
    """The error for a body that gives another id than the URL."""
    if not isinstance(data, dict) or data.get(id_field, object_id) == object_id:
        return None
    return InvalidParameter("body", id_field, "Object id does not match existing object")


def find_list(path: str) -> ListKey | None:
    """The list below a bucket, or of buckets, that a request for this path is about.

    :param path: without version prefix; the query string is ignored.
    :returns: ``None`` for every other path. It only goes by the form of the path: there may be
        no such kind of object.
    """
    first, *parts = path.partition("?")[0].rstrip("/").split("/")
    if first or parts[:1] != ["buckets"] or not all(map(is_plain_id, parts)):
        return None
    depth = (len(parts) - 1) // 2 * 2
    parent_id = "".join(f"/{part}" for part in parts[:depth])
    return ListKey(parts[depth].removesuffix("s"), parent_id)


def judge_malformed_parent(
    parent_id: str, resource_name: str, *, method: str, is_plural: bool
) -> MalformedParent:
    """Decide before the storage is asked, where such an id could act as a pattern.

    :param resource_name: kind of the parent, ``bucket`` or ``collection``.
    :param method: of the request, upper case.
    :param is_plural: the request is for a list.
    """
    is_write = method == "POST" if is_plural else method in ("PUT", "PATCH", "DELETE")
    if is_write:
        return MalformedParent.NOT_FOUND
    if is_plural and resource_name == "bucket" and "*" in parent_id:
        return MalformedParent.NOT_FOUND_WHEN_SIGNED_IN
    return MalformedParent.AS_UNKNOWN
