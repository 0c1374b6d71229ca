"""What a request has to know before it can be decided, in one round trip."""

from collections.abc import Sequence

from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.matching import FieldNames
from kinto.core.storage.postgresql.rows import one_object
from kinto.core.storage.protocols import ContextQuery, StoredContext
from kinto.core.types import BoundPermission, Permissions, Timestamp


# Groups may hold every user who is signed in.
_AUTHENTICATED = "system.Authenticated"

_FETCH = Statement(
    "kinto_fetch_context",
    """
    SELECT groups, granted, aces, epoch, data, owner_epoch, owner_data, list_epoch
      FROM kinto_fetch_context(
        %(user_ids)s, %(principals)s, %(uris)s, %(object_uri)s,
        %(resource_name)s, %(parent_id)s, %(object_id)s,
        %(owner_resource_name)s, %(owner_parent_id)s, %(owner_id)s)
    """,
    types={
        "user_ids": "text[]",
        "principals": "text[]",
        "uris": "text[]",
        "object_uri": "text",
        "resource_name": "text",
        "parent_id": "text",
        "object_id": "text",
        "owner_resource_name": "text",
        "owner_parent_id": "text",
        "owner_id": "text",
    },
)


def fetch_context(
    connection: Connection, query: ContextQuery, *, names: FieldNames
) -> StoredContext:
    """The answer to a query, from one snapshot of the database."""
    row = connection.fetch_one(_FETCH, _params(query))
    assert row is not None
    groups, granted, aces, epoch, data, owner_epoch, owner_data, timestamp = row
    context = StoredContext(
        groups=frozenset(groups or ()),
        granted=frozenset(BoundPermission(*pair) for pair in granted or ()),
        permissions=_permissions(aces or ()),
        timestamp=Timestamp(timestamp),
    )
    if data is not None and query.object_id is not None:
        context.obj = one_object(data, query.object_id, epoch, names=names)
    if owner_data is not None and query.owner is not None:
        context.owner = one_object(owner_data, query.owner.object_id, owner_epoch, names=names)
    return context


def _params(query: ContextQuery) -> dict[str, object]:
    owner = query.owner
    return {
        "user_ids": [] if query.userid is None else [query.userid, _AUTHENTICATED],
        "principals": list(query.principals),
        "uris": list(query.uris),
        "object_uri": query.object_uri,
        "resource_name": query.target.resource_name,
        "parent_id": query.target.parent_id,
        "object_id": query.object_id,
        "owner_resource_name": owner and owner.resource_name,
        "owner_parent_id": owner and owner.parent_id,
        "owner_id": owner and owner.object_id,
    }


def _permissions(aces: Sequence[Sequence[str]]) -> Permissions:
    """Pairs of permission and principal, grouped by permission."""
    permissions: Permissions = {}
    for permission, principal in aces:
        permissions.setdefault(permission, set()).add(principal)
    return permissions
