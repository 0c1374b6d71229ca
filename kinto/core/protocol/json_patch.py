"""JSON patches of an object and its permissions.

A patch sees ``{"data": {…}, "permissions": {"read": {"alice": "alice"}}}``, so that
``/permissions/read/alice`` can be added, removed or tested. Source: RFC 6902; "JSON-Patch
operations" in the API documentation.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointer, JsonPointerException

from kinto.core.exceptions import InvalidParameter, PatchError, UnstorableText
from kinto.core.protocol.dicts import copy_json
from kinto.core.protocol.json_codec import check_storable
from kinto.core.types import JSONValue, KintoObject, Permissions, Principal


OPERATIONS: Final = ("test", "add", "remove", "replace", "move", "copy")
MAX_OPERATIONS: Final = 5_000
# Repeated copies double a document each time: what all of them may add, in characters. A member
# counts for some, as it takes time to copy.
MAX_COPIED_SIZE: Final = 2_000_000

_MEMBER_SIZE = 10
_MAX_REASON_LENGTH = 500
_MEMBERS = ("op", "path", "from", "value")
_VALUE_IS_PRINCIPAL = ("test", "add", "replace")
# What the libraries are known to raise on documents of an unexpected shape.
_FAILURES = (
    JsonPatchException,
    JsonPointerException,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def validate_json_patch_body(operations: JSONValue) -> list[InvalidParameter]:
    """What is wrong with the form of a body, before it is applied to anything."""
    if not isinstance(operations, list):
        return [_invalid("", f'"{_shorten(operations)}" is not iterable')]
    if len(operations) > MAX_OPERATIONS:
        return [_invalid("", f"At most {MAX_OPERATIONS} operations")]
    return [
        error
        for index, operation in enumerate(operations)
        for error in _validate_operation(str(index), operation)
    ]


def apply_json_patch(
    obj: KintoObject,
    permissions: Mapping[str, Iterable[Principal]],
    operations: list[dict[str, Any]],
    *,
    known_permissions: Collection[str] | None = None,
) -> tuple[KintoObject, Permissions]:
    """Attributes and permissions after a patch; nothing given is altered.

    :param operations: of the form that :func:`validate_json_patch_body` accepts.
    :param known_permissions: those of this kind of object; ``None`` accepts any.
    :returns: permissions that the patch removed as a whole are left out: they stay as they are.
    :raises PatchError: an operation fails, or its result is no object with permissions.
    """
    shown = {
        name: {principal: principal for principal in permissions[name]} for name in permissions
    }
    for name in known_permissions or ():
        shown.setdefault(name, {})
    document: JSONValue = {"data": copy_json(obj), "permissions": shown}
    budget = MAX_COPIED_SIZE
    for operation in operations:
        try:
            if operation.get("op") == "copy":
                budget -= _weigh_source(document, operation, budget)
            patch = JsonPatch([_with_principal(operation, shown)])
            document = patch.apply(document, in_place=True)
        except _FAILURES as error:
            raise PatchError(_shorten(error)) from error
    return _read_result(document, known_permissions)


def _validate_operation(name: str, operation: JSONValue) -> Iterable[InvalidParameter]:
    if not isinstance(operation, dict):
        yield _invalid(
            name,
            f'"{_shorten(operation)}" is not a mapping type: '
            "Does not implement dict-like functionality.",
        )
        return
    if unknown := {key: value for key, value in operation.items() if key not in _MEMBERS}:
        yield _invalid(name, f'Unrecognized keys in mapping: "{_shorten(unknown)}"')
    for member, is_required in (("op", True), ("path", True), ("from", False)):
        if description := _find_member_problem(member, operation.get(member), is_required):
            yield _invalid(f"{name}.{member}", description)


def _find_member_problem(member: str, value: JSONValue, is_required: bool) -> str | None:
    if value is None or value == "":
        return "Required" if is_required else None
    if not isinstance(value, str):
        return f"{_shorten(value)} is not a string: {{'{member}': ''}}"
    if member == "op":
        if value not in OPERATIONS:
            return f'"{_shorten(value)}" is not one of {", ".join(OPERATIONS)}'
        return None
    return None if value.startswith("/") else "String does not match expected pattern"


def _with_principal(
    operation: dict[str, Any], shown: Mapping[str, Any]
) -> dict[str, Any]:  # any JSON values
    """The operation as the library wants it: an empty ``from`` left out, the value copied.

    The value of ``/permissions/read/alice`` may be omitted: it is ``alice``.
    """
    result = {key: value for key, value in operation.items() if key != "from" or value}
    if "value" in result:
        result["value"] = copy_json(result["value"])
        return result
    root, *names = str(operation.get("path", "")).split("/")
    if operation.get("op") in _VALUE_IS_PRINCIPAL and not root and len(names) == 3:
        section, permission, principal = names
        if section == "permissions" and permission in shown:
            result["value"] = principal.replace("~1", "/").replace("~0", "~")
    return result


def _weigh_source(document: JSONValue, operation: dict[str, Any], budget: int) -> int:
    """What a copy adds.

    :raises PatchError: more than ``budget``.
    """
    if not operation.get("from"):
        return 0  # the library tells
    pending = [JsonPointer(operation["from"]).resolve(document)]
    weight = 0
    while pending:
        value = pending.pop()
        weight += _MEMBER_SIZE
        if isinstance(value, str):
            weight += len(value)
        elif isinstance(value, dict):
            weight += sum(map(len, value))
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        if weight > budget:
            raise PatchError("Copies make the object too large")
    return weight


def _read_result(
    document: JSONValue, known_permissions: Collection[str] | None
) -> tuple[KintoObject, Permissions]:
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise PatchError("/data must be an object")
    shown = document.get("permissions")
    if not isinstance(shown, dict):
        raise PatchError("/permissions must be an object")
    permissions: Permissions = {}
    for name, principals in shown.items():
        if known_permissions is not None and name not in known_permissions:
            raise PatchError(f"'{name}' is not one of {', '.join(known_permissions)}")
        if not isinstance(principals, (dict, list)) or not all(
            isinstance(principal, str) for principal in principals
        ):
            raise PatchError(f"/permissions/{name} must be a list of strings")
        permissions[name] = set(principals)
    try:
        check_storable([data, {name: list(permissions[name]) for name in permissions}])
    except UnstorableText as error:
        raise PatchError(error.reason) from error
    return data, permissions


def _invalid(name: str, description: str) -> InvalidParameter:
    return InvalidParameter("body", name, description)


def _shorten(value: object) -> str:
    text = str(value)
    return text if len(text) <= _MAX_REASON_LENGTH else f"{text[:_MAX_REASON_LENGTH]}…"
