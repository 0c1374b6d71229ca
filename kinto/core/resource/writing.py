"""What a write stores beside the attributes: timestamps that clients choose, permissions.

Source: sections 5.3 and 8.8 of the HTTP API.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pyramid.request import Request

from kinto.core.errors import raise_invalid
from kinto.core.events import PERMISSIONS_FIELD
from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.permissions import PermissionChange, changed_permissions
from kinto.core.protocol.timestamps import client_timestamp, deletion_timestamp
from kinto.core.types import KintoObject, Permissions, Timestamp


_IS_KEPT = "is_kept"
_Method = TypeVar("_Method", bound=Callable[..., Any])


def accepted_timestamp(request: Request, value: Any, *, current: int | None) -> Timestamp | None:
    """The timestamp given in a body; ``None`` when the server chooses."""
    try:
        return client_timestamp(value, current=current)
    except InvalidParameter as error:
        raise_invalid(request, error.location, error.name, error.description)


def parse_deletion_timestamp(request: Request, *, current: int) -> Timestamp | None:
    """The timestamp given in the query string of a DELETE; ``None`` when the server chooses."""
    raw = request.validated.get("querystring", {}).get("last_modified")
    try:
        return deletion_timestamp(raw, current=current)
    except InvalidParameter as error:
        raise_invalid(request, error.location, error.name, error.description)


def keeping_objects(is_kept: Callable[[Request], bool]) -> Callable[[_Method], _Method]:
    """Mark a method ``process_object`` that does nothing about some requests.

    It has not to be called for these, which a method that stands in its place is.

    :param is_kept: whether it returns any object as it is given, unless that has a timestamp.
    """

    def mark(method: _Method) -> _Method:
        setattr(method, _IS_KEPT, is_kept)
        return method

    return mark


def is_kept(method: Any, request: Request) -> bool:
    """Whether an object without a timestamp is stored as it is, by such a method."""
    find: Callable[[Request], bool] | None = getattr(method, _IS_KEPT, None)
    return find is not None and find(request)


def kept_by_put(existing: KintoObject | None, *, modified_field: str) -> KintoObject:
    """Attributes of a PUT that says nothing about them."""
    dropped = (modified_field, PERMISSIONS_FIELD)
    return {k: v for k, v in (existing or {}).items() if k not in dropped}


def add_permissions(
    obj: KintoObject, permissions: Mapping[str, Iterable[str] | None] | None
) -> None:
    """Have an object carry its permissions, as the model stores them.

    An attribute of the same name is dropped, as it is where objects are replaced or patched.
    """
    obj.pop(PERMISSIONS_FIELD, None)
    if permissions:
        obj[PERMISSIONS_FIELD] = {name: set(held or ()) for name, held in permissions.items()}


def shown_permissions(permissions: Permissions) -> dict[str, list[str]]:
    """Permissions as answers have them: those that somebody holds."""
    return {name: sorted(held) for name, held in permissions.items() if held}


def requested_permissions(
    kind: PermissionChange,
    *,
    current: Mapping[str, Iterable[str]],
    requested: Mapping[str, Iterable[str] | None] | None,
) -> Permissions:
    """Permissions after a write, before its author is added (which the model does)."""
    return changed_permissions(
        kind, current=current, requested=requested, current_principal=None, explicit=False
    )
