"""Groups: ``/buckets/{bucket_id}/groups``."""

import re
from collections.abc import Iterable
from typing import Any

import colander
from pyramid.events import subscriber
from pyramid.request import Request

from kinto.authorization import RouteFactory
from kinto.core import resource
from kinto.core.events import ACTIONS, ResourceChanged
from kinto.core.types import KintoObject, ObjectKey
from kinto.views.schemas import (
    bucket_key,
    bucket_schema,
    ensure_matches,
    is_validation_enabled,
)


_GROUP_URI = re.compile(r"/buckets/[^/]+/groups/[^/]+")


def validate_member(node: colander.SchemaNode, member: str) -> None:
    """Refuse what is no user: everyone, or another group."""
    if member == "system.Everyone" or _GROUP_URI.fullmatch(member):
        raise colander.Invalid(node, f"'{member}' is not a valid user ID.")


class GroupSchema(resource.ResourceSchema):
    """Attributes of groups."""

    members = colander.SchemaNode(
        colander.Sequence(),
        colander.SchemaNode(colander.String(), validator=validate_member),
        missing=[],
    )


@resource.register(
    name="group",
    plural_path="/buckets/{{bucket_id}}/groups",
    object_path="/buckets/{{bucket_id}}/groups/{{id}}",
    factory=RouteFactory,
)
class Group(resource.Resource):
    """A set of users that permissions can name."""

    schema = GroupSchema
    permissions = ("read", "write")

    def get_parent_id(self, request: Request) -> str:
        """URI of the bucket."""
        return f"/buckets/{request.matchdict['bucket_id']}"

    @classmethod
    def get_owner_key(cls, request: Request) -> ObjectKey:
        """The bucket."""
        return bucket_key(request)

    def process_object(self, new: KintoObject, old: KintoObject | None = None) -> KintoObject:
        """Check the attributes against the schema that the bucket may give."""
        new = super().process_object(new, old)
        if is_validation_enabled(self.request):
            schema = bucket_schema(self.request, "group:schema")
            if schema is not None:
                ensure_matches(
                    self.request,
                    new,
                    schema,
                    id_field=self.model.id_field,
                    ignored=(self.model.modified_field,),
                )
        return new


@subscriber(ResourceChanged, for_resources=("group",), for_actions=(ACTIONS.DELETE,))
def on_groups_deleted(event: Any) -> None:
    """Take deleted groups away from their members."""
    for change in event.impacted_objects:
        event.request.registry.permission.remove_principal(_group_uri(event, change["old"]))


@subscriber(
    ResourceChanged, for_resources=("group",), for_actions=(ACTIONS.CREATE, ACTIONS.UPDATE)
)
def on_groups_changed(event: Any) -> None:
    """Give groups to new members, take them away from former ones."""
    for change in event.impacted_objects:
        permission = event.request.registry.permission
        uri = _group_uri(event, change["new"])
        new = _members(change["new"])
        old = _members(change.get("old", {}))
        for member in sorted(new - old):
            permission.add_user_principal(member, uri)
        for member in sorted(old - new):
            permission.remove_user_principal(member, uri)


def _group_uri(event: Any, group: KintoObject) -> str:
    return f"/buckets/{event.payload['bucket_id']}/groups/{group['id']}"


def _members(group: KintoObject) -> set[str]:
    members: Iterable[str] = group.get("members") or ()
    return set(members)
