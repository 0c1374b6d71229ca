"""What requests are answered with: statuses, headers, bodies.

Source: "OpenAPI" of the HTTP API, section 15.
"""

from typing import Any

from kinto.core.openapi.colander_schema import JSONSchema, Node, json_schema
from kinto.core.openapi.parameters import ETAG_PATTERN


# Answers by status, as the document has them.
Responses = dict[str, Any]

ANY_OBJECT: JSONSchema = {"type": "object", "additionalProperties": {}}
_ERROR: JSONSchema = {
    "type": "object",
    "title": "ErrorSchema",
    "properties": {
        "code": {"type": "integer", "title": "Code"},
        "errno": {"type": "integer", "title": "Errno"},
        "error": {"type": "string", "title": "Error"},
        "message": {"type": "string", "title": "Message"},
        "info": {"type": "string", "title": "Info"},
        "details": {},
    },
    "required": ["code", "errno", "error"],
}
_VERSION_HEADERS = {
    "Etag": {"type": "string", "pattern": ETAG_PATTERN},
    "Last-Modified": {"type": "string"},
}
_ITEM_OF_BATCH: JSONSchema = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "path": {"type": "string"},
        "headers": ANY_OBJECT,
        "body": ANY_OBJECT,
    },
    "required": ["status", "path"],
}
_BATCH_BODY: JSONSchema = {
    "type": "object",
    "title": "BatchResponseBodySchema",
    "properties": {"responses": {"type": "array", "items": _ITEM_OF_BATCH}},
    "required": ["responses"],
}


def _error(description: str) -> dict[str, Any]:
    return {"description": description, "schema": _ERROR}


_COMMON_ERRORS: Responses = {
    "400": _error("The request is invalid."),
    "401": _error("The request lacks credentials, or they are wrong."),
    "403": _error("The user may not do this, or may not know whether the object exists."),
    "406": _error("The client accepts no content type that the server offers."),
    "412": _error("The preconditions of the request do not hold."),
    "default": _error("Anything else that went wrong."),
}
_NOT_FOUND: Responses = {"404": _error("There is no such object.")}
_UNSUPPORTED: Responses = {"415": _error("The content type of the request is not supported.")}
_NOT_MODIFIED: Responses = {
    "304": {"description": "The client is up to date.", "headers": _VERSION_HEADERS}
}


def _success(status: str, description: str, schema: JSONSchema) -> Responses:
    answer = {"description": description, "headers": _VERSION_HEADERS, "schema": schema}
    return {status: answer}


def object_responses(method: str, schema: JSONSchema) -> Responses:
    """Answers of the endpoint of one object.

    :param schema: of the body with that object.
    """
    responses = {**_COMMON_ERRORS, **_success("200", "The object.", schema)}
    if method == "get":
        responses |= _NOT_MODIFIED
    if method == "put":
        responses |= _success("201", "The object, which is new.", schema)
    else:
        responses |= _NOT_FOUND
    if method in ("put", "patch"):
        responses |= _UNSUPPORTED
    return responses


def plural_responses(method: str, schema: JSONSchema) -> Responses:
    """Answers of the endpoint of a set of objects.

    :param schema: of the body with one object.
    """
    if method == "post":
        return {
            **_COMMON_ERRORS,
            **_success("200", "The object, which was there before.", schema),
            **_success("201", "The object, which is new.", schema),
            **_UNSUPPORTED,
        }
    items = schema["properties"]["data"]
    many: JSONSchema = {
        "type": "object",
        "properties": {"data": {"type": "array", "items": items}},
    }
    responses = {**_COMMON_ERRORS, **_success("200", "The objects.", many)}
    if method == "get":
        responses |= _NOT_MODIFIED
    return responses


def _information(description: str) -> dict[str, Any]:
    return {"description": description, "schema": ANY_OBJECT}


# Answers of the endpoints of the core, by identifier of the operation.
_OF_CORE: dict[str, Responses] = {
    "server_info": {"200": _information("What this server is, and what it offers.")},
    "get_openapi_spec": {"200": _information("This document.")},
    "__heartbeat__": {
        "200": _information("Every subsystem works."),
        "503": _information("Some subsystem fails."),
    },
    "__lbheartbeat__": {"200": _information("The server is alive.")},
    "__version__": {"200": _information("The version that is running.")},
    "contribute": {"200": _information("How to contribute to this project.")},
    "batch": {
        "200": {"description": "An answer to each request.", "schema": _BATCH_BODY},
        "400": _error("The batch is malformed."),
        "default": _error("Anything else that went wrong."),
    },
}
_UNDESCRIBED: Responses = {"default": {"description": "Not described further."}}


def service_responses(operation_id: str, described: Any) -> Responses:
    """Answers of an endpoint that belongs to no resource.

    :param described: the argument ``response_schemas`` of its view: for each status a colander
        node, maybe with children ``body``, ``header`` or ``headers``.
    """
    if not described:
        return _OF_CORE.get(operation_id, _UNDESCRIBED)
    return {str(status): _described(node) for status, node in described.items()}


def _described(node: Node) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": node.description or "Not described further."}
    for child in node.children:
        if child.name == "body":
            answer["schema"] = json_schema(child, refuses_unknown=False)
        elif child.name in ("header", "headers"):
            answer["headers"] = {each.name: _header(each) for each in child.children}
    return answer


def _header(node: Node) -> JSONSchema:
    schema = {name: value for name, value in json_schema(node).items() if name != "title"}
    return {"type": "string", **schema}
