"""What a write does to the permissions of an object.

Source: "Permissions" in the API documentation.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from kinto.core.types import Permissions, Principal


class PermissionChange(Enum):
    """The kinds of writes, by what they do to permissions that they leave out or set to null."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    MERGE_PATCH = "merge patch"
    JSON_PATCH = "json patch"


# A body that mentions some permissions empties the others.
_TOTAL = (PermissionChange.CREATE, PermissionChange.REPLACE)


def changed_permissions(
    kind: PermissionChange,
    *,
    current: Mapping[str, Iterable[Principal]],
    requested: Mapping[str, Iterable[Principal] | None] | None,
    current_principal: Principal | None,
    explicit: bool = True,
) -> Permissions:
    """The permissions of an object after a write.

    :param requested: those of the body; a JSON patch gives its whole result.
    :param current_principal: who writes, and from now on may write; ``None`` adds nobody.
    :param explicit: the setting ``explicit_permissions``: without it nobody is added.
    :returns: each permission that the object had or that was asked for; those that nobody
        has any more are there, empty.
    """
    result: Permissions = {name: set(principals) for name, principals in current.items()}
    if kind in _TOTAL and requested:
        result = {name: set() for name in result}
    for name, principals in (requested or {}).items():
        if principals is not None:
            result[name] = set(principals)
        elif kind is PermissionChange.MERGE_PATCH or kind in _TOTAL:
            result[name] = set()
    if explicit and current_principal is not None:
        result.setdefault("write", set()).add(current_principal)
    return result
