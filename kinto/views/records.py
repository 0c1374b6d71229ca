"""Records: ``/buckets/{bucket_id}/collections/{collection_id}/records``."""

from typing import Any

from pyramid.request import Request

from kinto.authorization import RouteFactory
from kinto.core import resource
from kinto.core.errors import ERRORS, not_found
from kinto.core.resource.caching import add_cache_headers
from kinto.core.resource.writing import keeping_objects
from kinto.core.settings import find_cache_expires_seconds
from kinto.core.types import KintoObject, ObjectKey
from kinto.views import object_exists_or_404
from kinto.views.schemas import (
    bucket_key,
    bucket_schema,
    ensure_matches,
    is_validation_enabled,
)


_CHECKED_METHODS = ("POST", "PUT", "PATCH")


@resource.register(
    name="record",
    plural_path="/buckets/{{bucket_id}}/collections/{{collection_id}}/records",
    object_path="/buckets/{{bucket_id}}/collections/{{collection_id}}/records/{{id}}",
    factory=RouteFactory,
)
class Record(resource.Resource):
    """Data of applications."""

    permissions = ("read", "write")
    schema_field = "schema"
    # Its methods read nothing of a request but what items of a batch are given.
    has_alike_items = True
    # Nor do they anything after a write that may fail.
    writes_once = True

    def get_parent_id(self, request: Request) -> str:
        """URI of the collection."""
        matchdict = request.matchdict
        return f"/buckets/{matchdict['bucket_id']}/collections/{matchdict['collection_id']}"

    @classmethod
    def get_owner_key(cls, request: Request) -> ObjectKey:
        """The collection."""
        matchdict = request.matchdict
        bucket_uri = f"/buckets/{matchdict['bucket_id']}"
        return ObjectKey("collection", bucket_uri, matchdict["collection_id"])

    @classmethod
    def get_consulted_key(cls, request: Request) -> ObjectKey | None:
        """The bucket, which may have a schema for records."""
        is_checked = request.method in _CHECKED_METHODS and is_validation_enabled(request)
        return bucket_key(request) if is_checked else None

    @property
    def collection(self) -> KintoObject:
        """The collection of the record.

        :raises HTTPNotFound: it does not exist; errno 111.
        """
        context = getattr(self.context, "resource_context", None)
        key = self.get_owner_key(self.request)
        if context is None:
            return object_exists_or_404(
                self.request, key.resource_name, key.object_id, parent_id=key.parent_id
            )
        if context.stored.owner is None:
            raise not_found(key.resource_name, key.object_id, errno=ERRORS.MISSING_RESOURCE)
        owner: KintoObject = context.stored.owner
        return owner

    @keeping_objects(lambda request: not is_validation_enabled(request))
    def process_object(self, new: KintoObject, old: KintoObject | None = None) -> KintoObject:
        """Check the record against the schema of its collection, or of its bucket."""
        new = super().process_object(new, old)
        if not is_validation_enabled(self.request):
            return new
        collection = self.collection
        if "schema" in collection:
            self._ensure_matches(new, collection["schema"])
        schema = bucket_schema(self.request, "record:schema")
        if schema is not None:
            self._ensure_matches(new, schema)
        if "schema" in collection:
            new = {**new, self.schema_field: collection[self.model.modified_field]}
        return new

    def _ensure_matches(self, record: KintoObject, schema: Any) -> None:
        ignored = (self.model.modified_field, self.schema_field)
        ensure_matches(self.request, record, schema, id_field=self.model.id_field, ignored=ignored)

    def _add_cache_header(self, response: Any) -> None:
        add_cache_headers(
            self.request,
            response,
            find_expires_seconds=self._find_cache_expires_seconds,
            is_record=True,
        )

    def _find_cache_expires_seconds(self) -> int | None:
        matchdict = self.request.matchdict
        from_settings = find_cache_expires_seconds(
            self.request.registry.settings,
            "record",
            bucket_id=matchdict["bucket_id"],
            collection_id=matchdict["collection_id"],
        )
        from_collection = self.collection.get("cache_expires")
        given = [s for s in (from_settings, from_collection) if s is not None]
        return max(given) if given else None
