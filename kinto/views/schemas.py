"""JSON schemas that records, collections or groups have to match.

Source: "Record validation" of the HTTP API, sections 9.2 and 9.3.
"""

from typing import Any

from pyramid.request import Request

from kinto.core.errors import ERRORS, not_found, raise_invalid
from kinto.core.events import PERMISSIONS_FIELD
from kinto.core.registry import settings_of
from kinto.core.types import KintoObject, ObjectKey
from kinto.schema_validation import check_object
from kinto.views import object_exists_or_404


def is_validation_enabled(request: Request) -> bool:
    """Whether the settings have objects checked."""
    return settings_of(request).features.has_schema_validation


def ensure_matches(
    request: Request,
    obj: KintoObject,
    schema: Any,
    *,
    id_field: str,
    ignored: tuple[str, ...] = (),
) -> None:
    """Refuse the object for the first thing that its schema forbids.

    :raises HTTPBadRequest: details name what was wrong.
    """
    ignored = (*ignored, PERMISSIONS_FIELD)
    error = check_object(obj, schema, id_field=id_field, ignore_fields=ignored)
    if error is not None:
        raise_invalid(request, "body", error.name, error.description)


def bucket_key(request: Request) -> ObjectKey:
    """The bucket that the URL names."""
    return ObjectKey("bucket", "", request.matchdict["bucket_id"])


def bucket_schema(request: Request, name: str) -> Any:
    """The schema ``name`` that the bucket gives for what it holds; ``None`` without one.

    :raises HTTPNotFound: there is no such bucket; errno 111.
    """
    key = bucket_key(request)
    context = getattr(request.context, "resource_context", None)
    # A plugin may have records checked within requests of its own.
    above = {} if context is None else context.above()
    if key not in above:
        return object_exists_or_404(request, key.resource_name, key.object_id).get(name)
    bucket: KintoObject | None = above[key]
    if bucket is None:
        raise not_found(key.resource_name, key.object_id, errno=ERRORS.MISSING_RESOURCE)
    return bucket.get(name)
