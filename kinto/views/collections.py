"""Collections: ``/buckets/{bucket_id}/collections``."""

import colander
from pyramid.request import Request

from kinto.authorization import RouteFactory
from kinto.core import resource
from kinto.core.types import KintoObject, ObjectKey
from kinto.schema_validation import JSONSchemaMapping
from kinto.views.descendants import remove_subtrees
from kinto.views.schemas import (
    bucket_key,
    bucket_schema,
    ensure_matches,
    is_validation_enabled,
)


class CollectionSchema(resource.ResourceSchema):
    """Attributes of collections."""

    schema = JSONSchemaMapping(missing=colander.drop)
    cache_expires = colander.SchemaNode(colander.Int(), missing=colander.drop)


@resource.register(
    name="collection",
    plural_path="/buckets/{{bucket_id}}/collections",
    object_path="/buckets/{{bucket_id}}/collections/{{id}}",
    factory=RouteFactory,
)
class Collection(resource.Resource):
    """Holds records."""

    schema = CollectionSchema
    permissions = ("read", "write", "record:create")
    child_resource_names = ("record",)

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
            schema = bucket_schema(self.request, "collection:schema")
            if schema is not None:
                ensure_matches(
                    self.request,
                    new,
                    schema,
                    id_field=self.model.id_field,
                    ignored=(self.model.modified_field,),
                )
        return new

    def remove_descendants(self, object_ids: list[str]) -> None:
        """Remove the records of deleted collections."""
        parent = self.model.parent_id
        remove_subtrees(self.request, [f"{parent}/collections/{cid}" for cid in object_ids])
