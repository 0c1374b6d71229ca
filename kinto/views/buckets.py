"""Buckets: ``/buckets``."""

import colander

from kinto.authorization import RouteFactory
from kinto.core import resource
from kinto.schema_validation import JSONSchemaMapping
from kinto.views.descendants import remove_subtrees


class BucketSchema(resource.ResourceSchema):
    """Attributes of buckets."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        # Their names are no identifiers.
        for kind in ("collection", "group", "record"):
            self[f"{kind}:schema"] = JSONSchemaMapping(missing=colander.drop)


@resource.register(
    name="bucket", plural_path="/buckets", object_path="/buckets/{{id}}", factory=RouteFactory
)
class Bucket(resource.Resource):
    """Top of the hierarchy: holds collections and groups."""

    schema = BucketSchema
    permissions = ("read", "write", "collection:create", "group:create")
    child_resource_names = ("collection", "group")

    def remove_descendants(self, object_ids: list[str]) -> None:
        """Remove the collections, groups, records of deleted buckets."""
        remove_subtrees(self.request, [f"/buckets/{bucket_id}" for bucket_id in object_ids])
