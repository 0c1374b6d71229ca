"""The contract of permission backends: access control entries, principals of users."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from pyramid.settings import asbool

from kinto.core.types import BoundPermission, Permissions, Principal, Request


logger = structlog.get_logger(__name__)

# What this pseudo user was given counts for every user.
AUTHENTICATED = "system.Authenticated"

_HEARTBEAT = "__heartbeat__"

# Pairs of object (or pattern) and permission.
BoundPermissions = Iterable[tuple[str, str]]


class PermissionBase:
    """What every permission backend offers.

    An access control entry (ACE) is an object URI, a permission, a principal; all three
    compare exactly.

    Each method raises :class:`~kinto.core.storage.exceptions.BackendError` when the service
    behind the backend fails.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Make what the backend needs; idempotent, also on a database in use.

        :param dry_run: change nothing.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Remove everything; committed at once."""
        raise NotImplementedError

    def add_user_principal(self, user_id: str, principal: Principal) -> None:
        """Give a user a principal."""
        raise NotImplementedError

    def remove_user_principal(self, user_id: str, principal: Principal) -> None:
        """Take a principal from a user; unknown ones are no error."""
        raise NotImplementedError

    def remove_principal(self, principal: Principal) -> None:
        """Take a principal from every user; access control entries stay."""
        raise NotImplementedError

    def get_user_principals(self, user_id: str) -> set[Principal]:
        """What the user was given, or every authenticated user was."""
        raise NotImplementedError

    def add_principal_to_ace(self, object_id: str, permission: str, principal: Principal) -> None:
        """Give a principal a permission on an object."""
        raise NotImplementedError

    def remove_principal_from_ace(
        self, object_id: str, permission: str, principal: Principal
    ) -> None:
        """Take a permission on an object from a principal; unknown ones are no error."""
        raise NotImplementedError

    def get_object_permission_principals(self, object_id: str, permission: str) -> set[Principal]:
        """Who holds a permission on an object."""
        raise NotImplementedError

    def get_authorized_principals(self, bound_permissions: BoundPermissions) -> set[Principal]:
        """Who holds at least one of these permissions; ``*`` has no meaning here."""
        raise NotImplementedError

    def check_permission(
        self, principals: Iterable[Principal], bound_permissions: BoundPermissions
    ) -> bool:
        """Whether one of the principals holds one of these permissions."""
        return not self.get_authorized_principals(bound_permissions).isdisjoint(principals)

    def get_granted(
        self, principals: Iterable[Principal], objects_ids: Sequence[str]
    ) -> frozenset[BoundPermission]:
        """The permissions on these objects that one of the principals holds."""
        holders = frozenset(principals)
        aces = self.get_objects_permissions(objects_ids)
        return frozenset(
            BoundPermission(uri, name)
            for uri, permissions in zip(objects_ids, aces, strict=True)
            for name, held_by in permissions.items()
            if not holders.isdisjoint(held_by)
        )

    def get_accessible_objects(
        self,
        principals: Iterable[Principal],
        bound_permissions: BoundPermissions | None = None,
        with_children: bool = True,
    ) -> dict[str, set[str]]:
        """What these principals may do, by object.

        :param bound_permissions: patterns of object URIs with the permission looked for;
            ``None``: everything.
        :param with_children: ``*`` is any text; otherwise one or more characters but ``/``.
        :returns: URI -> permissions held; nothing for objects without any.
        """
        raise NotImplementedError

    def get_object_permissions(
        self, object_id: str, permissions: Iterable[str] | None = None
    ) -> Permissions:
        """The permissions of an object, see :meth:`get_objects_permissions`."""
        return self.get_objects_permissions([object_id], permissions)[0]

    def get_objects_permissions(
        self, objects_ids: Sequence[str], permissions: Iterable[str] | None = None
    ) -> list[Permissions]:
        """The permissions of each object, in the order given; names without ACE are left out.

        :param permissions: only these names.
        """
        raise NotImplementedError

    def replace_object_permissions(
        self, object_id: str, permissions: Mapping[str, Iterable[Principal]]
    ) -> None:
        """Give the named permissions exactly these principals; the other ones stay."""
        raise NotImplementedError

    def replace_objects_permissions(
        self, replaced: Mapping[str, Mapping[str, Iterable[Principal]]]
    ) -> None:
        """The same for several objects, by their URIs."""
        for object_id, permissions in replaced.items():
            self.replace_object_permissions(object_id, permissions)

    def delete_object_permissions(self, *object_ids: str) -> None:
        """Remove all permissions of these objects; ``*`` is any run of characters."""
        raise NotImplementedError


def heartbeat(backend: PermissionBase) -> Callable[[Request], bool]:
    """A check of a permission backend: whether it can be written, or read in read-only mode."""

    def ping(request: Request) -> bool:
        """Whether the permission backend works; never raises."""
        try:
            if asbool(request.registry.settings.get("readonly")):
                backend.get_user_principals(_HEARTBEAT)
            else:
                backend.add_user_principal(_HEARTBEAT, "alive")
                backend.remove_user_principal(_HEARTBEAT, "alive")
        except Exception:
            logger.exception("Heartbeat failure")
            return False
        return True

    return ping
