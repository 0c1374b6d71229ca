"""The inheritance of permissions: bucket, then collection or group, then record.

Source: "What allows what" of the HTTP API, section 8.3.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from kinto.core import authorization as core_authorization
from kinto.core.errors import ERRORS, not_found
from kinto.core.protocol.ids import MalformedParent, judge_malformed_parent
from kinto.core.types import BoundPermission


# Kind -> permission -> what grants it, nearest object first, as (kind, permission).
PERMISSIONS_INHERITANCE_TREE: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "root": {
        "bucket:create": (),
        "read": (),
        "write": (),
    },
    "bucket": {
        "write": (("bucket", "write"),),
        "read": (
            ("bucket", "write"),
            ("bucket", "read"),
            ("bucket", "collection:create"),
            ("bucket", "group:create"),
        ),
        "read:attributes": (
            ("bucket", "write"),
            ("bucket", "read"),
            ("bucket", "collection:create"),
            ("bucket", "group:create"),
        ),
        "group:create": (("bucket", "write"), ("bucket", "group:create")),
        "collection:create": (("bucket", "write"), ("bucket", "collection:create")),
    },
    "group": {
        "write": (("group", "write"), ("bucket", "write")),
        "read": (
            ("group", "write"),
            ("group", "read"),
            ("bucket", "write"),
            ("bucket", "read"),
        ),
    },
    "collection": {
        "write": (("collection", "write"), ("bucket", "write")),
        "read": (
            ("collection", "write"),
            ("collection", "read"),
            ("collection", "record:create"),
            ("bucket", "write"),
            ("bucket", "read"),
        ),
        "read:attributes": (
            ("collection", "write"),
            ("collection", "read"),
            ("collection", "record:create"),
            ("bucket", "write"),
            ("bucket", "read"),
        ),
        "record:create": (
            ("collection", "write"),
            ("collection", "record:create"),
            ("bucket", "write"),
        ),
    },
    "record": {
        "write": (("record", "write"), ("collection", "write"), ("bucket", "write")),
        "read": (
            ("record", "write"),
            ("record", "read"),
            ("collection", "write"),
            ("collection", "read"),
            ("bucket", "write"),
            ("bucket", "read"),
        ),
    },
}

# What a list inherits from the objects above it; its own pseudo-objects have no ACEs.
_LISTS = {"groups": "group", "collections": "collection", "records": "record"}

_LIST_URI = re.compile(r"(?P<parent>/buckets/[^/]+(?:/collections/[^/]+)?)/(?P<list>[a-z]+)")


def object_uris(uri: str) -> dict[str, str]:
    """URIs by kind of the object and of those above it; empty for what is no object's URI."""
    root, *names = uri.split("/")
    if root or names[:1] != ["buckets"] or "" in names[:6] or uri.endswith("/"):
        return {}
    depth = len(names)
    bucket = "/".join(("", *names[:2]))
    if depth == 2:
        return {"bucket": bucket}
    if depth == 4 and names[2] == "groups":
        return {"bucket": bucket, "group": uri}
    if depth >= 4 and names[2] == "collections":
        uris = {"bucket": bucket, "collection": "/".join(("", *names[:4]))}
        if depth == 4:
            return uris
        # What plugins keep below a record has its permissions.
        if depth >= 6 and names[4] == "records":
            uris["record"] = "/".join(("", *names[:6]))
            return uris
    return {}


@lru_cache(maxsize=4096)
def _uris_down_to(uri: str) -> tuple[str, ...]:
    return tuple(object_uris(uri).values())


def get_bound_permissions(object_uri: str, permission: str) -> Sequence[BoundPermission]:
    """Every pair of object and permission that grants ``permission``, nearest object first."""
    list_uri, _, name = object_uri.rpartition("/")
    own = _own_permissions(list_uri, permission) if name else ()
    if own:
        return [
            *[BoundPermission(object_uri, granting) for granting in own],
            *_bound_above(list_uri, permission),
        ]
    return _bound_above(object_uri, permission)


@lru_cache(maxsize=4096)
def _own_permissions(list_uri: str, permission: str) -> tuple[str, ...]:
    """Which permissions on an object of this list grant the one asked for.

    Empty where more has to be known than the list: objects are many, lists are few.
    """
    kind = next(reversed(object_uris(f"{list_uri}/any")), None)
    match = _LIST_URI.fullmatch(list_uri)
    if kind is None or match is None or _LISTS.get(match["list"]) != kind:
        return ()
    granting = PERMISSIONS_INHERITANCE_TREE[kind].get(permission, ())
    return tuple(name for above, name in granting if above == kind)


@lru_cache(maxsize=4096)
def _bound_above(object_uri: str, permission: str) -> tuple[BoundPermission, ...]:
    """What objects inherit, by the URI of their list; or of an object of which there are few."""
    uris = object_uris(object_uri)
    if uris:
        granting = PERMISSIONS_INHERITANCE_TREE[next(reversed(uris))].get(permission)
        if granting is None:
            return (BoundPermission(object_uri, permission),)
        return tuple(BoundPermission(uris[above], name) for above, name in granting)
    match = _LIST_URI.fullmatch(object_uri)
    if match is not None and match["list"] in _LISTS:
        kind, above = _LISTS[match["list"]], object_uris(match["parent"])
        return tuple(
            BoundPermission(above[name], wanted)
            for name, wanted in PERMISSIONS_INHERITANCE_TREE[kind].get(permission, ())
            if name in above
        )
    return _bound_elsewhere(object_uri, permission)


def _bound_elsewhere(uri: str, permission: str) -> tuple[BoundPermission, ...]:
    """For objects of plugins outside the buckets, such as ``/accounts/alice``."""
    if not re.fullmatch(r"/[^/]+/[^/]+", uri):
        return ()
    if permission == "read":
        return (BoundPermission(uri, "write"), BoundPermission(uri, "read"))
    return (BoundPermission(uri, permission),)


class AuthorizationPolicy(core_authorization.AuthorizationPolicy):
    """Permissions are inherited from the objects above."""

    def get_bound_permissions(self, object_id: str, permission: str) -> list[BoundPermission]:
        """Every pair that grants the permission; empty for a URI that is no object's."""
        return list(get_bound_permissions(object_id, permission))


class RouteFactory(core_authorization.RouteFactory):
    """The objects above are those named in the URL."""

    def creation_uri(self) -> str:
        """URI of the parent object; the empty text at the root."""
        plural = super().creation_uri()
        return plural.rpartition("/")[0]

    def refuse_malformed_parents(self) -> None:
        """Refuse what could act as a pattern in the storage.

        Source: "Resource identifiers" of the HTTP API, section 4.
        """
        for parent in ("bucket", "collection"):
            object_id = self.request.matchdict.get(f"{parent}_id")
            if object_id is None or self.request.registry.id_generators[parent].match(object_id):
                continue
            verdict = judge_malformed_parent(
                object_id,
                parent,
                method=self.request.method,
                is_plural=self.on_plural_endpoint,
            )
            signed_in = verdict is MalformedParent.NOT_FOUND_WHEN_SIGNED_IN
            if verdict is MalformedParent.NOT_FOUND or (signed_in and not self.is_anonymous):
                raise not_found(parent, object_id, errno=ERRORS.MISSING_RESOURCE)

    def empty_list_uri(self) -> str:
        """URI of the parent object."""
        return self.creation_uri()

    def ancestor_uris(self) -> tuple[str, ...]:
        """URIs of the bucket, and of the collection of a record."""
        return _uris_down_to(self.creation_uri())
