"""What the backends give for the decision about a request, by way of whatever they offer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

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
from kinto.core.types import KintoObject, ListKey, ObjectKey, Registry


# Of the attributes of a registry: what was found out about its backends.
_KNOWN = "shared_abilities"


def lock_lists(storage: StorageBase, keys: Sequence[ListKey], *, known_only: bool = False) -> None:
    """Hold back other writers of these lists until the transaction ends, where possible."""
    if isinstance(storage, ListLocker):
        storage.lock_lists(keys, known_only=known_only)


def fetch_context(
    registry: Registry,
    query: ContextQuery,
    *,
    for_write: bool,
    with_timestamp: bool = True,
    page: PageQuery | None = None,
) -> StoredContext:
    """In one round trip where storage and permissions share a database, else piece by piece.

    :param with_timestamp: of the list, even where the object exists.
    :param page: to be read along with it, where that costs nothing.
    """
    if _shared_abilities(registry) is not None:
        reader: ContextReader = registry.storage
        return reader.fetch_context(
            query, for_write=for_write, with_timestamp=with_timestamp, page=page
        )
    return _fetch_piecewise(registry.storage, registry.permission, query)


def shares_database(registry: Registry) -> bool:
    """Whether one statement can read both, and no plugin has replaced a method of either."""
    return _shared_abilities(registry) is not None


def writes_at_once(registry: Registry) -> bool:
    """Whether an object is written with its entries by one statement that commits by itself."""
    abilities = _shared_abilities(registry)
    return abilities is not None and abilities.writes_entries


def can_plan(registry: Registry) -> bool:
    """Whether the outcome of writes can be known before they are made."""
    abilities = _shared_abilities(registry)
    return abilities is not None and abilities.plans_writes


class _Answer(NamedTuple):
    """What was found out about two backends, which holds while they are as they were."""

    storage: StorageBase
    permission: PermissionBase
    attributes: tuple[dict[str, Any], dict[str, Any]]
    abilities: Abilities | None


def _shared_abilities(registry: Registry) -> Abilities | None:
    """What the storage offers, if both are in one database and driven by our own methods."""
    storage, permission = registry.storage, registry.permission
    known: _Answer | None = registry.__dict__.get(_KNOWN)
    if (
        known is None
        or known.storage is not storage
        or known.permission is not permission
        or known.attributes != (storage.__dict__, permission.__dict__)
    ):
        attributes = (dict(storage.__dict__), dict(permission.__dict__))
        found = _find_shared_abilities(storage, permission)
        known = _Answer(storage, permission, attributes, found)
        registry.__dict__[_KNOWN] = known
    return known.abilities


def _find_shared_abilities(storage: StorageBase, permission: PermissionBase) -> Abilities | None:
    client = getattr(storage, "client", None)
    if client is None or client is not getattr(permission, "client", None):
        return None
    abilities = abilities_of(storage)
    return abilities if abilities.reads_context and abilities_of(permission).is_plain else None


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
