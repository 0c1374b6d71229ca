"""Permissions in the memory of the process."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from kinto.core.permission import AUTHENTICATED, BoundPermissions, PermissionBase
from kinto.core.storage import wildcards
from kinto.core.storage.undo import AtomicWrites
from kinto.core.types import Configurator, Permissions, Principal


class Permission(PermissionBase):
    """Access control entries in memory: gone with the process, unknown to other processes.

    Threads may share an instance. What a request wrote is undone when it fails.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._writes = AtomicWrites()
        self._users = _Relation(self._writes)
        self._aces = _Relation(self._writes)

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Nothing is needed."""

    def flush(self) -> None:
        # New instances: steps that undo earlier writes go on with the former ones.
        with self._writes.lock:
            self._users = _Relation(self._writes)
            self._aces = _Relation(self._writes)

    def add_user_principal(self, user_id: str, principal: Principal) -> None:
        with self._writes.write():
            self._users.add(user_id, "", principal)

    def remove_user_principal(self, user_id: str, principal: Principal) -> None:
        with self._writes.write():
            self._users.remove(user_id, "", principal)

    def remove_principal(self, principal: Principal) -> None:
        with self._writes.write():
            for user_id in self._users.held_by(principal):
                self._users.remove(user_id, "", principal)

    def remove_principals_below(self, prefix: str) -> None:
        """Take from every user each principal that begins with ``prefix``."""
        with self._writes.write():
            for principal in self._users.principals_below(prefix):
                self.remove_principal(principal)

    def get_user_principals(self, user_id: str) -> set[Principal]:
        with self._writes.lock:
            return self._users.holders(user_id, "") | self._users.holders(AUTHENTICATED, "")

    def add_principal_to_ace(self, object_id: str, permission: str, principal: Principal) -> None:
        with self._writes.write():
            self._aces.add(object_id, permission, principal)

    def remove_principal_from_ace(
        self, object_id: str, permission: str, principal: Principal
    ) -> None:
        with self._writes.write():
            self._aces.remove(object_id, permission, principal)

    def get_object_permission_principals(self, object_id: str, permission: str) -> set[Principal]:
        with self._writes.lock:
            return self._aces.holders(object_id, permission)

    def get_authorized_principals(self, bound_permissions: BoundPermissions) -> set[Principal]:
        with self._writes.lock:
            return set().union(*(self._aces.holders(*pair) for pair in bound_permissions))

    def get_accessible_objects(
        self,
        principals: Iterable[Principal],
        bound_permissions: BoundPermissions | None = None,
        with_children: bool = True,
    ) -> dict[str, set[str]]:
        held: dict[str, set[str]] = {}
        with self._writes.lock:
            for principal in set(principals):
                for object_id, permissions in self._aces.held_by(principal).items():
                    held.setdefault(object_id, set()).update(permissions)
        if bound_permissions is None:
            return held
        return _restricted(held, list(bound_permissions), with_children=with_children)

    def get_objects_permissions(
        self, objects_ids: Sequence[str], permissions: Iterable[str] | None = None
    ) -> list[Permissions]:
        names = None if permissions is None else set(permissions)
        with self._writes.lock:
            return [
                {
                    permission: principals
                    for permission, principals in self._aces.of(object_id).items()
                    if names is None or permission in names
                }
                for object_id in objects_ids
            ]

    def replace_object_permissions(
        self, object_id: str, permissions: Mapping[str, Iterable[Principal]]
    ) -> None:
        with self._writes.write():
            for permission, principals in permissions.items():
                wanted = set(principals)
                current = self._aces.holders(object_id, permission)
                for principal in current - wanted:
                    self._aces.remove(object_id, permission, principal)
                for principal in wanted - current:
                    self._aces.add(object_id, permission, principal)

    def delete_object_permissions(self, *object_ids: str) -> None:
        with self._writes.write():
            for object_id in object_ids:
                for found in self._aces.select(object_id):
                    for permission, principals in self._aces.of(found).items():
                        for principal in principals:
                            self._aces.remove(found, permission, principal)


class _Relation:
    """Who holds what on which subject, looked up from either end; changes can be undone."""

    def __init__(self, writes: AtomicWrites) -> None:
        self._writes = writes
        self._subjects: dict[str, dict[str, set[Principal]]] = {}
        self._principals: dict[Principal, dict[str, set[str]]] = {}

    def holders(self, subject: str, permission: str) -> set[Principal]:
        return set(self._subjects.get(subject, {}).get(permission, ()))

    def of(self, subject: str) -> Permissions:
        return {name: set(holders) for name, holders in self._subjects.get(subject, {}).items()}

    def held_by(self, principal: Principal) -> dict[str, set[str]]:
        return {key: set(names) for key, names in self._principals.get(principal, {}).items()}

    def principals_below(self, prefix: str) -> list[Principal]:
        return [principal for principal in self._principals if principal.startswith(prefix)]

    def select(self, pattern: str) -> list[str]:
        """Subjects that match; ``*`` is any run of characters."""
        if "*" not in pattern:
            return [pattern]
        return [subject for subject in self._subjects if wildcards.matches(pattern, subject)]

    def add(self, subject: str, permission: str, principal: Principal) -> None:
        if self._add(subject, permission, principal):
            self._writes.record(partial(self._remove, subject, permission, principal))

    def remove(self, subject: str, permission: str, principal: Principal) -> None:
        if self._remove(subject, permission, principal):
            self._writes.record(partial(self._add, subject, permission, principal))

    def _add(self, subject: str, permission: str, principal: Principal) -> bool:
        holders = self._subjects.setdefault(subject, {}).setdefault(permission, set())
        if principal in holders:
            return False
        holders.add(principal)
        self._principals.setdefault(principal, {}).setdefault(subject, set()).add(permission)
        return True

    def _remove(self, subject: str, permission: str, principal: Principal) -> bool:
        if principal not in self._subjects.get(subject, {}).get(permission, ()):
            return False
        _discard(self._subjects, subject, permission, principal)
        _discard(self._principals, principal, subject, permission)
        return True


def _discard(index: dict[str, dict[str, set[str]]], first: str, second: str, third: str) -> None:
    """Remove a value, with what holds nothing any more then."""
    index[first][second].discard(third)
    if not index[first][second]:
        del index[first][second]
    if not index[first]:
        del index[first]


def _restricted(
    held: dict[str, set[str]], bound_permissions: list[tuple[str, str]], *, with_children: bool
) -> dict[str, set[str]]:
    """Of what is held, that which one of the patterns covers."""
    found: dict[str, set[str]] = {}
    for pattern, permission in bound_permissions:
        candidates = held if "*" in pattern else held.keys() & {pattern}
        for object_id in candidates:
            if permission in held[object_id] and _covers(pattern, object_id, with_children):
                found.setdefault(object_id, set()).add(permission)
    return found


def _covers(pattern: str, object_id: str, with_children: bool) -> bool:
    if with_children:
        return wildcards.matches(pattern, object_id)
    return wildcards.segment_pattern(pattern).fullmatch(object_id) is not None


def load_from_config(config: Configurator) -> Permission:
    """A new permission backend, which shares nothing with others."""
    return Permission()
