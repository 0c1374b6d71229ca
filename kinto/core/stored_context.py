"""What the backends give for the decision about a request, by way of whatever they offer."""

from collections.abc import Sequence
from typing import cast

from kinto.core.permission import PermissionBase
from kinto.core.storage import StorageBase
from kinto.core.storage.abilities import Abilities, abilities_of
from kinto.core.storage.exceptions import ObjectNotFoundError
from kinto.core.storage.protocols import (
    ContextQuery,
    ContextReader,
    ListLocker,
    PageQuery,
    StoredContext,
)
from kinto.core.types import KintoObject, ListKey, ObjectKey


def lock_lists(storage: StorageBase, keys: Sequence[ListKey], *, known_only: bool = False) -> None:
    """Hold back other writers of these lists until the transaction ends, where possible."""
    if isinstance(storage, ListLocker):
        storage.lock_lists(keys, known_only=known_only)


def fetch_context(
    storage: StorageBase,
    permission: PermissionBase,
    query: ContextQuery,
    *,
    for_write: bool,
    page: PageQuery | None = None,
) -> StoredContext:
    """In one round trip where storage and permissions share a database, else piece by piece.

    :param page: to be read along with it, where that costs nothing.
    """
    if shares_database(storage, permission):
        reader = cast(ContextReader, storage)
        return reader.fetch_context(query, for_write=for_write, page=page)
    return _fetch_piecewise(storage, permission, query)


def shares_database(storage: StorageBase, permission: PermissionBase) -> bool:
    """Whether one statement can read both, and no plugin has replaced a method of either."""
    return _shared_abilities(storage, permission) is not None


def _shared_abilities(storage: StorageBase, permission: PermissionBase) -> Abilities | None:
    """What the storage offers, if both are in one database and driven by our own methods."""
    client = getattr(storage, "client", None)
    if client is None or client is not getattr(permission, "client", None):
        return None
    abilities = abilities_of(storage)
    return abilities if abilities.reads_context and abilities_of(permission).is_plain else None


def writes_at_once(storage: StorageBase, permission: PermissionBase) -> bool:
    """Whether an object is written with its entries by one statement that commits by itself."""
    abilities = _shared_abilities(storage, permission)
    return abilities is not None and abilities.writes_entries


def can_plan(storage: StorageBase, permission: PermissionBase) -> bool:
    """Whether the outcome of writes can be known before they are made."""
    return shares_database(storage, permission) and abilities_of(storage).plans_writes


def _fetch_piecewise(
    storage: StorageBase, permission: PermissionBase | None, query: ContextQuery
) -> StoredContext:
    stored = StoredContext()
    if permission is not None:
        if query.userid is not None:
            stored.groups = frozenset(permission.get_user_principals(query.userid))
        holders = stored.groups.union(query.principals)
        stored.granted = permission.get_granted(holders, query.uris)
    if query.owner is not None:
        stored.owner = _find(storage, query.owner)
        if stored.owner is None:
            return stored
    if query.consulted is not None:
        stored.consulted = _find(storage, query.consulted)
    if query.object_id is not None:
        stored.obj = _find(storage, ObjectKey(*query.target, query.object_id))
        if stored.obj is not None and permission is not None and query.object_uri is not None:
            stored.permissions = permission.get_object_permissions(query.object_uri)
    return stored


def _find(storage: StorageBase, key: ObjectKey) -> KintoObject | None:
    try:
        found: KintoObject = storage.get(*key)
    except ObjectNotFoundError:
        return None
    return found
