"""Checks of the form of a request, all of its errors in one answer.

What is found right stands in ``request.validated``: ``path``, ``header``, ``querystring``,
``body``.
"""

from typing import Any

from pyramid.request import Request

from kinto.core.errors import ERRORS, add_errors, not_found, request_params
from kinto.core.exceptions import InvalidParameter, InvalidParameters, JSONError, UnstorableText
from kinto.core.protocol.json_patch import validate_json_patch_body
from kinto.core.protocol.preconditions import parse_preconditions
from kinto.core.protocol.querystring import GroupedParams, group_params, validate_querystring
from kinto.core.protocol.storable import check_storable, may_hold_nul
from kinto.core.resource.listing import find_foreseen
from kinto.core.resource.schema import find_errors, patch_body_schema


JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
PATCH_CONTENT_TYPES = ("application/json", MERGE_PATCH, JSON_PATCH)
_BEHAVIORS = ("full", "light", "diff")


def validate_resource_request(request: Request, *, body_schema: Any = None, **kwargs: Any) -> None:
    """Cornice validator of every method but PATCH.

    :param body_schema: a colander node; without it the body is not looked at.
    """
    validated = _start(request)
    if body_schema is None:
        return
    body = _read_body(request)
    if body is None:
        return
    value, errors = find_errors(body_schema, body)
    for error in errors or _storable_errors_of(request, value):
        add_errors(request, error)
    validated["body"] = value or {}


def validate_patch_request(
    request: Request, *, permissions: tuple[str, ...] = (), **kwargs: Any
) -> None:
    """Cornice validator of PATCH, whose body depends on its content type."""
    validated = _start(request)
    behavior = request.environ.get("HTTP_RESPONSE_BEHAVIOR")
    if behavior:
        if behavior not in _BEHAVIORS:
            description = f'"{behavior}" is not one of {", ".join(_BEHAVIORS)}'
            request.errors.add("header", "Response-Behavior", description)
        validated["header"]["Response-Behavior"] = behavior
    body = _read_body(request)
    if body is None:
        return
    if request.content_type == JSON_PATCH:
        errors = list(validate_json_patch_body(body)) or _storable_errors_of(request, body)
        value = body
    else:
        value, errors = find_errors(_patch_schema(permissions), body)
        errors = errors or _storable_errors_of(request, value)
    for error in errors:
        add_errors(request, error)
    validated["body"] = value if value is not None else {}


def query_params(validated: dict[str, Any]) -> GroupedParams:
    """Parameters of a validated request, as they come from a query string."""
    return group_params(
        [
            (name, value)
            for name, values in validated.get("querystring", {}).items()
            for value in (values if isinstance(values, list) else [values])
        ]
    )


_PATCH_SCHEMAS: dict[tuple[str, ...], Any] = {}


def _patch_schema(permissions: tuple[str, ...]) -> Any:
    schema = _PATCH_SCHEMAS.get(permissions)
    if schema is None:
        schema = _PATCH_SCHEMAS[permissions] = patch_body_schema(permissions)
    return schema


def _start(request: Request) -> dict[str, Any]:
    """Path, headers and query string.

    :raises HTTPNotFound: what holds the list addressed does not exist.
    """
    context = getattr(request.context, "resource_context", None)
    missing = context.missing_owner() if context is not None else None
    if missing is not None:
        raise not_found(missing.resource_name, missing.object_id, errno=ERRORS.MISSING_RESOURCE)
    validated: dict[str, Any] = request.validated
    validated["path"] = dict(request.matchdict)
    validated["header"] = _read_preconditions(request)
    validated["querystring"] = _read_query(request)
    validated["body"] = {}
    return validated


def _read_preconditions(request: Request) -> dict[str, Any]:
    environ = request.environ
    if_match, if_none_match = environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH")
    if not if_match and not if_none_match:
        return {}
    try:
        parsed = parse_preconditions(if_match, if_none_match)
    except InvalidParameters as error:
        add_errors(request, error)
        return {}
    found = {"If-Match": parsed.if_match, "If-None-Match": parsed.if_none_match}
    return {name: value for name, value in found.items() if value is not None}


def _read_query(request: Request) -> dict[str, Any]:
    if not request.environ.get("QUERY_STRING"):
        return {}
    foreseen = find_foreseen(request)
    if foreseen is not None:
        return foreseen.copy_params()
    params = group_params(request_params(request))
    # On objects all parameters but `_fields` are ignored, even malformed ones.
    if request.current_service.type == "plural":
        for error in validate_querystring(params):
            add_errors(request, error)
    return params


def _read_body(request: Request) -> Any:
    """The JSON of the body, ``{}`` without one; ``None`` once it was refused."""
    if not request.body_bytes:
        return {}
    try:
        body = request.json_body
    except JSONError as error:
        return _refuse_body(request, f"Invalid JSON: {error}")
    if not isinstance(body, dict | list):
        return _refuse_body(request, "Should be a JSON object or an array")
    return body


def _refuse_body(request: Request, description: str) -> None:
    # Nothing else was validated when the body could not be read.
    request.errors.clear()
    request.errors.add("body", "", description)
    request.errors.add("body", "", "Required")


def _storable_errors_of(request: Request, value: Any) -> list[InvalidParameter]:
    """The same for what was read from the body, which holds NUL characters only if it says so."""
    return storable_errors(value) if may_hold_nul(request.body_bytes) else []


def storable_errors(value: Any) -> list[InvalidParameter]:
    """What in a body cannot be stored: NUL characters, lone surrogates, too deep nesting."""
    try:
        check_storable(value)
    except UnstorableText as error:
        name = ".".join(str(part) for part in error.path)
        readable = name.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
        return [InvalidParameter("body", readable, error.reason)]
    return []
