"""The objects of a list that were shared with the user, when the list itself was not.

Where storage and permissions are in one database they come in one round trip, together with the
page that the request asks for; else the permissions give the ids, and the page is asked for later.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from kinto.core.permission import PermissionBase
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import Filter
from kinto.core.storage import StorageBase
from kinto.core.storage.matching import FieldNames
from kinto.core.storage.protocols import (
    PageQuery,
    SharedObjects,
    SharedQuery,
    SharedReader,
)
from kinto.core.types import BoundPermission, ListKey


_ID_FIELD = FieldNames().id


def fetch_shared(
    storage: StorageBase,
    target: ListKey,
    page: PageQuery,
    *,
    principals: Sequence[str],
    pattern: str,
    permissions: Sequence[str],
) -> SharedObjects | None:
    """What was shared, in one round trip.

    :param pattern: URI of the objects of the list, ``*`` standing for an id.
    :returns: ``None`` for a pattern of another form.
    """
    if not pattern.endswith("/*") or pattern.count("*") > 1:
        return None
    query = SharedQuery(target, pattern[:-1], tuple(permissions), tuple(principals))
    return cast(SharedReader, storage).fetch_shared(query, page)


def find_shared_ids(
    permission: PermissionBase,
    *,
    principals: Sequence[str],
    patterns: Sequence[BoundPermission],
) -> list[str]:
    """Ids of what was shared, in the order of code points."""
    found = permission.get_accessible_objects(principals, list(patterns), with_children=False)
    return sorted({uri.rpartition("/")[2] for uri in found})


def restricted_to(page: PageQuery, ids: list[str]) -> PageQuery:
    """The same page among the objects with these ids, as a resource asks for it."""
    return replace(page, filters=(*page.filters, Filter(_ID_FIELD, ids, COMPARISON.IN)))
