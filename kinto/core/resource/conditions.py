"""Preconditions of a request, checked against what was read.

The write checks again what it rests on, so that nothing slips in between.
Source: "Preconditions" of the HTTP API, section 7.8.
"""

from typing import Any

from pyramid.httpexceptions import HTTPPreconditionFailed
from pyramid.interfaces import IAuthorizationPolicy

from kinto.core.errors import ERRORS, http_error
from kinto.core.events import PERMISSIONS_FIELD
from kinto.core.protocol.preconditions import Outcome, Preconditions, evaluate
from kinto.core.response import LightNotModified
from kinto.core.types import KintoObject, Timestamp


_SAFE = ("GET", "HEAD")


def ensure_preconditions(
    resource: Any, obj: KintoObject | None, *, only_304: bool = False
) -> None:
    """Answer 304 or 412 when the conditions of a request that has some ask for it.

    :param obj: the live object addressed; ``None`` for a list, or when there is none.
    """
    request = resource.request
    headers = request.validated["header"]
    preconditions = Preconditions(headers.get("If-Match"), headers.get("If-None-Match"))
    if not preconditions:
        return
    is_safe = request.method in _SAFE
    exists = obj is not None or request.method not in ("PUT", "POST")
    current = _current_timestamp(resource, obj)
    outcome = evaluate(preconditions, current=current, exists=exists, is_safe=is_safe)
    if outcome is Outcome.NOT_MODIFIED:
        response = LightNotModified()
        resource._add_timestamp_header(response, timestamp=current)
        raise response
    if outcome is Outcome.FAILED and not only_304:
        raise _precondition_failed(resource, obj)


def _current_timestamp(resource: Any, obj: KintoObject | None) -> Timestamp | None:
    if obj is not None:
        return Timestamp(obj[resource._field_names.modified_field])
    return None if resource.request.method == "PUT" else resource.timestamp


def _precondition_failed(resource: Any, obj: KintoObject | None) -> Exception:
    details = None
    if obj is not None and _may_read(resource, obj):
        existing = {key: value for key, value in obj.items() if key != PERMISSIONS_FIELD}
        details = {"existing": existing}
    response = http_error(
        HTTPPreconditionFailed(),
        errno=ERRORS.MODIFIED_MEANWHILE,
        message="Resource was modified meanwhile",
        details=details,
    )
    timestamp = None if obj is None else obj[resource.model.modified_field]
    resource._add_timestamp_header(response, timestamp=timestamp)
    return response  # type: ignore[no-any-return]  # Pyramid ships no types


def _may_read(resource: Any, obj: KintoObject) -> bool:
    """Whether the user may see the object that stands in the way.

    All methods but PUT are only reached by who may read: a PUT that only creates is open to
    people who may add to the list, and see nothing of it.
    """
    context = resource.context
    if resource.request.method != "PUT" or getattr(context, "resource_context", None) is None:
        return True
    uri = context.get_permission_object_id(resource.request, obj[resource.model.id_field])
    policy = resource.request.registry.queryUtility(IAuthorizationPolicy)
    find_bound = getattr(policy, "get_bound_permissions", None)
    bound = find_bound(uri, "read") if find_bound else [(uri, "read"), (uri, "write")]
    return bool(context.check_permission(context.get_prefixed_principals(), bound))
