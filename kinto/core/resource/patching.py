"""PATCH: the changes of a request, applied to what is stored.

Source: "PATCH object" of the HTTP API, section 6.6.
"""

from dataclasses import dataclass
from typing import Any

from kinto.core.errors import raise_invalid
from kinto.core.events import PERMISSIONS_FIELD
from kinto.core.exceptions import PatchError
from kinto.core.protocol.json_patch import apply_json_patch
from kinto.core.protocol.patch import merge_patch, respond_diff, respond_light, shallow_merge
from kinto.core.protocol.permissions import PermissionChange
from kinto.core.resource.schema import find_errors
from kinto.core.resource.validation import JSON_PATCH, MERGE_PATCH
from kinto.core.resource.writing import requested_permissions
from kinto.core.types import KintoObject


@dataclass(frozen=True, slots=True)
class PatchedObject:
    """What a PATCH makes of an object.

    :param obj: to be stored, with the permissions that change.
    :param sent: attributes as the client sent them; for a JSON patch, as it made them.
    """

    obj: KintoObject
    sent: dict[str, Any]


def patch_object(resource: Any, obj: KintoObject, changes: Any) -> PatchedObject:
    """Apply the changes, checked by the schema of the resource."""
    content_type = resource.request.content_type
    if content_type == JSON_PATCH:
        patched = _apply_operations(resource, obj, changes)
    else:
        patched = _merge(obj, changes, is_merge_patch=content_type == MERGE_PATCH)
    new, permissions = _split(patched.obj)
    id_field, modified_field = resource.model.id_field, resource.model.modified_field
    is_plain_merge = content_type not in (JSON_PATCH, MERGE_PATCH)
    for field in (id_field, modified_field):
        # A patch that removes what the server decides says nothing about it; in a plain merge
        # `null` is a value like others.
        is_silent = field not in new if is_plain_merge else new.get(field) is None
        if is_silent or (field == modified_field and new[field] is None):
            new[field] = obj[field]
    _refuse_readonly(resource, obj, new)
    new = _deserialized(resource, new)
    if permissions is not None:
        new[PERMISSIONS_FIELD] = permissions
    return PatchedObject(new, patched.sent)


def _merge(obj: KintoObject, changes: Any, *, is_merge_patch: bool) -> PatchedObject:
    stored, _ = _split(obj)
    sent = changes.get("data", {})
    merged = merge_patch(stored, sent) if is_merge_patch else shallow_merge(stored, sent)
    kind = PermissionChange.MERGE_PATCH if is_merge_patch else PermissionChange.PATCH
    permissions = requested_permissions(
        kind, current=obj.get(PERMISSIONS_FIELD, {}), requested=changes.get("permissions")
    )
    return PatchedObject({**merged, PERMISSIONS_FIELD: permissions}, sent)


def _apply_operations(resource: Any, obj: KintoObject, operations: Any) -> PatchedObject:
    stored, current = _split(obj)
    try:
        new, permissions = apply_json_patch(
            stored, current or {}, operations, known_permissions=resource.permissions
        )
    except PatchError as error:
        raise_invalid(
            resource.request, "body", None, f"JSON Patch operation failed: {error.reason}"
        )
    return PatchedObject({**new, PERMISSIONS_FIELD: permissions}, dict(new))


def _split(obj: KintoObject) -> tuple[KintoObject, Any]:
    attributes = dict(obj)
    permissions = attributes.pop(PERMISSIONS_FIELD, None)
    return attributes, permissions


def _refuse_readonly(resource: Any, obj: KintoObject, new: KintoObject) -> None:
    for field in resource.schema.get_option("readonly_fields"):
        if new.get(field) != obj.get(field):
            raise_invalid(resource.request, "body", field, f"Cannot modify {field}")


def _deserialized(resource: Any, new: KintoObject) -> KintoObject:
    node = resource._schema_node()
    value, errors = find_errors(node, new)
    if errors:
        first = errors[0]
        raise_invalid(resource.request, first.location, first.name, first.description)
    deserialized: KintoObject = value
    return deserialized


def respond_to_patch(
    body: dict[str, Any], behavior: str, *, sent: dict[str, Any], old: KintoObject, model: Any
) -> dict[str, Any]:
    """The answer with as much of the object as the client asks for."""
    if behavior == "full":
        return body
    after = body["data"]
    if behavior == "light":
        return {"data": respond_light(sent, before=old, after=after, id_field=model.id_field)}
    return {"data": respond_diff(sent, after=after, id_field=model.id_field)}
