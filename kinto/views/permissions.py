"""List of the objects on which the user has permissions: ``/permissions``.

Source: "GET /permissions" of the HTTP API, section 8.10.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import colander
from pyramid.request import Request

from kinto.authorization import PERMISSIONS_INHERITANCE_TREE, RouteFactory
from kinto.core import resource
from kinto.core.protocol.clock import msec_time
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import Filter, Sort
from kinto.core.registry import current_settings
from kinto.core.resource.listing import read_token
from kinto.core.settings import principals_setting
from kinto.core.storage.memory import extract_object_set
from kinto.core.types import KintoObject


# Names in a URI -> kinds of the objects that the ids after them stand for.
_KINDS = {
    ("buckets",): ("bucket",),
    ("buckets", "groups"): ("bucket", "group"),
    ("buckets", "collections"): ("bucket", "collection"),
    ("buckets", "collections", "records"): ("bucket", "collection", "record"),
    ("accounts",): ("account",),
}
_PLURALS = {kinds[-1]: names[-1] for names, kinds in _KINDS.items()}
# Kinds at the top, whose creation is a matter of settings alone.
_TOP_KINDS = ("bucket", "account")
# Kind -> kinds created below it.
_CHILDREN = {"bucket": ("collection", "group"), "collection": ("record",)}
_PLAIN_TREE = {"read": (), "write": ()}

Accessible = dict[str, set[str]]


def find_accessible(request: Request) -> Accessible:
    """URIs of objects with the permissions that the user holds: by ACEs and by settings."""
    registry = request.registry
    principals = request.prefixed_principals
    served = {getattr(s, "resource_name", None) for s in registry.cornice_services.values()}
    accessible: Accessible = {
        uri: set(held)
        for uri, held in registry.permission.get_accessible_objects(principals).items()
        if (ids := _ids_by_kind(uri)) and list(ids)[-1] in served
    }
    for kind in filter(served.__contains__, _PLURALS):
        granted = _granted_by_settings(registry.settings, kind, principals)
        if granted:
            for uri in _uris_of_kind(registry, kind):
                accessible.setdefault(uri, set()).update(granted)
    creatable = {
        f"{kind}:create"
        for kind in _TOP_KINDS
        if kind in served and _is_granted(registry.settings, f"{kind}_create", principals)
    }
    if creatable:
        accessible["/"] = creatable
    return accessible


def describe(uri: str, held: set[str]) -> KintoObject:
    """The entry of one object, implied permissions included."""
    if uri == "/":
        return {"uri": uri, "resource_name": "root", "permissions": sorted(held)}
    ids = _ids_by_kind(uri)
    kind = list(ids)[-1]
    return {
        "uri": uri,
        "resource_name": kind,
        "permissions": sorted(_with_implied(kind, held)),
        "id": ids[kind],
        **{f"{name}_id": object_id for name, object_id in ids.items()},
    }


def _with_implied(kind: str, held: set[str]) -> set[str]:
    tree = PERMISSIONS_INHERITANCE_TREE.get(kind) or {
        name: ((kind, name), (kind, "write")) for name in _PLAIN_TREE
    }
    grants = {(kind, name) for name in held}
    implied = {name for name, granting in tree.items() if not grants.isdisjoint(granting)}
    # Who may add to an object sees its attributes, not what others put below it.
    if held.isdisjoint(("read", "write")):
        implied.discard("read")
    return held | implied


def _ids_by_kind(uri: str) -> dict[str, str]:
    """Ids of the object and of those above it; empty for what is not listed here."""
    parts = uri.split("/")
    kinds = _KINDS.get(tuple(parts[1::2]))
    ids = parts[2::2]
    if kinds is None or parts[0] or len(ids) != len(kinds):
        return {}
    return dict(zip(kinds, ids, strict=True))


def _is_granted(settings: Any, permission: str, principals: Iterable[str]) -> bool:
    return not principals_setting(settings, f"{permission}_principals").isdisjoint(principals)


def _granted_by_settings(settings: Any, kind: str, principals: list[str]) -> set[str]:
    granted = {
        name for name in ("read", "write") if _is_granted(settings, f"{kind}_{name}", principals)
    }
    for child in _CHILDREN.get(kind, ()):
        if _is_granted(settings, f"{child}_create", principals):
            granted.add(f"{child}:create")
    return granted


def _uris_of_kind(registry: Any, kind: str) -> Iterator[str]:
    """URIs of every object of a kind on this server."""
    for parent_id in registry.storage.all_resources_timestamps(kind):
        # Each account is in a list of its own, whose parent is no part of its URI.
        above = "" if kind in _TOP_KINDS else parent_id
        for object_id in _ids_in_list(registry, kind, parent_id):
            yield f"{above}/{_PLURALS[kind]}/{object_id}"


def _ids_in_list(registry: Any, kind: str, parent_id: str) -> Iterator[str]:
    """Ids of a list, by as many statements as the backend takes to give all of it."""
    size = current_settings(registry).pagination.max_fetch_size
    newer: list[Filter] = []
    while True:
        objects = registry.storage.list_all(
            resource_name=kind,
            parent_id=parent_id,
            filters=newer,
            sorting=[Sort("last_modified", 1)],
            limit=size,
        )
        yield from (obj["id"] for obj in objects)
        if len(objects) < size:
            return
        newer = [Filter("last_modified", objects[-1]["last_modified"], COMPARISON.GT)]


class PermissionsModel(resource.Model):
    """The entries of the user of one request."""

    def __init__(self, *args: Any, request: Request, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def timestamp(self, parent_id: str | None = None) -> int:
        """Now: nothing tells when permissions changed."""
        return msec_time()

    def get_objects(
        self,
        filters: Any = None,
        sorting: Any = None,
        pagination_rules: Any = None,
        limit: int | None = None,
        include_deleted: bool = False,
        parent_id: str | None = None,
    ) -> list[KintoObject]:
        """Entries that match."""
        page, _ = extract_object_set(
            self._entries(), filters, sorting, pagination_rules=pagination_rules, limit=limit
        )
        return page

    def count_objects(self, filters: Any = None, parent_id: str | None = None) -> int:
        """How many entries match."""
        _, count = extract_object_set(self._entries(), filters, None)
        return count

    def _entries(self) -> list[KintoObject]:
        return [describe(uri, held) for uri, held in find_accessible(self.request).items()]


class PermissionsSchema(resource.ResourceSchema):
    """Fields of an entry that can be filtered, sorted, selected."""

    uri = colander.SchemaNode(colander.String())
    resource_name = colander.SchemaNode(colander.String())
    id = colander.SchemaNode(colander.String())
    bucket_id = colander.SchemaNode(colander.String())
    group_id = colander.SchemaNode(colander.String(), missing=colander.drop)
    collection_id = colander.SchemaNode(colander.String(), missing=colander.drop)
    record_id = colander.SchemaNode(colander.String(), missing=colander.drop)

    class Options:
        """Nothing else is known."""

        preserve_unknown = False


@resource.register(
    name="permissions",
    plural_path="/permissions",
    object_path=None,
    plural_methods=("HEAD", "GET"),
    factory=RouteFactory,
    service_arguments={"description": "Permissions of the user"},
)
class PermissionsList(resource.Resource):
    """The answers have no ETag, as it could not tell that permissions changed."""

    schema = PermissionsSchema
    permissions = ()

    def _make_model(self) -> PermissionsModel:
        request, registry = self.request, self.request.registry
        return PermissionsModel(
            storage=registry.storage,
            permission=registry.permission,
            resource_name=request.current_resource_name,
            request=request,
        )

    def _add_timestamp_header(self, response: Any, timestamp: int | None = None) -> None:
        """There is none."""

    def _raise_304_if_not_modified(self, obj: KintoObject | None = None) -> None:
        """The client cannot know that nothing changed."""

    def _extract_sorting(self, limit: int) -> list[Sort]:
        # Entries have no timestamp, and several may have the same id.
        asked = super()._extract_sorting(limit)
        sorting = [sort for sort in asked if sort.field != self.model.modified_field]
        if all(sort.field != "uri" for sort in sorting):
            sorting.append(Sort("uri", -1))
        return sorting

    def _extract_pagination_rules_from_token(
        self, limit: int, sorting: list[Sort]
    ) -> tuple[list[list[Filter]] | None, int]:
        token = self._query().get("_token")
        text = token if isinstance(token, str) else None
        return read_token(self.request, text, sorting=sorting, tie_breaker="uri")
